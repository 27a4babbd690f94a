"""The two engines: PostgreSQL's tsvector and SQLite's FTS5. Both answer by the same contract."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Protocol

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, router
from django.db.models import BooleanField, Exists, FloatField, OuterRef, QuerySet, TextField, Value
from django.db.models.expressions import Col, Expression, Func, RawSQL

from ..app_settings import app_settings
from .grammar import Query
from .schema import DOCUMENTS, WORDS

if TYPE_CHECKING:
    from .models import SearchDocument

    Documents = QuerySet[SearchDocument]

#: Matches that are ranked: the newest ones. It bounds a search for a word that is everywhere.
RANKED = 2_000

NO_RANK = Value(0.0, output_field=FloatField())
_BETWEEN = re.compile(r"[\W_]+")


class Engine(Protocol):
    """Stores the words of a document and finds documents by words."""

    def write(self, entries: list[tuple[int, str, str]]) -> None:
        """Store the words of documents, given as (key, title, body)."""

    def erase(self, pks: list[int]) -> None: ...

    def matching(self, documents: Documents, query: Query) -> Documents:
        """Those of `documents` that have all wanted and no unwanted words, each with a `rank`:
        a float, greater is better."""


def engine() -> Engine:
    from .models import SearchDocument

    connection = connections[router.db_for_write(SearchDocument)]
    found = _ENGINES.get(connection.vendor)
    if found is None:
        raise ImproperlyConfigured(f"There is no search engine for {connection.vendor}.")
    return found(connection)


class PostgresEngine:
    """Words in the column `words`: titles weigh more than bodies, one GIN index."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.language = app_settings.SEARCH_LANGUAGE

    def write(self, entries: list[tuple[int, str, str]]) -> None:
        sql = (  # our own names, every value is a parameter
            f"UPDATE {DOCUMENTS} SET words = setweight(to_tsvector(%s, %s), 'A') "  # noqa: S608
            "|| setweight(to_tsvector(%s, %s), 'C') WHERE id = %s"
        )
        language = self.language
        with self.connection.cursor() as cursor:
            cursor.executemany(
                sql,
                [
                    (language, words(title), language, words(body), pk)
                    for pk, title, body in entries
                ],
            )

    def erase(self, pks: list[int]) -> None:
        """Nothing to do: the words go with their row."""

    def matching(self, documents: Documents, query: Query) -> Documents:
        tsquery = self._tsquery(query)
        if tsquery is None:
            return documents.annotate(rank=NO_RANK)
        found = documents.filter(_Matches(Words(), tsquery))
        if not query.wanted:
            return found.annotate(rank=NO_RANK)
        # By a column without an index of its own, so that the planner comes by way of the words.
        newest = found.order_by("-created_at").values("id")
        ranked = documents.model.objects.filter(id__in=newest[:RANKED])
        return ranked.annotate(rank=_Rank(Words(), tsquery))

    def _tsquery(self, query: Query) -> RawSQL | None:
        parts = ["phraseto_tsquery(%s::regconfig, %s)" for _ in query.wanted]
        parts += ["!! phraseto_tsquery(%s::regconfig, %s)" for _ in query.unwanted]
        terms = [words(term) for term in (*query.wanted, *query.unwanted)]
        params = [param for term in terms for param in (self.language, term)]
        return RawSQL(" && ".join(parts), params) if parts else None  # noqa: S611


class Words(Expression):
    """The column of the words, which Django does not know since SQLite has none."""

    def resolve_expression(  # type: ignore[override]
        self, query: Any = None, *args: Any, **kwargs: Any
    ) -> Col:
        column = TextField()
        column.set_attributes_from_name("words")
        return Col(query.get_initial_alias(), column)


class _Matches(Func):
    template, arg_joiner, output_field = "(%(expressions)s)", " @@ ", BooleanField()


class _Rank(Func):
    # 1: a match in a long text counts less, by the logarithm of its length.
    template = "ts_rank_cd(%(expressions)s, 1)::double precision"
    output_field = FloatField()


class SqliteEngine:
    """Words in an FTS5 table whose rowid is the document's key; ranked by bm25."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection

    def write(self, entries: list[tuple[int, str, str]]) -> None:
        self.erase([pk for pk, _, _ in entries])
        with self.connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO {WORDS} (rowid, title, body) VALUES (%s, %s, %s)",  # noqa: S608
                entries,
            )

    def erase(self, pks: list[int]) -> None:
        with self.connection.cursor() as cursor:
            cursor.executemany(f"DELETE FROM {WORDS} WHERE rowid = %s", [(pk,) for pk in pks])  # noqa: S608

    def matching(self, documents: Documents, query: Query) -> Documents:
        if query.unwanted:
            unwanted = " OR ".join(_quoted(term) for term in query.unwanted)
            rowids = RawSQL(f"SELECT rowid FROM {WORDS} WHERE {WORDS} MATCH %s", [unwanted])  # noqa: S608, S611
            documents = documents.exclude(id__in=rowids)
        if not query.wanted:
            return documents.annotate(rank=NO_RANK)
        wanted = " AND ".join(_quoted(term) for term in query.wanted)
        found: Documents = documents.extra(  # noqa: S610
            tables=[WORDS],
            where=[f"{WORDS}.rowid = {DOCUMENTS}.id", f"{WORDS} MATCH %s"],
            params=[wanted],
        )
        return found.annotate(rank=RawSQL(f"-bm25({WORDS}, 4.0, 1.0)", [], FloatField()))  # noqa: S611


def restricted(documents: Documents, kinds: list[Any], person: Any) -> Documents:
    """Those of `documents` that `person` may see, by the visible queryset of each kind."""
    from .models import SearchDocument

    parts = []
    for kind in kinds:
        seen = kind.visible(person).order_by().filter(pk=OuterRef(kind.key_field))
        parts.append(documents.filter(kind=kind.name).filter(Exists(seen)))
    if not parts:
        return SearchDocument.objects.none()
    found = parts[0]
    for part in parts[1:]:
        found = found | part
    return found


def words(text: str) -> str:
    """Letters and digits only: left to itself PostgreSQL takes "cat.png" for one word, a host."""
    return _BETWEEN.sub(" ", text)


def _quoted(term: str) -> str:
    escaped = term.replace('"', " ")
    return f'"{escaped}"'


_ENGINES: dict[str, type[PostgresEngine] | type[SqliteEngine]] = {
    "postgresql": PostgresEngine,
    "sqlite": SqliteEngine,
}
