"""The database itself refuses to change what the moderation log says happened."""

from __future__ import annotations

from typing import Any

from django.db import migrations

TABLE = "threadflow_forum_modlogentry"
FIXED = ("action", "reason", "details", "created_at")


def guard(apps: Any, schema_editor: Any) -> None:
    columns = ", ".join(FIXED)
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            f"CREATE FUNCTION {TABLE}_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'The moderation log is append-only.'; END $$"
        )
        schema_editor.execute(
            f"CREATE TRIGGER {TABLE}_guard BEFORE UPDATE OF {columns} ON {TABLE} "
            f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_guard()"
        )
    elif schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(
            f"CREATE TRIGGER {TABLE}_guard BEFORE UPDATE OF {columns} ON {TABLE} "
            "BEGIN SELECT RAISE(ABORT, 'The moderation log is append-only.'); END"
        )


def lift(apps: Any, schema_editor: Any) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP TRIGGER {TABLE}_guard ON {TABLE}")
        schema_editor.execute(f"DROP FUNCTION {TABLE}_guard()")
    elif schema_editor.connection.vendor == "sqlite":
        schema_editor.execute(f"DROP TRIGGER {TABLE}_guard")


class Migration(migrations.Migration):
    dependencies = [("threadflow_forum", "0002_relations")]
    operations = [migrations.RunPython(guard, lift)]
