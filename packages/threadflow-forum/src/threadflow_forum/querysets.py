"""Reads. `visible_to` is the one door through which any view, API, feed, search or job reads."""

from __future__ import annotations

from typing import Any, Self

from django.db.models import (
    BooleanField,
    Exists,
    Expression,
    F,
    FilteredRelation,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
)

from threadflow_core.exceptions import NotFound
from threadflow_core.lookups import columns_of, one, table_of

# Codes are spelt out here because models import this module, not the other way round.
_PRIVATE = "private"
_SHOWN = "visible"
_WAITING = "pending"
_INSIDE = ("member", "moderator", "owner")
_MODERATING = ("moderator", "owner")
_YES_OR_NO = BooleanField()
# What a reader's mark says, and the column that says it.
_MARKS = {
    "my_vote": "vote",
    "my_saved": "saved_at",
    "my_hidden": "hidden_at",
    "my_read": "read_number",
}


def _memberships() -> Any:
    from .models import Membership

    return Membership.objects


class SubsOf(Expression):
    """Keys of the subs in which somebody has one of `roles`, for `…__in`.

    Nearly every read of a signed-in person asks it twice: as a queryset it would cost more to
    put together than the database takes to answer.
    """

    def __init__(self, person_id: Any, roles: tuple[str, ...]) -> None:
        super().__init__(output_field=_memberships().model._meta.get_field("sub"))
        self.person_id = person_id
        self.roles = roles

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        meta, quote = _memberships().model._meta, connection.ops.quote_name
        person, sub = meta.get_field("person"), meta.get_field("sub")
        sql = (
            f"SELECT {quote(sub.column)} FROM {quote(meta.db_table)} "  # noqa: S608
            f"WHERE {quote(person.column)} = %s "
            f"AND {quote('role')} IN ({', '.join(['%s'] * len(self.roles))})"
        )
        return sql, [person.get_db_prep_value(self.person_id, connection), *self.roles]


def _subs_of(person: Any, roles: tuple[str, ...]) -> SubsOf:
    return SubsOf(person.pk, roles)


class Open(Expression):
    """Whether the sub of a row is open to somebody; `prefix` leads from the row to the sub.

    Every read asks it, so it is one expression: as a tree of filters it costs more to put together
    than the database takes to answer.
    """

    def __init__(self, person: Any, prefix: str = "") -> None:
        super().__init__(output_field=_YES_OR_NO)
        #: None: a stranger.
        self.person = person if person is not None and person.is_authenticated else None
        self.anchors: list[Any] = [F(f"{prefix}visibility")]

    def get_source_expressions(self) -> list[Any]:
        return self.anchors

    def set_source_expressions(self, exprs: Any) -> None:
        self.anchors = list(exprs)

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        visibility = self.anchors[0]
        column, _none = visibility.as_sql(compiler, connection)
        sql = f"{column} <> '{_PRIVATE}'"
        if self.person is None:
            return sql, []
        key = connection.ops.quote_name(visibility.target.model._meta.pk.column)
        key = f"{table_of(visibility, compiler, connection)}.{key}"
        inside, params = _subs_of(self.person, _INSIDE).as_sql(compiler, connection)
        return f"({sql} OR {key} IN ({inside}))", params


class Readable(Open):
    """As `Open`, and the row itself is not waiting for a moderator or may be seen waiting."""

    def __init__(self, person: Any, prefix: str) -> None:
        super().__init__(person, prefix)
        self.anchors.append(F("state"))

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        is_open, params = super().as_sql(compiler, connection)
        state = self.anchors[1]
        column, _none = state.as_sql(compiler, connection)
        sql = f"{column} <> '{_WAITING}'"
        if self.person is None:
            return f"({is_open} AND {sql})", params
        meta, quote = state.target.model._meta, connection.ops.quote_name
        author, sub = meta.get_field("author"), meta.get_field("sub")
        table = table_of(state, compiler, connection)
        moderated, more = _subs_of(self.person, _MODERATING).as_sql(compiler, connection)
        return (
            f"({is_open} AND ({sql} OR {table}.{quote(author.column)} = %s "
            f"OR {table}.{quote(sub.column)} IN ({moderated})))",
            [*params, author.get_db_prep_value(self.person.pk, connection), *more],
        )


def _is_staff(person: Any) -> bool:
    return person is not None and bool(getattr(person, "is_staff", False))


class PublicIdMixin:
    """Look-up by the id that stands in URLs."""

    def with_public_id(self, public_id: str) -> Any:
        """The row with this public id; no row for an id in another spelling."""
        queryset: Any = self
        pk = queryset.model.public_ids.decode(public_id)
        return queryset.none() if pk is None else queryset.filter(pk=pk)

    def get_public(self, public_id: str) -> Any:
        """The same, got; raises NotFound."""
        row = one(self.with_public_id(public_id))
        if row is None:
            raise NotFound()
        return row


