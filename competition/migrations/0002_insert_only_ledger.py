"""The ledger is insert-only: the database itself refuses to change or remove an event."""

from django.db import migrations

GUARD = """
CREATE FUNCTION competition_ledger_is_insert_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is insert-only: % refused (a correction is a new event)', TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ledger_rows_stay BEFORE UPDATE OR DELETE ON competition_ledgerevent
    FOR EACH ROW EXECUTE FUNCTION competition_ledger_is_insert_only();
CREATE TRIGGER ledger_stays BEFORE TRUNCATE ON competition_ledgerevent
    FOR EACH STATEMENT EXECUTE FUNCTION competition_ledger_is_insert_only();
"""
UNGUARD = """
DROP TRIGGER ledger_stays ON competition_ledgerevent;
DROP TRIGGER ledger_rows_stay ON competition_ledgerevent;
DROP FUNCTION competition_ledger_is_insert_only();
"""


class Migration(migrations.Migration):
    dependencies = [("competition", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
