"""Who a person is on a page: name, avatar, link, blocks. One class, replaced by `PEOPLE`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast
from zlib import crc32

from django.contrib.auth import get_user_model
from django.db import connections, router
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from .app_settings import app_settings
from .columns import Columns
from .lookups import AnyOf, any_of

HUES = 8


@dataclass(frozen=True, slots=True)
class PersonCard:
    """What templates and the API show of a person.

    `handle` is what others type after "@"; `hue` is 1–8 and stays with the person; `url` and
    `avatar_url` may be empty, `pk` is None for a person who is gone.
    """

    pk: Any
    name: str | Promise
    handle: str
    url: str
    avatar_url: str
    initials: str
    hue: int

    @property
    def is_gone(self) -> bool:
        return self.pk is None


GONE = PersonCard(pk=None, name=_("deleted"), handle="", url="", avatar_url="", initials="–", hue=1)


class People:
    """The default: everything from the user model, nobody blocked.

    Override what your site knows better. Lists are asked for as a whole, so that a page costs
    a constant number of queries.
    """

    #: The columns of the user model that cards are made of; lists then read no others, of all
    #: users, whatever the default manager leaves out. None: all columns, by the manager.
    fields: tuple[str, ...] | None = None

    def card(self, user: Any) -> PersonCard:
        """The card of one person; of None, an anonymous or an unsaved user, the "deleted" one."""
        if user is None or user.pk is None:
            return GONE
        name = self.name(user)
        return PersonCard(
            pk=user.pk,
            name=name,
            handle=user.get_username(),
            url=self.url(user),
            avatar_url=self.avatar_url(user),
            initials=initials(name),
            hue=hue(user.pk),
        )

    def cards(self, users: Iterable[Any]) -> dict[Any, PersonCard]:
        """Cards by primary key, each person once."""
        return {user.pk: self.card(user) for user in users if user is not None}

    def name(self, user: Any) -> str:
        """The public name. The default never shows first and last names or the address."""
        return str(user.get_username())

    def url(self, user: Any) -> str:
        """The profile page, "" where there is none."""
        find = getattr(user, "get_absolute_url", None)
        return str(find()) if find is not None else ""

    def avatar_url(self, user: Any) -> str:
        return str(getattr(user, "avatar_url", "") or "")

    def active(self) -> QuerySet[Any]:
        """People who can be found, mentioned and suggested."""
        return cast("QuerySet[Any]", get_user_model()._default_manager.filter(is_active=True))

    def blocked_ids(self, user: Any) -> frozenset[Any]:
        """Keys of those who blocked `user` or were blocked by them: neither sees the other."""
        return frozenset()

    def by_names(self, names: Iterable[str]) -> dict[str, Any]:
        """Active people by the names as they were written; unknown names are left out.

        An exact match wins over one that differs in case. One query.
        """
        wanted = list(dict.fromkeys(names))
        if not wanted:
            return {}
        field = get_user_model().USERNAME_FIELD
        exact = {
            str(getattr(user, field)): user
            for user in self.active().filter(**{f"{field}__in": _spellings(wanted)})
        }
        folded = {name.casefold(): user for name, user in exact.items()}
        found = {name: exact.get(name) or folded.get(name.casefold()) for name in wanted}
        return {name: user for name, user in found.items() if user is not None}

    def suggest(self, prefix: str, person: Any, limit: int = 8) -> list[PersonCard]:
        """People whose handle begins with `prefix`, for completion; without blocked ones."""
        if not prefix:
            return []
        field = get_user_model().USERNAME_FIELD
        found = (
            self.active()
            .filter(**{f"{field}__istartswith": prefix})
            .exclude(pk__in=self.blocked_ids(person))
            .order_by(field)[:limit]
        )
        return [self.card(user) for user in found]


def backend() -> People:
    return cast("People", app_settings.load("PEOPLE")())


def card(user: Any) -> PersonCard:
    return backend().card(user)


def cards(users: Iterable[Any]) -> dict[Any, PersonCard]:
    return backend().cards(users)


def cards_of(pks: Iterable[Any]) -> dict[Any, PersonCard]:
    """Cards by primary key, for lists that know keys only. One query, none for no keys."""
    wanted = {pk for pk in pks if pk is not None}
    if not wanted:
        return {}
    found = backend()
    if found.fields is None:
        return found.cards(get_user_model()._default_manager.filter(AnyOf("pk", wanted)))
    return found.cards(_users(wanted, found.fields))


def _users(pks: Collection[Any], fields: tuple[str, ...]) -> list[Any]:
    """Users with these columns only; what else somebody asks them for is read then."""
    model = get_user_model()
    using = router.db_for_read(model)
    columns, names, sql = _statement(using, model, fields)
    connection = connections[using]
    condition, keys = any_of(sql[1], model._meta.pk, pks, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"{sql[0]} WHERE {condition}", keys)
        rows = cursor.fetchall()
    return [model.from_db(using, names, values) for values in columns.values(rows)]


@lru_cache(maxsize=8)
def _statement(
    using: str, model: Any, fields: tuple[str, ...]
) -> tuple[Columns, Collection[str], tuple[str, str]]:
    quote, meta = connections[using].ops.quote_name, model._meta
    wanted = {meta.pk.attname, *(meta.get_field(name).attname for name in fields)}
    # `from_db` wants the order of the model's own columns.
    names = [field.attname for field in meta.concrete_fields if field.attname in wanted]
    columns = Columns(using, model, names)
    sql = f"SELECT {columns.sql()} FROM {quote(meta.db_table)}"  # noqa: S608
    return columns, dict.fromkeys(names), (sql, quote(meta.pk.column))


def card_of(found: dict[Any, PersonCard], pk: Any) -> PersonCard:
    """The card at `pk` in what `cards_of` found; of somebody who is gone, the "deleted" one."""
    return found.get(pk, GONE)


def blocked_ids(user: Any) -> frozenset[Any]:
    return backend().blocked_ids(user)


def by_names(names: Iterable[str]) -> dict[str, Any]:
    return backend().by_names(names)


def suggest(prefix: str, person: Any, limit: int = 8) -> list[PersonCard]:
    return backend().suggest(prefix, person, limit)


def mention_urls(names: list[str]) -> dict[str, str]:
    """Profile links of the named people: what `markup.render(mentions=…)` takes."""
    people = backend()
    return {name: people.url(user) for name, user in people.by_names(names).items()}


def hue(pk: Any) -> int:
    """One of eight colours, the same for a person on every page and in every process."""
    return crc32(str(pk).encode()) % HUES + 1


def initials(name: str) -> str:
    """One or two letters for a person without a picture."""
    words = [word for word in name.replace("_", " ").replace(".", " ").split() if word[0].isalnum()]
    if not words:
        return "–"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


def _spellings(names: list[str]) -> set[str]:
    # An index finds exact spellings only; "@Ada" for "ada" is the slip that people make.
    return {spelling for name in names for spelling in (name, name.lower())}
