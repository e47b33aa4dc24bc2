"""Code goes by attempts only; the numbers of before stay beside, for the release before, until the next one drops them.

A trigger keeps both alike whoever writes: of a row that points to an attempt the old number is the attempt's, and one
that the release before numbers finds its attempt.
"""

from django.db import migrations, models

FUNCTION = """
CREATE FUNCTION competition_attempts_and_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told integer := (to_jsonb(NEW) ->> TG_ARGV[0])::integer + TG_ARGV[1]::integer;  -- as the release before counts
    number_ integer;
    round_ bigint;
    of_ text := TG_ARGV[2];
    entry_ bigint;
BEGIN
    IF NEW.attempt_id IS NOT NULL THEN
        SELECT number INTO number_ FROM competition_attempt WHERE id = NEW.attempt_id;
        IF TG_TABLE_NAME <> 'audits_correction' THEN
            NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], number_ - TG_ARGV[1]::integer));
        END IF;
        RETURN NEW;
    END IF;
    IF TG_TABLE_NAME = 'judging_duel' THEN
        SELECT round_id INTO round_ FROM judging_match WHERE id = NEW.match_id;
    ELSIF TG_TABLE_NAME = 'audits_podrun' THEN
        entry_ := NEW.submission_id;
        of_ := 'run ' || NEW.purpose;
        SELECT round_id INTO round_ FROM competition_submission WHERE id = entry_;
    ELSIF TG_TABLE_NAME = 'audits_audit' THEN
        entry_ := NEW.submission_id;
        of_ := NEW.kind;
        round_ := NEW.round_id;
    ELSE
        round_ := NEW.round_id;
    END IF;
    INSERT INTO competition_attempt (round_id, "of", entry_id, number, cause)
        VALUES (round_, of_, entry_, told, TG_ARGV[3]) ON CONFLICT DO NOTHING;
    SELECT id INTO NEW.attempt_id FROM competition_attempt
        WHERE round_id = round_ AND "of" = of_ AND entry_id IS NOT DISTINCT FROM entry_ AND number = told;
    RETURN NEW;
END $$
"""


class Migration(migrations.Migration):

    dependencies = [
        ('competition', '0014_attempts'),
    ]

    operations = [
        migrations.RunSQL(FUNCTION, "DROP FUNCTION competition_attempts_and_numbers()"),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveConstraint(model_name='bankroll', name='one_bankroll_per_edition'),
                migrations.RemoveField(model_name='bankroll', name='edition'),
            ],
            database_operations=[
                migrations.RunSQL(
                    "ALTER TABLE competition_bankroll ALTER COLUMN edition SET DEFAULT 1",
                    "ALTER TABLE competition_bankroll ALTER COLUMN edition DROP DEFAULT",
                ),
                migrations.RunSQL(
                    """CREATE TRIGGER attempts_and_numbers BEFORE INSERT ON competition_bankroll FOR EACH ROW
                    WHEN (NEW.attempt_id IS NOT NULL OR NEW.edition > 1)
                    EXECUTE FUNCTION competition_attempts_and_numbers('edition', '0', 'bankroll', 'correction')""",
                    "DROP TRIGGER attempts_and_numbers ON competition_bankroll",
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name='bankroll',
            constraint=models.UniqueConstraint(fields=('round', 'commit', 'attempt'), name='one_bankroll_per_attempt', nulls_distinct=False),
        ),
    ]
