"""The versions of verdicts, the repeats of pod runs and the numbers of corrections point to rows of their attempts."""

import django.db.models.deletion
from django.db import migrations, models


def attempt_of(apps, *, round_id, of, entry_id, number, cause):
    key = {"round_id": round_id, "of": of, "entry_id": entry_id, "number": number}
    return apps.get_model("competition", "Attempt").objects.get_or_create(**key, defaults={"cause": cause})[0]


def point_to_attempts(apps, schema_editor):
    Audit, PodRun, Correction = (apps.get_model("audits", name) for name in ("Audit", "PodRun", "Correction"))
    for row in Audit._base_manager.filter(version__gt=1).order_by("pk"):
        row.attempt = attempt_of(
            apps,
            round_id=row.round_id,
            of=row.kind,
            entry_id=row.submission_id,
            number=row.version,
            cause="appeal" if row.code == "appeal_upheld" else "correction",
        )
        row.save(update_fields=["attempt"])
    for row in PodRun._base_manager.filter(repeat__gt=0).order_by("pk").select_related("submission"):
        row.attempt = attempt_of(
            apps,
            round_id=row.submission.round_id,
            of=f"run {row.purpose}",
            entry_id=row.submission_id,
            number=row.repeat + 1,
            cause="pod",
        )
        row.save(update_fields=["attempt"])
    for row in Correction._base_manager.order_by("pk"):
        row.attempt = attempt_of(
            apps, round_id=row.round_id, of="decision", entry_id=None, number=row.number + 1, cause="correction"
        )
        row.save(update_fields=["attempt"])


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
        ('audits', '0008_corrections_again'),
        ('competition', '0014_attempts'),
    ]

    operations = [
        migrations.AddField(model_name='audit', name='attempt', field=attempt('audits')),
        migrations.AddField(model_name='podrun', name='attempt', field=attempt('pod_runs')),
        migrations.AddField(
            model_name='correction',
            name='attempt',
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name='correction',
                to='competition.attempt',
            ),
        ),
        migrations.RunPython(point_to_attempts, migrations.RunPython.noop),
    ]
