"""The rules that `markup` adds to CommonMark; each works on tokens, before sanitising."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.normalize_url import normalizeLink, validateLink
from markdown_it.rules_block import StateBlock
from markdown_it.rules_block.blockquote import blockquote
from markdown_it.rules_block.list import list_block
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.image import image
from markdown_it.rules_inline.link import link
from markdown_it.token import Token

_MENTION = re.compile(r"(?<![\w@/.+-])@(\w(?:[\w.+-]{0,148}\w)?)")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_ALLOWED = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_ALIGNED = {"text-align:center": "tf-center", "text-align:right": "tf-right"}


#: The parser's own limit, which drops what is deeper; the rules below stop short of it, so that
#: deeper markers stay in the text as they were typed.
MAX_NESTING = 60
_BLOCK_NESTING = 40
_LINK_NESTING = 8
#: Steps that looking for the ends of brackets may take in one text; a text of 64 KB that people
#: write takes a tenth. Past it "[" is a bracket and no longer the start of a link.
_BRACKET_STEPS = 150_000


def install(parser: MarkdownIt) -> None:
    """Add spoilers, links that stay http(s), lowered headings and table cells without styles."""
    parser.validateLink = allowed_link  # type: ignore[method-assign]
    parser.normalizeLink = absolute_link  # type: ignore[method-assign]
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
        parser.linkify.add("//", None).add("ftp:", None)
    install_bounds(parser)
    parser.inline.ruler.before("link", "spoiler", _spoiler_marks)
    parser.core.ruler.push("spoiler", _pair_spoilers)
    parser.core.ruler.push("profile", _profile)


def install_bounds(parser: MarkdownIt) -> None:
    """Bound nesting and the search for ends of brackets; any sane text renders as before."""
    interrupts = ["paragraph", "reference", "blockquote"]
    parser.block.ruler.at("list", _list, {"alt": interrupts})
    parser.block.ruler.at("blockquote", _blockquote, {"alt": [*interrupts, "list"]})
    parser.inline.ruler.at("link", _link_rule)
    parser.inline.ruler.at("image", _image_rule)
    skip = parser.inline.skipToken
    parser.inline.skipToken = partial(_counted, skip)  # type: ignore[method-assign]


def allowed_link(url: str) -> bool:
    """http, https and mailto, paths of this site and fragments; nothing else is a link."""
    url = url.strip()
    if not validateLink(url):
        return False
    if _SCHEME.match(url):
        return _ALLOWED.match(url) is not None
    return url.startswith(("/", "#"))


def absolute_link(url: str) -> str:
    """Percent-encode a link; `//host` is given its scheme, since it leaves the site."""
    url = url.strip()
    if re.match(r"[/\\]{2}", url):
        url = "https://" + url.lstrip("/\\")
    return normalizeLink(url)


def mentioned(tokens: list[Token], most: int) -> list[str]:
    """The first `most` different names in text tokens, outside code and links."""
    names: dict[str, None] = {}
    for _parent, _index, token in _texts(tokens):
        for match in _MENTION.finditer(token.content):
            names[match[1]] = None
            if len(names) >= most:
                return list(names)
    return list(names)


def link_mentions(tokens: list[Token], urls: Mapping[str, str]) -> None:
    """Turn `@name` into a link for each name in `urls`, in place."""
    if not urls:
        return
    for token in tokens:
        if token.type == "inline" and token.children and "@" in token.content:
            _link_children(token, urls)


def replace_images(tokens: list[Token], images: str) -> None:
    """Show images as links, as lazy images, or as their text."""
    for token in tokens:
        if token.type == "inline" and token.children and "![" in token.content:
            token.children = list(_without_images(token.children, images))


def _link_children(token: Token, urls: Mapping[str, str]) -> None:
    found: list[Token] = []
    depth = 0
    for child in token.children or ():
        depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        if depth or child.type != "text" or "@" not in child.content:
            found.append(child)
            continue
        found.extend(_split(child, urls))
    token.children = found


def _split(token: Token, urls: Mapping[str, str]) -> Iterator[Token]:
    end = 0
    for match in _MENTION.finditer(token.content):
        url = urls.get(match[1])
        if url is None:
            continue
        if match.start() > end:
            yield _text(token.content[end : match.start()], token.level)
        yield from _link(url, match[0], token.level, css="tf-mention")
        end = match.end()
    if end < len(token.content):
        yield _text(token.content[end:], token.level)


def _link(url: str, text: str, level: int, css: str = "") -> Iterator[Token]:
    opening = Token("link_open", "a", 1, level=level)
    opening.attrs = {"href": url, **({"class": css} if css else {})}
    yield opening
    yield _text(text, level + 1)
    yield Token("link_close", "a", -1, level=level)


def _text(content: str, level: int) -> Token:
    return Token("text", "", 0, content=content, level=level)


def _texts(tokens: list[Token]) -> Iterator[tuple[Token, int, Token]]:
    for token in tokens:
        if token.type != "inline" or "@" not in token.content:
            continue
        depth = 0
        for index, child in enumerate(token.children or ()):
            depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
            if child.type == "text" and not depth and "@" in child.content:
                yield token, index, child


def _without_images(children: list[Token], images: str) -> Iterator[Token]:
    depth = 0
    for child in children:
        depth += {"link_open": 1, "link_close": -1}.get(child.type, 0)
        if child.type != "image":
            yield child
            continue
        source = str(child.attrs.get("src", ""))
        text = _plain(child.children or ()) or source
        if images == "inline":
            child.attrs = {"src": source, "alt": "", "loading": "lazy"}
            yield child
        elif images == "link" and not depth:
            yield from _link(source, text, child.level)
        else:
            yield _text(text, child.level)


def _plain(children: Any) -> str:
    """The text of an image's description; images nested in it count with their own."""
    parts: list[str] = []
    waiting = list(reversed(children))
    while waiting:
        child = waiting.pop()
        if child.type == "image":
            waiting.extend(reversed(child.children or ()))
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append(" ")
        else:
            parts.append(child.content)
    return "".join(parts)


