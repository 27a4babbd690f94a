"""Tags and filters of the shell: `{% load threadflow %}`."""

from __future__ import annotations

import math
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.core.signals import setting_changed
from django.dispatch import receiver
from django.middleware.csrf import get_token
from django.template.context import Context
from django.templatetags.static import static
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from .. import slots
from ..ages import Ages
from ..app_settings import app_settings
from ..page import Page, login_url, page_of
from ..shortcuts import core_reverse

register = template.Library()

HTMX = "threadflow/vendor/htmx-4.0.1.min.js"


@register.simple_tag
def tf_icon(name: str, size: str = "", css: str = "") -> SafeString:
    """An icon of the sprite. It is decoration: the control beside it carries the name.

    `size` is `s` (15 px), nothing (18 px) or `l` (24 px); `css` are further classes.
    """
    return _icon(name, size, css)


@lru_cache(maxsize=512)  # a thread page draws hundreds of a dozen different ones
def _icon(name: str, size: str, css: str) -> SafeString:
    classes = "tf-i" + (f" tf-i--{size}" if size else "") + (f" {css}" if css else "")
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#i-{}"/></svg>',
        classes,
        sprite_url(),
        name,
    )


@register.simple_tag
def tf_mark(css: str = "") -> SafeString:
    """The mark of the site."""
    return format_html(
        '<svg class="{}" aria-hidden="true"><use href="{}#tf-mark"/></svg>', css, sprite_url()
    )


@register.simple_tag
def tf_sprite() -> str:
    """Address of the sprite, for templates that draw `<use>` themselves."""
    return sprite_url()


@lru_cache(maxsize=1)
def sprite_url() -> str:
    return str(app_settings.SPRITE_URL) or static("threadflow/sprite.svg")


@receiver(setting_changed, dispatch_uid="threadflow.sprite")
def _forget_sprite(**kwargs: Any) -> None:
    sprite_url.cache_clear()
    _icon.cache_clear()
    _keeping.turn += 1


@register.simple_tag(takes_context=True)
def tf_page(context: Context) -> Page:
    """The object `tf` where no view of ours brought it: `{% tf_page as tf %}`."""
    return page_of(context)


@register.simple_tag(takes_context=True)
def tf_html_attrs(context: Context) -> SafeString:
    """Attributes of `<html>`: language, direction, theme, density, keys."""
    page = page_of(context)
    return _html_attrs(page.language, page.direction, page.theme, page.density, page.keys)


@lru_cache(maxsize=256)
def _html_attrs(language: str, direction: str, *choices: str) -> SafeString:
    attrs = format_html('lang="{}" dir="{}"', language, direction)
    for name, value in zip(("theme", "density", "keys"), choices, strict=True):
        if value:
            attrs += format_html(' data-tf-{}="{}"', name, value)
    return attrs


@register.simple_tag(takes_context=True)
def tf_head(context: Context) -> SafeString:
    """Stylesheet, scripts and icon. Goes into `<head>` of a base template."""
    return _render(
        "threadflow/_head.html", context, bundled=app_settings.HTMX == "bundled", htmx=HTMX
    )


@register.simple_tag(takes_context=True)
def tf_body_end(context: Context) -> SafeString:
    """Live regions, dialog, the page's one form of actions and the live script; before `</body>`."""
    return _render("threadflow/_body_end.html", context, act_form=tf_act_form(context))


@register.simple_tag(takes_context=True)
def tf_act_form(context: Context) -> SafeString:
    """The form that all buttons with `form="tf-act"` belong to, once per page, if signed in.

    It is the only place of a reading page with a CSRF token, so that everything else can be
    cached. `tf_body_end` brings it where the page has not placed it before.
    """
    state = context.render_context
    if state.get("tf_act_form") or not page_of(context).signed_in:
        return mark_safe("")
    state["tf_act_form"] = True
    return _render("threadflow/_act_form.html", context)


@register.simple_tag(takes_context=True)
def tf_csrf(context: Context) -> SafeString:
    """Like `{% csrf_token %}`, but also inside `{% include … only %}`."""
    request = _request(context)
    if request is None:
        return mark_safe("")
    return format_html(
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">', get_token(request)
    )


@register.simple_tag(takes_context=True)
def tf_slot(context: Context, name: str, obj: Any = None) -> SafeString:
    """Everything that siblings and the host registered for this place (see `slots`)."""
    return slots.render(name, context, obj)


@register.simple_tag
def tf_url(name: str, *args: Any, **kwargs: Any) -> str:
    """URL of a shared view of core, wherever the site mounted it; "" where nobody did."""
    try:
        return core_reverse(name, *args, **kwargs)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def tf_login_url(context: Context, anchor: str = "") -> str:
    """Sign-in that leads back to this page, at `anchor`."""
    return login_url(page_of(context).path + (f"#{anchor}" if anchor else ""))


