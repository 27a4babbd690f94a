"""What rooms may hang on: a registry of bindings, one per kind of object.

from threadflow_chat import bindings as chat
chat.bind("project", Project, visible=Project.objects.visible_to, title=lambda p: p.name)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db.models import (
    AutoField,
    BigIntegerField,
    Case,
    CharField,
    IntegerField,
    Model,
    QuerySet,
    UUIDField,
    When,
)
from django.db.models.functions import Cast

from threadflow_core.lookups import one
from threadflow_core.policies import Verdict

OPEN, READ_ONLY, ARCHIVED = "open", "read_only", "archived"

_CODE = re.compile(r"[a-z][a-z0-9_]{0,29}")


class Binding:
    """One kind of object that rooms are bound to. Subclass it, then `register` an instance.

    Every method is asked again for each decision, so nothing has to be kept in step: who sees
    the object sees the room, and when the object closes, the room does.
    """

    #: Stored with each room; never change it.
    code: str = ""

    def model(self) -> type[Model]:
        """The model class of the objects."""
        raise NotImplementedError

    def visible_to(self, person: Any) -> QuerySet[Any]:
        """The objects that `person` (maybe anonymous) may see. Asks the manager's own door."""
        manager: Any = self.model()._default_manager
        return manager.visible_to(person)

    def strangers_see_least(self) -> bool:
        """Whether everybody sees what strangers see: then one question serves a room's crowd.

        The queryset of `visible_to` says so by an attribute of this name.
        """
        return bool(getattr(self.visible_to(AnonymousUser()), "strangers_see_least", False))

    def moderated_by(self, person: Any) -> QuerySet[Any]:
        """The objects whose rooms `person` moderates. Staff moderates everywhere anyway."""
        return self.model()._default_manager.none()

    def title(self, target: Any) -> str:
        return str(target)

    def url(self, target: Any) -> str:
        """The page of the object, "" where there is none."""
        find = getattr(target, "get_absolute_url", None)
        return str(find()) if find is not None else ""

    def state(self, target: Any) -> str:
        """`open`, `read_only` or `archived`: the room is never more open than this."""
        return OPEN

    def may_open(self, person: Any, target: Any) -> Verdict:
        """May `person`, who sees the object, open its room?"""
        return Verdict.yes()

    def may_write(self, person: Any, target: Any) -> Verdict:
        """May `person` write in the room of the object, as far as the object is concerned?"""
        return Verdict.yes()

    def find_public(self, public_key: str, person: Any) -> Any:
        """The object by the id that stands in URLs, if `person` sees it, else None."""
        try:
            return self.visible_to(person).filter(pk=public_key).first()
        except (ValueError, TypeError, OverflowError):
            return None

    def related(self) -> tuple[str, ...]:
        """Foreign keys that the methods above read, for `select_related`."""
        return ()

    def columns(self) -> tuple[str, ...]:
        """All that the methods above read, for `only`, where the rest is long; empty: everything.

        Every message reads the object, so leave out the texts of a page.
        """
        return ()

    def load(self, key: str) -> Any:
        """The object of a stored key, None when it is gone. One query."""
        rows = self.model()._base_manager.filter(pk=key)
        related, columns = self.related(), self.columns()
        rows = rows.select_related(*related) if related else rows
        return one(rows.only(*columns) if columns else rows)

    def key_expression(self) -> Case:
        """The key of a room's object in the type of its column, NULL for other kinds' rooms.

        A CASE, because the database must not try to read another kind's key as this one's.
        """
        field = _column(self.model())
        key = Cast("target_key", output_field=field)
        return Case(When(target_kind=self.code, then=key), default=None, output_field=field)


class _Bound(Binding):
    """What `bind` makes of its arguments."""

    def __init__(self, code: str, model: Any, given: dict[str, Callable[..., Any]]) -> None:
        self.code = code
        self._model = model
        for name, function in given.items():
            setattr(self, name, function)

    def model(self) -> type[Model]:
        return self._model if isinstance(self._model, type) else self._model()


def bind(
    code: str,
    model: type[Model] | Callable[[], type[Model]],
    *,
    visible: Callable[[Any], QuerySet[Any]] | None = None,
    moderated: Callable[[Any], QuerySet[Any]] | None = None,
    title: Callable[[Any], str] | None = None,
    url: Callable[[Any], str] | None = None,
    state: Callable[[Any], str] | None = None,
) -> Binding:
    """Bind rooms to objects of `model`; call it in `AppConfig.ready`.

    `visible(person)` and `moderated(person)` return querysets of objects; without `visible` the
    manager's `visible_to` is asked. Raises ValueError for an odd code.
    """
    given = {
        "visible_to": visible,
        "moderated_by": moderated,
        "title": title,
        "url": url,
        "state": state,
    }
    return register(_Bound(code, model, {name: f for name, f in given.items() if f is not None}))


_bindings: dict[str, Binding] = {}


def register(binding: Binding) -> Binding:
    """Add a binding, replacing an earlier one of the same code."""
    if not _CODE.fullmatch(binding.code):
        raise ValueError(f"{binding.code!r} is no code: small letters, digits and underscores.")
    _bindings[binding.code] = binding
    return binding


def forget(code: str) -> None:
    """Take a binding out again. For tests."""
    _bindings.pop(code, None)


def all_bindings() -> list[Binding]:
    return list(_bindings.values())


def binding_named(code: str) -> Binding | None:
    return _bindings.get(code)


def binding_of(target: Model) -> Binding:
    """The binding for `target`; raises LookupError when none was registered."""
    for binding in _bindings.values():
        if isinstance(target, binding.model()):
            return binding
    raise LookupError(f"No rooms are bound to {target._meta.label}.")


def key_of(target: Model) -> str:
    """The stored key of an object: UUIDs without dashes, as both databases compare them."""
    return target.pk.hex if isinstance(target.pk, UUID) else str(target.pk)


def _column(model: type[Model]) -> Any:
    pk = model._meta.pk
    while pk is not None and pk.is_relation:
        pk = pk.target_field  # type: ignore[attr-defined]
    if isinstance(pk, UUIDField):
        return UUIDField()
    if isinstance(pk, AutoField | IntegerField):
        return BigIntegerField()
    return CharField(max_length=100)
