"""Markdown to safe HTML: the one renderer for everything that a person or a model writes.

CommonMark with tables, strikethrough, bare links, mentions and `>!spoilers!<`. Raw HTML is text.
nh3 sanitises last and nothing is rendered after it: htmx reads attributes and even attribute
values of whatever it swaps, so a single tag or angle bracket let through would be live.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from html.parser import HTMLParser

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from . import markup_rules
from .app_settings import app_settings

Mentions = Mapping[str, str] | Callable[[list[str]], Mapping[str, str]]

#: Every tag that rendered text may contain, with its attributes; `rel` is set on each link.
ATTRIBUTES: dict[str, set[str]] = {"*": set(), "a": {"href"}, "ol": {"start"}}
TAGS = {
    *("a", "blockquote", "br", "code", "em", "h3", "h4", "h5", "h6", "hr", "li", "ol"),
    *("p", "pre", "s", "span", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul"),
}
CLASSES = {
    "a": {"tf-mention"},
    "span": {"tf-spoiler"},
    "td": {"tf-center", "tf-right"},
    "th": {"tf-center", "tf-right"},
}
SCHEMES = {"http", "https", "mailto"}
REL = "ugc nofollow noopener"
EXCERPT = 280

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Rendered:
    """`html` is safe; `mentions` are the names that became links; `excerpt` is plain text."""

    html: SafeString
    mentions: list[str]
    excerpt: str


def render(text: str, *, mentions: Mentions | None = None) -> Rendered:
    """Render Markdown to sanitised HTML.

    `mentions` maps names to profile URLs, or is called once with the names found in the
    text (outside code, at most `MARKUP_MAX_MENTIONS`) and returns that mapping, as
    `people.mention_urls` does. Other names stay text. Never raises for any `text`; the time
    is bounded for any text of 64 KB.
    """
    parser = _parser()
    tokens = parser.parse(_prepared(text))
    linked: list[str] = []
    if mentions is not None and "@" in text:
        names = markup_rules.mentioned(tokens, app_settings.MARKUP_MAX_MENTIONS)
        urls = mentions(names) if callable(mentions) else mentions
        urls = {name: urls[name] for name in names if urls.get(name)}
        linked = list(urls)
        markup_rules.link_mentions(tokens, urls)
    markup_rules.replace_images(tokens, app_settings.MARKUP_IMAGES)
    html = sanitize(parser.renderer.render(tokens, parser.options, {}))
    return Rendered(html, linked, excerpt(html, EXCERPT))


def mentioned(text: str) -> list[str]:
    """Names written as `@name` outside code, first come first, each once."""
    if "@" not in text:
        return []
    return markup_rules.mentioned(
        _parser().parse(_prepared(text)), app_settings.MARKUP_MAX_MENTIONS
    )


def sanitize(html: str) -> SafeString:
    """Reduce any HTML to the tags, attributes and schemes that rendered text may contain."""
    return mark_safe(_cleaner(app_settings.MARKUP_IMAGES).clean(html))  # noqa: S308


def excerpt(html: str, length: int) -> str:
    """The first `length` characters of the text in `html`, cut at a word, without spoilers.

    Plain text: templates escape it.
    """
    reader = _TextReader(length + 1)
    for start in range(0, len(html), 4096):
        reader.feed(html[start : start + 4096])
        if reader.full:
            break
    else:
        reader.close()
    text = " ".join("".join(reader.parts).split())
    if len(text) <= length:
        return text
    cut = text[:length]
    if text[length] != " " and " " in cut:
        cut = cut[: cut.rindex(" ")]
    return cut.rstrip(" ,;:.–-") + "…"


def _prepared(text: str) -> str:
    # A lone surrogate, as JSON can carry it, is no text and cannot be encoded.
    return _CONTROL.sub("", text.encode("utf-8", "replace").decode())


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    options = {
        "html": False,
        "linkify": True,
        "breaks": True,
        "maxNesting": markup_rules.MAX_NESTING,
    }
    parser = MarkdownIt("commonmark", options)
    parser.enable(["table", "strikethrough", "linkify"])
    markup_rules.install(parser)
    return parser


@lru_cache(maxsize=4)
def _cleaner(images: str) -> nh3.Cleaner:
    inline = images == "inline"
    return nh3.Cleaner(
        tags=TAGS | {"img"} if inline else TAGS,
        attributes={**ATTRIBUTES, "img": {"src", "alt"}} if inline else ATTRIBUTES,
        tag_attribute_values={"span": {"tabindex": {"0"}}, "img": {"loading": {"lazy"}}},
        allowed_classes=CLASSES,
        url_schemes=SCHEMES,
        link_rel=REL,
    )


class _TextReader(HTMLParser):
    """Collects text until there is enough of it; block ends count as spaces."""

    def __init__(self, enough: int) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.full = False
        self._length = 0
        self._enough = enough
        self._spans: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "span":
            hidden = ("class", "tf-spoiler") in attrs
            if hidden and not any(self._spans):
                self.handle_data("▒▒▒")
            self._spans.append(hidden)
        elif tag == "img":
            self.handle_data(dict(attrs).get("alt") or "")
        elif tag not in {"em", "strong", "code", "s", "a"}:
            self.parts.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "span" and self._spans:
            self._spans.pop()
        elif tag not in {"em", "strong", "code", "s", "a", "span"}:
            self.parts.append(" ")

    def handle_data(self, data: str) -> None:
        if any(self._spans):
            return
        self.parts.append(data)
        self._length += len(data.strip())
        self.full = self._length >= self._enough


__all__ = ["Rendered", "Token", "excerpt", "mentioned", "render", "sanitize"]
