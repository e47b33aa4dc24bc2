"""An attempt is a row: what a corrected round's bankrolls were numbered by points to one."""

import django.db.models.deletion
from django.db import migrations, models


def point_to_attempts(apps, schema_editor):
    Attempt, Bankroll = (apps.get_model("competition", name) for name in ("Attempt", "Bankroll"))
    for row in Bankroll._base_manager.filter(edition__gt=1).order_by("pk"):
        key = {"round_id": row.round_id, "of": "bankroll", "entry": None, "number": row.edition}
        row.attempt, _ = Attempt.objects.get_or_create(**key, defaults={"cause": "correction"})
        row.save(update_fields=["attempt"])


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0013_channels_are_a_table'),
    ]

    operations = [
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('of', models.CharField(max_length=20)),
                ('number', models.PositiveSmallIntegerField()),
                ('cause', models.CharField(choices=[('correction', 'the round may be decided anew'), ('appeal', 'an appeal was upheld'), ('health', 'the judge was not well enough, or may not have been'), ('pod', 'a pod was lost through a fault of ours, or there is more for one to bring')], max_length=10)),
                ('entry', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='competition.submission')),
                ('round', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='competition.round')),
            ],
            options={
                'constraints': [
                    models.UniqueConstraint(fields=('round', 'of', 'entry', 'number'), name='attempts_are_numbered', nulls_distinct=False),
                    models.CheckConstraint(condition=models.Q(('number__gt', 1)), name='a_first_attempt_has_no_row'),
                ],
            },
        ),
        migrations.AddField(
            model_name='bankroll',
            name='attempt',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='bankrolls', to='competition.attempt'),
        ),
        migrations.RunPython(point_to_attempts, migrations.RunPython.noop),
    ]