class SubQuerySet(QuerySet[Any]):
    #: Whoever is signed in sees at least what strangers see, so one answer serves a crowd. Say
    #: False where your `visible_to` hides something from some that strangers see.
    strangers_see_least = True

    def visible_to(self, person: Any) -> Self:
        """Subs whose existence `person` may know: all but private ones they are not in."""
        return self.all() if _is_staff(person) else self.filter(Open(person))

    def get_named(self, slug: str) -> Any:
        # PostgreSQL refuses a NUL even in a comparison.
        sub = one(self.filter(slug=slug.lower())) if slug.isprintable() else None
        if sub is None:
            raise NotFound()
        return sub

    def followed_by(self, person: Any) -> Self:
        return self.filter(pk__in=_subs_of(person, _INSIDE))

    def with_membership_of(self, person: Any) -> Self:
        """Adds `my_role`, None for strangers, by one sub-query."""
        mine = _memberships().filter(sub_id=OuterRef("pk"), person_id=person.pk)
        return self.annotate(my_role=Subquery(mine.values("role")[:1]))


class ThreadQuerySet(PublicIdMixin, QuerySet[Any]):
    #: As with subs.
    strangers_see_least = True

    def visible_to(self, person: Any) -> Self:
        """Threads that `person` may open: in a readable sub, and not waiting for a moderator.

        A removed or deleted thread stays reachable as a stub (`readable_text` decides what is
        shown of it); lists add `listed()`.
        """
        return self.all() if _is_staff(person) else self.filter(Readable(person, "sub__"))

    def listed(self) -> Self:
        """Only what belongs into feeds, counts and search."""
        return self.filter(state=_SHOWN)

    def with_marks_of(self, person: Any) -> Self:
        """Adds `my_vote`, `my_saved`, `my_hidden`, `my_read` by one join."""
        marks = self.model._meta.get_field("marks").related_model
        found = columns_of("mine", marks, _MARKS.values(), "")
        return self.annotate(
            mine=FilteredRelation("marks", condition=Q(marks__person_id=person.pk)),
            **{name: found[column] for name, column in _MARKS.items()},
        )


class CommentQuerySet(PublicIdMixin, QuerySet[Any]):
    def visible_to(self, person: Any) -> Self:
        """Comments (stubs too) of threads that `person` may open."""
        from .swaps import get_thread_model

        threads = get_thread_model().objects.visible_to(person).filter(pk=OuterRef("thread_id"))
        rows = self.filter(Exists(threads))
        if _is_staff(person):
            return rows
        waiting = Q(state=_WAITING)
        if person is not None and person.is_authenticated:
            own = Q(author_id=person.pk) | Q(thread__sub_id__in=_subs_of(person, _MODERATING))
            return rows.exclude(waiting & ~own)
        return rows.exclude(waiting)

    def listed(self) -> Self:
        return self.filter(state=_SHOWN)

    def shown(self) -> Self:
        """Those with a place in the tree: visible, or a stub above something visible."""
        return self.filter(Q(state=_SHOWN) | Q(descendant_count__gt=0))


class MembershipQuerySet(QuerySet[Any]):
    def of(self, person: Any, sub: Any) -> Any:
        """The membership of `person` in `sub`, an unsaved guest when there is none."""
        found = one(self.filter(person_id=person.pk, sub_id=sub.pk))
        return found or self.model(person_id=person.pk, sub_id=sub.pk, role="guest")

    def in_thread(self, person: Any, thread: Any) -> Any:
        """As `of`, in the sub of `thread`; no query if `standing` was read for the thread."""
        return thread.here if hasattr(thread, "here") else self.of(person, thread.sub)

    def karma_of(self, person: Any, reader: Any) -> int:
        """The sum of a person's karma in the subs that `reader` may know of."""
        rows = self.filter(person_id=person.pk)
        if not _is_staff(reader):
            rows = rows.filter(Open(reader, "sub__"))
        return int(rows.aggregate(n=Sum("karma"))["n"] or 0)


class MarkQuerySet(QuerySet[Any]):
    def of(self, person: Any, thing: Any) -> Any:
        """The locked mark of `person` on `thing`, unsaved when there is none yet."""
        field = self.model._meta.get_field("thread" if _has(self.model, "thread") else "comment")
        keys = {"person_id": person.pk, f"{field.name}_id": thing.pk}
        return one(self.select_for_update().filter(**keys)) or self.model(**keys)


def _has(model: Any, name: str) -> bool:
    return any(field.name == name for field in model._meta.fields)
