"""Code goes by attempts only; `version` and `take` stay beside, for the release before (competition/0015_attempts_alone)."""

from django.db import migrations, models


def beside(table, column, *, of, cause):
    return [
        migrations.RunSQL(
            f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT 1",
            f"ALTER TABLE {table} ALTER COLUMN {column} DROP DEFAULT",
        ),
        migrations.RunSQL(
            f"""CREATE TRIGGER attempts_and_numbers BEFORE INSERT ON {table} FOR EACH ROW
            WHEN (NEW.attempt_id IS NOT NULL OR NEW.{column} > 1)
            EXECUTE FUNCTION competition_attempts_and_numbers('{column}', '0', '{of}', '{cause}')""",
            f"DROP TRIGGER attempts_and_numbers ON {table}",
        ),
    ]


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0015_attempts_alone'),
        ('judging', '0010_attempts'),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(model_name='match', name='one_match_per_version'),
                migrations.RemoveConstraint(model_name='control', name='one_control_of_a_kind'),
                migrations.RemoveField(model_name='match', name='version'),
                migrations.RemoveField(model_name='duel', name='take'),
                migrations.RemoveField(model_name='control', name='take'),
            ],
            database_operations=[
                *beside('judging_match', 'version', of='decision', cause='correction'),
                *beside('judging_duel', 'take', of='decision', cause='correction'),
                *beside('judging_control', 'take', of='controls', cause='health'),
            ],
        ),
        migrations.AddConstraint(
            model_name='match',
            constraint=models.UniqueConstraint(fields=('round', 'kind', 'defender', 'challenger', 'attempt'), name='one_match_per_attempt', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='control',
            constraint=models.UniqueConstraint(fields=('round', 'kind', 'prompt', 'variant', 'attempt'), name='one_control_per_attempt', nulls_distinct=False),
        ),
    ]
