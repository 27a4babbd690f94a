"""Filters that the ORM lacks."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Expression, F, Lookup


class AnyOf(Lookup):  # type: ignore[type-arg]
    """`rows.filter(AnyOf("sub_id", keys))`: like `sub_id__in`, for hundreds of keys.

    The ORM looks at each key of a list several times and the driver once more; here PostgreSQL
    gets all of them as one array. Keys must have the type of the column. Where the column is
    NULL the answer is, too: neither this nor its negation finds such rows.
    """

    lookup_name = "any_of"
    prepare_rhs = False

    def __init__(self, column: str | Expression, keys: Collection[Any]) -> None:
        super().__init__(F(column) if isinstance(column, str) else column, tuple(keys))

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        if not self.rhs:
            raise EmptyResultSet
        column, params = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{column} = ANY(%s)", [*params, list(self.rhs)]
        field = self.lhs.output_field
        keys = [field.get_db_prep_value(key, connection) for key in self.rhs]
        return f"{column} IN ({', '.join(['%s'] * len(keys))})", [*params, *keys]
