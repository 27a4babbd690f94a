"""Statements that PostgreSQL has prepared, after a migration changed what they return.

A connection that lives through the migration keeps them, and PostgreSQL refuses such a statement
whenever it comes ("cached plan must not change result type"). psycopg forgets them at a rollback
only, so a pool would answer with errors for as long as its connections live.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import NotSupportedError
from django.db.backends.signals import connection_created

#: The function of PostgreSQL that refuses; the text of the error is translated there.
REFUSES = "RevalidateCachedQuery"


def ready() -> None:
    connection_created.connect(_watch, dispatch_uid="threadflow_core.prepared")


def _watch(connection: Any, **kwargs: Any) -> None:
    """Renew statements of connections that prepare any: `prepare_threshold` says so."""
    prepares = connection.vendor == "postgresql" and (
        connection.settings_dict["OPTIONS"].get("prepare_threshold") is not None
    )
    if prepares and renew not in connection.execute_wrappers:
        connection.execute_wrappers.append(renew)


def renew(
    execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    """Execute; if PostgreSQL refuses the statement as outdated, forget all that were prepared.

    Outside of a transaction it is then executed again, and nobody notices. A transaction is lost by
    the refusal: the error goes on, and whoever began it may begin again. Idle connections of the
    pool are replaced, so that this happens once per process and not once per connection.
    """
    try:
        return execute(sql, params, many, context)
    except NotSupportedError as refused:
        if not _outdated(refused):
            raise
        connection = context["connection"]
        if connection.pool and hasattr(connection.pool, "drain"):
            connection.pool.drain()
        if many or not connection.get_autocommit():
            raise
        with connection.connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        return execute(sql, params, many, context)


def _outdated(error: NotSupportedError) -> bool:
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "source_function", None) == REFUSES
