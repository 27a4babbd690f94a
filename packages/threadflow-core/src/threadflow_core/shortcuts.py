"""Helpers for views and templates of all packages."""

from __future__ import annotations

from typing import Any

from django.urls import NoReverseMatch, get_resolver, get_urlconf, reverse

NAMESPACE = "threadflow_core"


def core_reverse(name: str, *args: Any, **kwargs: Any) -> str:
    """URL of core's shared view `name`, wherever the site mounted it.

    A site may include `threadflow_core.urls` itself; otherwise the first package that brings
    the shared URLs under its own prefix answers. Raises NoReverseMatch where neither does.
    """
    tried = [NAMESPACE, *(f"{outer}:{NAMESPACE}" for outer in _outer_namespaces())]
    for namespace in tried:
        try:
            return reverse(f"{namespace}:{name}", args=args, kwargs=kwargs)
        except NoReverseMatch:
            continue
    raise NoReverseMatch(
        f"No URL {name!r} of threadflow_core. Include 'threadflow_core.urls' or the URLs of a package that does."
    )


def _outer_namespaces() -> list[str]:
    """Namespaces of this URL configuration that hold core's, in a stable order."""
    resolver = get_resolver(get_urlconf())
    return sorted(
        outer
        for outer, (_prefix, inner) in resolver.namespace_dict.items()
        if NAMESPACE in inner.namespace_dict
    )
