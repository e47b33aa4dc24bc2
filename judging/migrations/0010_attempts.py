"""The versions of matches and the takes of duels and controls point to rows of their attempts."""

import django.db.models.deletion
from django.db import migrations, models


def attempt_of(apps, *, round_id, of, number, cause):
    key = {"round_id": round_id, "of": of, "entry": None, "number": number}
    return apps.get_model("competition", "Attempt").objects.get_or_create(**key, defaults={"cause": cause})[0]


def point_to_attempts(apps, schema_editor):
    Match, Duel, Control = (apps.get_model("judging", name) for name in ("Match", "Duel", "Control"))
    versions = Match._base_manager.filter(version__gt=1).order_by("round_id", "version")
    for round_id, number in versions.values_list("round_id", "version").distinct():
        attempt = attempt_of(apps, round_id=round_id, of="decision", number=number, cause="correction")
        Match._base_manager.filter(round_id=round_id, version=number).update(attempt=attempt)
    asked = Duel._base_manager.filter(take__gt=1).order_by("match__round_id", "take")
    for round_id, number in asked.values_list("match__round_id", "take").distinct():
        attempt = attempt_of(apps, round_id=round_id, of="decision", number=number, cause="correction")
        Duel._base_manager.filter(match__round_id=round_id, take=number).update(attempt=attempt)
    takes = Control._base_manager.filter(take__gt=1).order_by("round_id", "take")
    for round_id, number in takes.values_list("round_id", "take").distinct():
        attempt = attempt_of(apps, round_id=round_id, of="controls", number=number, cause="health")
        Control._base_manager.filter(round_id=round_id, take=number).update(attempt=attempt)


def attempt(related_name):
    return models.ForeignKey(
        blank=True,
        null=True,
        on_delete=django.db.models.deletion.PROTECT,
        related_name=related_name,
        to='competition.attempt',
    )


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0014_attempts'),
        ('judging', '0009_match_versions'),
    ]

    operations = [
        migrations.AddField(model_name='match', name='attempt', field=attempt('matches')),
        migrations.AddField(model_name='duel', name='attempt', field=attempt('duels')),
        migrations.AddField(model_name='control', name='attempt', field=attempt('controls')),
        migrations.RunPython(point_to_attempts, migrations.RunPython.noop),
    ]
