"""Columns for the few statements that we write ourselves: hot ones, whose text never changes.

The ORM puts a statement together anew for each request, which for a page of a member costs more than
everything the database does. Whoever writes SQL of their own reads rows of their own models only,
never what a host's queryset decides: `visible_to` stays the door.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connections


class Columns:
    """Columns of a model: how SQL names them, and what their values are in Python."""

    def __init__(self, using: str, model: Any, names: Sequence[str]) -> None:
        """`names` are of fields or, for relations, of their columns (`author_id`)."""
        found = {field.attname: field for field in model._meta.concrete_fields}
        self._using = using
        self._columns = [found[name].get_col(model._meta.db_table) for name in names]
        quote = connections[using].ops.quote_name
        self._quoted = [quote(found[name].column) for name in names]
        #: Whether this database gives all values as they are.
        self._plain = not self._converters()

    def sql(self, table: str = "") -> str:
        """The columns as a list, of `table` (an alias)."""
        head = f"{table}." if table else ""
        return ", ".join(f"{head}{name}" for name in self._quoted)

    def values(self, rows: Sequence[Sequence[Any]]) -> list[Sequence[Any]]:
        """Rows of the database with the types of the fields."""
        if self._plain:
            return list(rows)
        connection, converters = connections[self._using], self._converters()
        found: list[Sequence[Any]] = []
        for row in rows:
            values = list(row)
            for place, column, functions in converters:
                for convert in functions:
                    values[place] = convert(values[place], column, connection)
            found.append(values)
        return found

    def _converters(self) -> list[tuple[int, Any, list[Any]]]:
        # Asked each time: they hold the connection, which belongs to a thread and ends with it.
        connection = connections[self._using]
        found = []
        for place, column in enumerate(self._columns):
            functions = [
                *connection.ops.get_db_converters(column),
                *column.output_field.get_db_converters(connection),
            ]
            if functions:
                found.append((place, column, functions))
        return found