@register.simple_tag
def tf_js(name: str) -> SafeString:
    """A deferred script of ours: `{% tf_js "composer" %}`. Loading it twice does nothing."""
    return format_html('<script src="{}" defer></script>', static(f"threadflow/js/tf-{name}.js"))


class KeepNode(template.Node):
    """See `tf_keep`. What was rendered stays with the node, as the template stays loaded."""

    #: Outputs of one place; a place that needs more begins anew.
    MOST = 1024

    def __init__(self, nodelist: template.NodeList, varies: list[Any]) -> None:
        self.nodelist = nodelist
        self.varies = varies
        self.kept: dict[tuple[Any, ...], str] = {}

    def render(self, context: Context) -> str:
        if settings.DEBUG:
            return self.nodelist.render(context)
        given = [one.resolve(context, ignore_failures=True) for one in self.varies]
        key = (get_language(), get_urlconf(), get_script_prefix(), _keeping.turn, *given)
        found = self.kept.get(key)
        if found is None:
            if len(self.kept) >= self.MOST:
                self.kept.clear()
            found = self.kept[key] = self.nodelist.render(context)
        return found


@register.tag
def tf_keep(parser: Any, token: Any) -> KeepNode:
    """Render what does not depend on the request once: `{% tf_keep a b %}…{% endtf_keep %}`.

    The content may depend on `a`, `b`, the language, the URLs and the settings, on nothing else:
    no slot, no object of the page. Values must be hashable and few. Nothing is kept with DEBUG.
    """
    _name, *varies = token.split_contents()
    nodelist = parser.parse(("endtf_keep",))
    parser.delete_first_token()
    return KeepNode(nodelist, [parser.compile_filter(one) for one in varies])


class _Keeping:
    #: Counts changes of settings, so that nothing from before one is shown after it.
    turn = 0


_keeping = _Keeping()


@register.filter
def tf_number(value: Any) -> str:
    """A count in few characters: 987, 1.2k, 34k, 1.2M; the decimal sign of the language."""
    if value is None or value == "":
        return ""
    number = int(value)
    size = abs(number)
    for limit, unit in ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")):
        if size >= limit:
            digits = math.floor(size / limit * 10) / 10  # rounding down never claims too much
            text = number_format(digits, 1 if digits < 10 and digits % 1 else 0)
            return f"{'−' if number < 0 else ''}{text}{unit}"
    return f"−{size}" if number < 0 else str(size)


@register.filter(expects_localtime=True)
def tf_when(value: datetime | date | None, style: str = "") -> SafeString:
    """`<time>` with text from the server; the script keeps it fresh.

    `style`: nothing for "4 h", `ago` for "4 h ago", `date` for the day alone.
    """
    if value is None:
        return SafeString("")
    moment = value if isinstance(value, datetime) else datetime(value.year, value.month, value.day)
    return Ages().tag(moment, style)


@register.filter
def tf_hue(value: Any) -> int:
    """One of the eight hues for a name or id, always the same for the same text."""
    if isinstance(value, int):
        return value % 8 + 1
    return sum(ord(char) * (i + 7) for i, char in enumerate(str(value))) % 8 + 1


@register.filter
def tf_initial(value: Any) -> str:
    """First letter of a name, for an avatar without a picture."""
    text = str(value or "").strip()
    return text[:1].upper() or "?"


@register.filter
def tf_kind(field: Any) -> str:
    """How a bound form field is drawn: check, choices, textarea, file, hidden, select or input."""
    widget = field.field.widget
    if widget.is_hidden:
        return "hidden"
    name = type(widget).__name__
    known = {
        "CheckboxInput": "check",
        "RadioSelect": "choices",
        "CheckboxSelectMultiple": "choices",
        "Textarea": "textarea",
    }
    return known.get(name) or getattr(widget, "input_type", None) or "select"


@register.simple_tag
def tf_field(field: Any, **attrs: Any) -> SafeString:
    """The widget of a bound field with our classes and its help and errors tied to it.

    Extra attributes are given with underscores: `{% tf_field field data_tf_autosave="x" %}`.
    """
    kind = tf_kind(field)
    given = {name.replace("_", "-"): value for name, value in attrs.items()}
    if kind not in ("check", "choices", "hidden"):
        given.setdefault("class", f"tf-in {field.field.widget.attrs.get('class', '')}".strip())
    described = [f"{field.auto_id}_help"] if field.help_text else []
    if field.errors:
        described.append(f"{field.auto_id}_error")
        given["aria-invalid"] = "true"
    if described:
        given["aria-describedby"] = " ".join(described)
    return SafeString(field.as_widget(attrs=given))


def _request(context: Context) -> Any:
    return getattr(context, "request", None) or context.get("request")


def _render(name: str, context: Context, **more: Any) -> SafeString:
    return slots.include(name, context, tf=page_of(context), **more)
