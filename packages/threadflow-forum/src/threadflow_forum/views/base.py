"""What the forum's pages share: looking things up for the reader, and pages for guests."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import get_language

from threadflow_core.exceptions import NotFound
from threadflow_core.page import login_url

from .. import blocks, listing, standing
from ..app_settings import app_settings
from ..swaps import get_comment_model, get_sub_model, get_thread_model

#: Queries that a cached page may have; others are answered without the cache.
KNOWN = {"sort", "window", "cursor", "after", "part"}


def find_sub(request: HttpRequest, slug: str) -> Any:
    """The sub `slug` if the reader may know of it; raises NotFound."""
    return get_sub_model().objects.visible_to(request.user).get_named(slug)


def find_thread(
    request: HttpRequest, public_id: str, *, dressed: bool = True, topic: str = ""
) -> Any:
    """The thread; `dressed` with what the reader is to it (see `standing`). Raises NotFound.

    Who writes into it needs nothing of that: the service reads it again under its locks.
    """
    model = get_thread_model()
    pk = model.public_ids.decode(public_id)
    mine = {}
    if dressed and pk is not None and request.user.is_authenticated:
        mine = standing.read(request.user, pk, topic)
    thread = listing.whole(model.objects.visible_to(request.user).with_public_id(public_id))
    if thread is None:
        raise NotFound()
    for name, value in mine.items():
        setattr(thread, name, value)
    return thread


def find_comment(request: HttpRequest, public_id: str) -> Any:
    """The comment with its thread and sub; raises NotFound."""
    rows = get_comment_model().objects.visible_to(request.user)
    return rows.select_related("thread__sub").get_public(public_id)


class GuestPageMixin:
    """Keeps the whole page for readers without cookies, under the tags that `guest_tags` names.

    Mix it in before a `PageView`. Without the middleware that marks such requests
    (`tf_public`), or without a cache, the page is made anew each time.
    """

    request: HttpRequest
    guest_seconds: int | None = None

    def guest_tags(self) -> list[str]:
        return []

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        build: Any = super().get  # type: ignore[misc]
        if not getattr(request, "tf_public", False) or not KNOWN.issuperset(request.GET):
            return build(request, *args, **kwargs)  # type: ignore[no-any-return]
        fresh: list[HttpResponse] = []

        def make() -> tuple[bytes, str] | None:
            response = build(request, *args, **kwargs)
            if hasattr(response, "render"):
                response.render()
            fresh.append(response)
            if response.status_code != 200:
                return None
            return response.content, response["Content-Type"]

        key = f"p:{request.get_host()}:{get_language()}:{request.get_full_path()}"
        seconds = self.guest_seconds or app_settings.CACHE_SECONDS
        found = blocks.store().fetch(
            key, make, seconds=seconds, tags=[*self.guest_tags(), blocks.VISIBILITY]
        )
        if fresh:
            return fresh[0]
        return HttpResponse(found[0], content_type=found[1])


def sign_in_url(request: HttpRequest) -> str:
    """Where a guest's arrows lead: sign-in, then back to this page."""
    return login_url(request.get_full_path())
