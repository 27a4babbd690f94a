"""Typed helpers over swapper: the one place that knows how swappable models are resolved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import swapper
from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error
from django.db.models import ForeignKey, Model


def swappable_setting(app_label: str, model: str) -> str:
    """The value for `Meta.swappable`; also writes the default, as makemigrations needs it."""
    return cast("str", swapper.swappable_setting(app_label, model))


def label(app_label: str, model: str) -> str:
    """`"app.Model"` of the model in force: the target of every foreign key and of migrations."""
    return cast("str", swapper.get_model_name(app_label, model))


def load(app_label: str, model: str) -> type[Any]:
    """The model class in force. Needs the app registry: call it in functions, not at import."""
    return apps.get_model(label(app_label, model), require_ready=False)


def is_swapped(app_label: str, model: str) -> bool:
    return bool(swapper.is_swapped(app_label, model))


def dependency(app_label: str, model: str) -> Any:
    """For `Migration.dependencies`: the first migration of the app that provides the model."""
    return swapper.dependency(*label(app_label, model).split("."))


def swap_check(
    package: str, points: dict[str, str], closed: Callable[[], list[type[Model]]] | None = None
) -> Callable[..., list[CheckMessage]]:
    """Return a check of a package's swap points.

    `points` maps a model name to the dotted path of its abstract base. A replacement must
    exist and inherit it; no two settings may name one model; an abstract base must not point
    at a closed model of its package, since the site's migrations could then not be ordered.
    """
    from django.utils.module_loading import import_string

    def check(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
        found: list[CheckMessage] = []
        seen: dict[str, str] = {}
        for name, path in points.items():
            setting = f"{package.upper()}_{name.upper()}_MODEL"
            target = label(package, name)
            try:
                model = apps.get_model(target)
            except (LookupError, ValueError):
                found.append(
                    Error(
                        f"{setting} names {target!r}, which is not installed.", id=f"{package}.E101"
                    )
                )
                continue
            if not issubclass(model, import_string(path)):
                found.append(
                    Error(f"{target} must inherit {path}.", hint=setting, id=f"{package}.E102")
                )
            if target in seen:
                found.append(
                    Error(f"{setting} and {seen[target]} both name {target}.", id=f"{package}.E103")
                )
            seen[target] = setting
            found.extend(_closed_targets(package, model, points))
        return found

    return check


def _closed_targets(package: str, model: type[Model], points: dict[str, str]) -> list[CheckMessage]:
    allowed = {label(package, name).lower() for name in points}
    allowed.add(settings.AUTH_USER_MODEL.lower())
    found: list[CheckMessage] = []
    for field in model._meta.local_fields:
        if isinstance(field, ForeignKey):
            target = field.related_model._meta
            if target.app_label == package and target.label_lower not in allowed:
                found.append(
                    Error(
                        f"{model._meta.label}.{field.name} points at {target.label}, which cannot "
                        "be swapped.",
                        hint="Let the closed model hold the key, or store a code.",
                        id=f"{package}.E104",
                    )
                )
    return found
