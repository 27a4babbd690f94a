"""Keyset pages over the API: `{"next", "previous", "results"}` with absolute links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from ..cursors import Page, paginate
from ..exceptions import Invalid

PAGE_SIZE = 25
MOST_PER_PAGE = 100


def page_response(
    request: Request,
    queryset: QuerySet[Any],
    *,
    order: Sequence[str],
    scope: str,
    serialize: Callable[[list[Any]], Any],
) -> Response:
    """One page of `queryset`, by `?cursor=` and `?limit=` (1–100).

    `serialize` gets the list of objects and returns plain data. Raises BadCursor (400) and
    Invalid (422).
    """
    page = paginate(
        queryset, order=order, cursor=cursor_of(request), size=size_of(request), scope=scope
    )
    return page_of(request, page, serialize(page.items))


def page_of(request: Request, page: Page[Any] | Any, results: Iterable[Any]) -> Response:
    """The answer for a page that was cut already: anything with `next` and `previous`."""
    return Response(
        {
            "next": _link(request, page.next),
            "previous": _link(request, page.previous),
            "results": results,
        }
    )


def cursor_of(request: Request) -> str | None:
    return request.query_params.get("cursor") or None


def size_of(request: Request, default: int = PAGE_SIZE) -> int:
    """`?limit=`; raises Invalid for what is no number from 1 to 100."""
    given = request.query_params.get("limit")
    if given is None:
        return default
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:6]) <= MOST_PER_PAGE:
        message = _("A number from 1 to %(most)s.") % {"most": MOST_PER_PAGE}
        raise Invalid(fields={"limit": [message]})
    return int(given)


def _link(request: Request, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    url = remove_query_param(request.build_absolute_uri(), "cursor")
    return replace_query_param(url, "cursor", cursor)
