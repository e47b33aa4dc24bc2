"""Code goes by attempts only; `version` and `repeat` stay beside, for the release before (competition/0015_attempts_alone)."""

import django.db.models.deletion
from django.db import migrations, models

TRIGGER = """CREATE TRIGGER attempts_and_numbers BEFORE INSERT ON {table} FOR EACH ROW {when}
EXECUTE FUNCTION competition_attempts_and_numbers('{column}', '{first}', '{of}', '{cause}')"""


def trigger(table, column, *, first, cause, of='', when=''):
    made = TRIGGER.format(table=table, column=column, first=first, of=of, cause=cause, when=when)
    return migrations.RunSQL(made, f"DROP TRIGGER attempts_and_numbers ON {table}")


def default(table, column, value):
    return migrations.RunSQL(
        f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT {value}",
        f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT",
    )


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0015_attempts_alone'),
        ('audits', '0009_attempts'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(model_name='audit', name='one_audit_per_version'),
                migrations.RemoveConstraint(model_name='podrun', name='one_pod_run_per_repeat'),
                migrations.RemoveField(model_name='audit', name='version'),
                migrations.RemoveField(model_name='podrun', name='repeat'),
            ],
            database_operations=[
                default('audits_audit', 'version', 1),
                default('audits_podrun', 'repeat', 0),
                trigger('audits_audit', 'version', first=0, cause='correction', when='WHEN (NEW.attempt_id IS NOT NULL OR NEW.version > 1)'),
                trigger('audits_podrun', 'repeat', first=1, cause='pod', when='WHEN (NEW.attempt_id IS NOT NULL OR NEW.repeat > 0)'),
                trigger('audits_correction', 'number', first=1, of='decision', cause='correction'),
            ],
        ),
        migrations.AlterField(
            model_name='correction',
            name='attempt',
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT, related_name='correction', to='competition.attempt'
            ),
        ),
        migrations.AddConstraint(
            model_name='audit',
            constraint=models.UniqueConstraint(fields=('submission', 'kind', 'attempt'), name='one_audit_per_attempt', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='podrun',
            constraint=models.UniqueConstraint(fields=('submission', 'purpose', 'attempt'), name='one_pod_run_per_attempt', nulls_distinct=False),
        ),
    ]
