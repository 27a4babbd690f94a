"""Filters and columns that the ORM lacks, or has for more than they are worth."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import Expression, F, Field, Lookup, QuerySet


def one(rows: QuerySet[Any]) -> Any:
    """The row of a queryset that has one at most, or None.

    As `first()`, without the order that it asks for: putting that into words is a sixth of a read.
    """
    return next(iter(rows.order_by()[:1]), None)


class ColumnOf(Expression):
    """A column of what a `FilteredRelation` joined under the name `relation`.

    It says what `F("relation__column")` says and skips the walk through the models. One `F` must
    come first and makes the join: see `columns_of`.
    """

    def __init__(self, relation: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.relation = relation

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> Any:
        if self.relation not in query.alias_map:
            raise ValueError(f"Nothing is joined as {self.relation!r}: begin with an F of it.")
        return self.output_field.get_col(self.relation)


def columns_of(relation: str, model: Any, names: Iterable[str], prefix: str) -> dict[str, Any]:
    """Annotations `<prefix><name>` with columns of a `FilteredRelation` to `model`."""
    first, *rest = names
    found: dict[str, Any] = {f"{prefix}{first}": F(f"{relation}__{first}")}
    for name in rest:
        found[f"{prefix}{name}"] = ColumnOf(relation, model._meta.get_field(name))
    return found


class ColumnList(Expression):
    """Many columns as one expression: `rows.values_list(ColumnList(("id", "title"), sub=("slug",)))`.

    Each row is then a plain tuple: of what else was asked for, of the model's own columns, and of
    the columns of each relation in the order given. The ORM puts columns into words one by one,
    which for a list of wide rows costs more than the database does. Names are of columns
    (`author_id`); values are as the driver gives them: see `Columns.values`. Of a relation it
    must have another column than the key, for which the ORM joins nothing. One list serves any
    number of querysets.
    """

    def __init__(self, own: Iterable[str], **relations: Iterable[str]) -> None:
        # No field's converters: the first column would get them.
        super().__init__(output_field=Field())
        self.own = tuple(own)
        self.relations = {name: tuple(names) for name, names in relations.items()}
        #: What finds the tables, and joins those that no filter has joined yet.
        self.anchors: list[Any] = []

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> Any:
        if not self.anchors:
            self.anchors = [F("pk"), *(self._far(query.model, name) for name in self.relations)]
        return super().resolve_expression(query, *args, **kwargs)

    def _far(self, model: Any, relation: str) -> F:
        key = model._meta.get_field(relation).related_model._meta.pk.attname
        return F(f"{relation}__{next(name for name in self.relations[relation] if name != key)}")

    def get_source_expressions(self) -> list[Any]:
        return self.anchors

    def set_source_expressions(self, exprs: Any) -> None:
        self.anchors = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        quote = connection.ops.quote_name
        parts = []
        for anchor, names in zip(self.anchors, (self.own, *self.relations.values()), strict=True):
            columns = _column_names(anchor.target.model)
            table = table_of(anchor, compiler, connection)
            parts += [f"{table}.{quote(columns[name])}" for name in names]
        return ", ".join(parts), []


def table_of(column: Any, compiler: Any, connection: Any) -> str:
    """How a statement that is being put together names the table of a resolved column."""
    sql, _params = column.as_sql(compiler, connection)
    return str(sql).removesuffix(f".{connection.ops.quote_name(column.target.column)}")


@lru_cache(maxsize=64)
def _column_names(model: Any) -> dict[str, str]:
    return {field.attname: field.column for field in model._meta.concrete_fields}


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
        sql, keys = any_of(column, self.lhs.output_field, self.rhs, connection)
        return sql, [*params, *keys]


def any_of(
    column: str, field: Field[Any, Any], keys: Collection[Any], connection: Any
) -> tuple[str, list[Any]]:
    """As `AnyOf`, for statements of our own: the condition and its parameters."""
    if connection.vendor == "postgresql":
        return f"{column} = ANY(%s)", [list(keys)]
    given = [field.get_db_prep_value(key, connection) for key in keys]
    return f"{column} IN ({', '.join(['%s'] * len(given))})", given
