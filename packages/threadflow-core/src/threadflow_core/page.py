"""What every template knows of the request: the object `tf`, and the cookies of appearance."""

from __future__ import annotations

from functools import cached_property, lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.template.loader import get_template
from django.template.loader_tags import BlockNode, ExtendsNode
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language, get_language_bidi

from .app_settings import app_settings

#: Cookies that change how a page looks, with the values we accept. None of them is about a person.
APPEARANCE = {
    "theme": ("tf_theme", ("light", "dark")),
    "density": ("tf_density", ("compact",)),
    "keys": ("tf_keys", ("off",)),
}


class Page:
    """The request as templates see it. Nothing is computed, and no session read, before use."""

    def __init__(self, request: HttpRequest | None) -> None:
        self.request = request

    @cached_property
    def person(self) -> Any:
        return getattr(self.request, "user", None) or AnonymousUser()

    @cached_property
    def signed_in(self) -> bool:
        return bool(self.person.is_authenticated)

    @cached_property
    def card(self) -> Any:
        """The signed-in person's card (name, url, avatar_url, initials, hue), else None."""
        if not self.signed_in:
            return None
        return import_module("threadflow_core.people").card(self.person)

    @cached_property
    def is_htmx(self) -> bool:
        return self.request is not None and is_htmx(self.request)

    @cached_property
    def base(self) -> str:
        return str(app_settings.BASE_TEMPLATE)

    @cached_property
    def has_aside(self) -> bool:
        """Whether the base template has a place beside the content, as our shell does."""
        return "aside_content" in blocks_of(self.base)

    @cached_property
    def site_name(self) -> str:
        return str(app_settings.SITE_NAME)

    @cached_property
    def home_url(self) -> str:
        return resolve_url(app_settings.HOME_URL)

    @cached_property
    def at_home(self) -> bool:
        """Whether this is the page that `home_url` leads to."""
        return self.request is not None and self.request.path == self.home_url

    @cached_property
    def login_url(self) -> str:
        """Where one signs in and comes back to this page."""
        return login_url(self.path)

    @cached_property
    def signup_url(self) -> str:
        return (
            with_next(resolve_url(app_settings.SIGNUP_URL), self.path)
            if app_settings.SIGNUP_URL
            else ""
        )

    @cached_property
    def logout_url(self) -> str:
        return resolve_url(app_settings.LOGOUT_URL) if app_settings.LOGOUT_URL else ""

    @cached_property
    def path(self) -> str:
        """This page's path and query; for an htmx request, of the page that sent it."""
        if self.request is None:
            return "/"
        return here(self.request)

    @cached_property
    def theme(self) -> str:
        return self._choice("theme")

    @cached_property
    def density(self) -> str:
        return self._choice("density")

    @cached_property
    def keys(self) -> str:
        return self._choice("keys")

    @cached_property
    def language(self) -> str:
        return get_language() or settings.LANGUAGE_CODE

    @cached_property
    def direction(self) -> str:
        return "rtl" if get_language_bidi() else "ltr"

    @cached_property
    def live_url(self) -> str:
        """Address of the socket for this person, or "" where no live script is to be sent."""
        if not self.signed_in:
            return ""
        return live_url()

    def _choice(self, name: str) -> str:
        cookie, values = APPEARANCE[name]
        value = self.request.COOKIES.get(cookie, "") if self.request is not None else ""
        return value if value in values else ""


def is_htmx(request: HttpRequest) -> bool:
    """True when htmx sent the request; needs no middleware."""
    return request.headers.get("HX-Request") == "true"


def page_of(context: Any) -> Page:
    """The `Page` of a template context, made and kept on the request when a view brought none."""
    found = context.get("tf")
    if isinstance(found, Page):
        return found
    request = getattr(context, "request", None) or context.get("request")
    return page_for(request)


def page_for(request: HttpRequest | None) -> Page:
    """The one `Page` of a request."""
    if request is None:
        return Page(None)
    page: Page | None = getattr(request, "_tf_page", None)
    if page is None:
        page = Page(request)
        request._tf_page = page  # type: ignore[attr-defined]
    return page


def safe_url(request: HttpRequest, url: str | None) -> str:
    """`url` when it leads to this site, else ""."""
    hosts = {request.get_host()}
    if url and url_has_allowed_host_and_scheme(url, hosts, require_https=request.is_secure()):
        return url
    return ""


def here(request: HttpRequest) -> str:
    """Path and query of the page a person looks at, without host: also for a POST or htmx."""
    if request.method in ("GET", "HEAD") and not is_htmx(request):
        return request.get_full_path()
    sender = request.headers.get("HX-Current-URL") or request.headers.get("Referer")
    sender = safe_url(request, sender)
    if not sender:
        return (
            request.get_full_path()
            if request.method in ("GET", "HEAD")
            else resolve_url(app_settings.HOME_URL)
        )
    parts = urlsplit(sender)
    return parts._replace(scheme="", netloc="", fragment="").geturl() or "/"


def with_next(url: str, path: str) -> str:
    """`url` with `next=path` in its query."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode({'next': path}, safe='/')}"


def login_url(path: str) -> str:
    """The sign-in page that leads back to `path`."""
    return with_next(resolve_url(settings.LOGIN_URL), path)


def live_url() -> str:
    """Path of the realtime socket, or "" where realtime is off."""
    enabled = app_settings.REALTIME_ENABLED
    if enabled is None:
        enabled = find_spec("channels") is not None
    return str(app_settings.REALTIME_URL) if enabled else ""


@lru_cache(maxsize=16)
def blocks_of(name: str) -> frozenset[str]:
    """Names of all blocks of a template and of those that it extends."""
    found: set[str] = set()
    nodes: Any = get_template(name).template.nodelist  # type: ignore[attr-defined]
    for node in nodes.get_nodes_by_type(BlockNode):
        found.add(node.name)
    for node in nodes.get_nodes_by_type(ExtendsNode):
        parent = node.parent_name.var
        if isinstance(parent, str):  # a parent by variable is not known before the page
            found |= blocks_of(parent)
    return frozenset(found)
