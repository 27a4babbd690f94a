"""The database itself refuses entries that do not balance, and rewriting what was written.

PostgreSQL checks the balance when a transaction commits. SQLite has no such moment: there the
service that posts checks before, and the triggers forbid rewriting only. Deleting is not
forbidden in SQLite, because Django empties its test databases by DELETE.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations

ENTRY = "threadflow_billing_ledgerentry"
BOOKING = "threadflow_billing_ledgertransaction"
STEP = "threadflow_billing_transition"
EVENT = "threadflow_billing_webhookevent"
#: What may still change: who acted is forgotten with the person.
STEP_FIXED = "entity, entity_id, before, after, actor_kind, cause, reason, created_at"
EVENT_FIXED = "event_id, type, object_key, created_at, received_at"

POSTGRES = [
    f"""CREATE FUNCTION {ENTRY}_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE total numeric; number integer; wrong integer; booked uuid;
    BEGIN
        IF TG_TABLE_NAME = '{BOOKING}' THEN booked := NEW.id;
        ELSE booked := NEW.transaction_id; END IF;
        SELECT COALESCE(SUM(e.amount), 0), COUNT(*), COUNT(*) FILTER (WHERE a.currency <> t.currency)
            INTO total, number, wrong
            FROM {ENTRY} e JOIN threadflow_billing_ledgeraccount a ON a.id = e.ledger_account_id
            JOIN {BOOKING} t ON t.id = e.transaction_id WHERE e.transaction_id = booked;
        IF total <> 0 OR number < 2 OR wrong > 0 THEN
            RAISE EXCEPTION 'Ledger transaction % does not balance (sum %, % entries).',
                booked, total, number USING ERRCODE = 'check_violation';
        END IF;
        RETURN NULL;
    END $$""",
    f"""CREATE CONSTRAINT TRIGGER {ENTRY}_balance AFTER INSERT ON {ENTRY}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {ENTRY}_balance()""",
    f"""CREATE CONSTRAINT TRIGGER {BOOKING}_balance AFTER INSERT ON {BOOKING}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {ENTRY}_balance()""",
    f"""CREATE FUNCTION {ENTRY}_fixed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'Table % is append-only.', TG_TABLE_NAME USING ERRCODE = 'check_violation';
    END $$""",
    f"""CREATE TRIGGER {ENTRY}_fixed BEFORE UPDATE OR DELETE ON {ENTRY}
    FOR EACH ROW EXECUTE FUNCTION {ENTRY}_fixed()""",
    f"""CREATE TRIGGER {BOOKING}_fixed BEFORE UPDATE OR DELETE ON {BOOKING}
    FOR EACH ROW EXECUTE FUNCTION {ENTRY}_fixed()""",
    f"""CREATE TRIGGER {STEP}_fixed BEFORE UPDATE OF {STEP_FIXED} ON {STEP}
    FOR EACH ROW EXECUTE FUNCTION {ENTRY}_fixed()""",
    f"""CREATE TRIGGER {STEP}_kept BEFORE DELETE ON {STEP}
    FOR EACH ROW EXECUTE FUNCTION {ENTRY}_fixed()""",
    f"""CREATE TRIGGER {EVENT}_fixed BEFORE UPDATE OF {EVENT_FIXED} ON {EVENT}
    FOR EACH ROW EXECUTE FUNCTION {ENTRY}_fixed()""",
    f"""CREATE TRIGGER {EVENT}_kept BEFORE DELETE ON {EVENT}
    FOR EACH ROW EXECUTE FUNCTION {ENTRY}_fixed()""",
]
POSTGRES_BACK = [
    f"DROP TRIGGER {EVENT}_kept ON {EVENT}",
    f"DROP TRIGGER {EVENT}_fixed ON {EVENT}",
    f"DROP TRIGGER {STEP}_kept ON {STEP}",
    f"DROP TRIGGER {STEP}_fixed ON {STEP}",
    f"DROP TRIGGER {BOOKING}_fixed ON {BOOKING}",
    f"DROP TRIGGER {ENTRY}_fixed ON {ENTRY}",
    f"DROP FUNCTION {ENTRY}_fixed()",
    f"DROP TRIGGER {BOOKING}_balance ON {BOOKING}",
    f"DROP TRIGGER {ENTRY}_balance ON {ENTRY}",
    f"DROP FUNCTION {ENTRY}_balance()",
]
SQLITE = [
    f"CREATE TRIGGER {table}_fixed BEFORE UPDATE {columns} ON {table} "
    f"BEGIN SELECT RAISE(ABORT, 'Table {table} is append-only.'); END"
    for table, columns in (
        (ENTRY, ""),
        (BOOKING, ""),
        (STEP, f"OF {STEP_FIXED}"),
        (EVENT, f"OF {EVENT_FIXED}"),
    )
]
SQLITE_BACK = [f"DROP TRIGGER {table}_fixed" for table in (ENTRY, BOOKING, STEP, EVENT)]


def _run(schema_editor: Any, postgres: list[str], sqlite: list[str]) -> None:
    vendor = schema_editor.connection.vendor
    for statement in {"postgresql": postgres, "sqlite": sqlite}.get(vendor, []):
        schema_editor.execute(statement, params=None)


def guard(apps: Any, schema_editor: Any) -> None:
    _run(schema_editor, POSTGRES, SQLITE)


def lift(apps: Any, schema_editor: Any) -> None:
    _run(schema_editor, POSTGRES_BACK, SQLITE_BACK)


class Migration(migrations.Migration):
    dependencies = [("threadflow_billing", "0002_relations")]
    operations = [migrations.RunPython(guard, lift)]
