"""Typed settings: one dict per package, read lazily through a frozen dataclass."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

T = TypeVar("T")

_registry: dict[str, AppSettings[Any]] = {}


class AppSettings(Generic[T]):
    """Lazy, typed view of the settings dict `name`; its fields are those of the dataclass `shape`.

    Values are read on access and never at import, so that `override_settings` works and
    importing a package does not need configured settings. A misspelt name is an
    `AttributeError`; an unknown key or a wrong type in the dict is a system check.
    """

    def __init__(self, name: str, shape: type[T]) -> None:
        self._name = name
        self._shape = shape
        self._values: T | None = None
        _registry[name] = self
        setting_changed.connect(self._forget, dispatch_uid=f"threadflow.settings.{name}")

    def _forget(self, *, setting: str, **kwargs: Any) -> None:
        if setting == self._name:
            self._values = None

    @property
    def values(self) -> T:
        """The whole dataclass, built once until the setting changes."""
        if self._values is None:
            given = getattr(settings, self._name, None) or {}
            known = {field.name for field in dataclasses.fields(cast("Any", self._shape))}
            self._values = self._shape(**{k: v for k, v in given.items() if k in known})
        return self._values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.values, name)

    def load(self, name: str) -> Any:
        """Import and return what the dotted path in field `name` points at."""
        return import_string(getattr(self.values, name))

    def check(self, label: str) -> Iterator[CheckMessage]:
        """Yield the system-check messages of this dict: unknown keys, types, dotted paths."""
        given = getattr(settings, self._name, None) or {}
        if not isinstance(given, dict):
            yield Error(f"{self._name} must be a dict.", id=f"{label}.E001")
            return
        hints = typing.get_type_hints(self._shape)
        fields = {field.name: field for field in dataclasses.fields(cast("Any", self._shape))}
        for key, value in given.items():
            if key not in fields:
                near = ", ".join(sorted(fields))
                yield Warning(
                    f"{self._name} has no setting {key!r}.",
                    hint=f"Known: {near}.",
                    id=f"{label}.W001",
                )
            elif not _fits(value, hints[key]):
                yield Error(
                    f"{self._name}[{key!r}] must be {hints[key]}, not {value!r}.",
                    id=f"{label}.E002",
                )
        for key, field in fields.items():
            path = getattr(self.values, key)
            if field.metadata.get("dotted") and path:
                try:
                    import_string(path)
                except ImportError as error:
                    yield Error(
                        f"{self._name}[{key!r}] can't be imported: {error}", id=f"{label}.E003"
                    )


def dotted(default: str) -> Any:
    """A dataclass field that holds the dotted path of a class or callable; checks import it."""
    return dataclasses.field(default=default, metadata={"dotted": True})


def all_settings() -> dict[str, AppSettings[Any]]:
    """Every settings object that has been declared, by the name of its dict."""
    return dict(_registry)


def settings_check(app_settings: AppSettings[Any], label: str) -> Callable[..., list[CheckMessage]]:
    """Return a check function for `django.core.checks.register`."""

    def check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
        return list(app_settings.check(label))

    return check


@lru_cache(maxsize=256)
def _arms(hint: Any) -> tuple[Any, ...]:
    if typing.get_origin(hint) in (typing.Union, __import__("types").UnionType):
        return typing.get_args(hint)
    return (hint,)


def _fits(value: Any, hint: Any) -> bool:
    for arm in _arms(hint):
        origin = typing.get_origin(arm) or arm
        if origin is typing.Any or (origin is typing.Literal and value in typing.get_args(arm)):
            return True
        if origin is typing.Literal or not isinstance(origin, type):
            continue
        if isinstance(value, bool) and origin is not bool:
            continue
        if isinstance(value, origin) or (origin is float and isinstance(value, int)):
            return True
        if origin is tuple and isinstance(value, list):
            return True
    return False