def _blockquote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """A line that begins with `>!` and holds `!<` is a paragraph with a spoiler, not a quote."""
    first = state.bMarks[start] + state.tShift[start]
    line = state.src[first : state.eMarks[start]]
    if state.level >= _BLOCK_NESTING or (line.startswith(">!") and "!<" in line):
        return False
    return blockquote(state, start, end, silent)


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level < _BLOCK_NESTING and list_block(state, start, end, silent)


def _counted(skip: Callable[[StateInline], None], state: StateInline) -> None:
    state.env["steps"] = state.env.get("steps", 0) + 1
    skip(state)


def _may_link(state: StateInline) -> bool:
    # Each "[" without an end is looked for to the end of the paragraph, which is quadratic.
    return state.level < _LINK_NESTING and state.env.get("steps", 0) < _BRACKET_STEPS


def _link_rule(state: StateInline, silent: bool) -> bool:
    return _may_link(state) and link(state, silent)


def _image_rule(state: StateInline, silent: bool) -> bool:
    return _may_link(state) and image(state, silent)


def _spoiler_marks(state: StateInline, silent: bool) -> bool:
    """Note `>!` and `!<`; `_pair_spoilers` decides later which of them belong together."""
    mark = state.src[state.pos : state.pos + 2]
    opened = state.env.get("spoiler") == state.src
    if mark == ">!":
        kind = "spoiler_open"
    elif mark == "!<" and opened:
        kind = "spoiler_close"
    else:
        return False
    if not silent:
        state.env["spoiler"] = state.src
        state.push(kind, "", 0).content = mark
    state.pos += 2
    return True


def _pair_spoilers(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline" and token.children and ">!" in token.content:
            _pair(token.children)


def _pair(children: list[Token]) -> None:
    """Match each `!<` with the nearest `>!` of the same nesting; the rest become text."""
    open_tags: list[Token] = []
    for child in children:
        if child.type == "spoiler_close":
            if open_tags and open_tags[-1].type == "spoiler_open":
                opening = open_tags.pop()
                opening.tag, opening.nesting, opening.content = "span", 1, ""
                opening.attrs = {"class": "tf-spoiler", "tabindex": "0"}
                child.tag, child.nesting, child.content = "span", -1, ""
                continue
            child.type = "text"
        elif child.type == "spoiler_open" or child.nesting == 1:
            open_tags.append(child)
        elif child.nesting == -1:
            while open_tags and open_tags.pop().type == "spoiler_open":
                pass
    for child in children:
        if child.type in {"spoiler_open", "spoiler_close"} and not child.nesting:
            child.type = "text"


def _profile(state: StateCore) -> None:
    """What our pages need of any text: headings under the page's own, no styles, no titles."""
    for token in state.tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1]) + 2, 6)}"
        elif token.type in {"th_open", "td_open"} and "style" in token.attrs:
            css = _ALIGNED.get(str(token.attrs.pop("style")))
            if css:
                token.attrs["class"] = css
