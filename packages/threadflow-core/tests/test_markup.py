"""Markdown: CommonMark where it is safe, inert where it is not, quick for any text."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from threadflow_core import markup, markup_rules
from threadflow_core.markup import render

from .markdown_examples import examples

EXAMPLES = examples()
CORPUS = [
    line.replace("⏎", "\n").replace("⇥", "\t").replace("␀", "\x00")
    for line in (Path(__file__).parent / "data" / "xss.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("# ")
]

ALLOWED = {
    **{
        tag: set()
        for tag in [
            "blockquote",
            "br",
            "code",
            "em",
            "h3",
            "h4",
            "h5",
            "h6",
            "hr",
            "li",
            "p",
            "pre",
            "s",
            "strong",
        ]
    },
    **{tag: set() for tag in ["table", "tbody", "thead", "tr", "ul"]},
    "a": {"href", "rel", "class"},
    "img": {"src", "alt", "loading"},
    "ol": {"start"},
    "span": {"class", "tabindex"},
    "td": {"class"},
    "th": {"class"},
}
CLASSES = {"tf-mention", "tf-spoiler", "tf-center", "tf-right"}


class Inspector(HTMLParser):
    """Collects whatever a browser could act on that is not on the list."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.wrong = []
        self.text = []

    def handle_starttag(self, tag, attrs):
        if tag not in ALLOWED:
            self.wrong.append(f"<{tag}>")
        raw = self.get_starttag_text()
        if raw.count("<") != 1 or raw.count(">") != 1:
            self.wrong.append(f"a raw angle bracket in {raw!r}")
        for name, value in attrs:
            if name not in ALLOWED.get(tag, set()):
                self.wrong.append(f"{tag}.{name}={value!r}")
            if name in {"href", "src"} and not re.match(
                r"(?i)(https?://[^/\\]|mailto:|/(?![/\\\s])|/$|#|$)", value
            ):
                self.wrong.append(f"{name}={value!r}")
            if name == "class" and value not in CLASSES:
                self.wrong.append(f"class={value!r}")
            if name == "rel" and value != "ugc nofollow noopener":
                self.wrong.append(f"rel={value!r}")
        if tag == "a" and dict(attrs).get("rel") is None:
            self.wrong.append("a link without rel")

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        self.wrong.append(f"<!--{data}-->")

    def handle_decl(self, decl):
        self.wrong.append(f"<!{decl}>")

    unknown_decl = handle_decl

    def handle_pi(self, data):
        self.wrong.append(f"<?{data}>")


def inspect(html):
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    # htmx 4 rewrites "<hx-" wherever it stands in the text of a response, quotes or not.
    if re.search(r"<\s*hx-", html, re.IGNORECASE):
        inspector.wrong.append("a raw <hx- in the response")
    return inspector


def names(**urls):
    return {name: f"/u/{name}/" for name in urls or {"ada": 1, "bo": 1}}


class TestSafety:
    def test_the_corpus_is_large_and_has_no_duplicates(self):
        assert len(CORPUS) >= 150
        assert len(set(CORPUS)) == len(CORPUS)

    @pytest.mark.parametrize("images", ["link", "inline", "none"])
    @pytest.mark.parametrize("text", CORPUS)
    def test_inert(self, text, images, settings):
        settings.THREADFLOW_CORE = {"MARKUP_IMAGES": images}
        assert inspect(render(text, mentions=names()).html).wrong == []

    @pytest.mark.parametrize("text", CORPUS)
    def test_inert_in_company(self, text):
        html = render(f"- a\n\n  > {text}\n\n{text} {text}\n\n[b]: {text}", mentions=names()).html
        assert inspect(html).wrong == []

    @pytest.mark.parametrize("text", CORPUS)
    def test_html_from_anywhere_can_be_sanitised(self, text):
        assert [w for w in inspect(markup.sanitize(text)).wrong if not w.startswith("href=")] == []

    def test_the_inspector_sees_what_it_should(self):
        bad = '<a href="//x" onclick=1>x</a><p id=a><hx-x><!--c--><img src="javascript:1">'
        assert len(inspect(bad).wrong) >= 7

    @given(st.text(alphabet="<>[]()!`*_~|:/\\#&;\"'=-@ \n\taxhjs123", max_size=200))
    def test_any_text_is_inert(self, text):
        assert inspect(render(text, mentions=names()).html).wrong == []

    @given(st.lists(st.sampled_from(CORPUS), min_size=1, max_size=4), st.sampled_from(["", "\n"]))
    def test_any_mixture_is_inert(self, parts, joint):
        assert inspect(render(joint.join(parts), mentions=names()).html).wrong == []

    def test_a_link_to_another_host_gets_its_scheme(self):
        html = render("[x](//evil.example/a)").html
        assert 'href="https://evil.example/a"' in html

    def test_a_url_from_the_resolver_is_no_way_in_either(self):
        html = render("@ada @bo", mentions={"ada": "javascript:alert(1)", "bo": '/u/"><b>'}).html
        assert inspect(html).wrong == []


class TestCommonMark:
    def tidy(self, html):
        # The one liberty that the library takes: an empty quote has no line break in it.
        return html.replace("<blockquote>\n</blockquote>", "<blockquote></blockquote>")

    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: str(e.number))
    def test_our_rules_with_html_on_conform(self, example):
        parser = MarkdownIt("commonmark")
        markup_rules.install_bounds(parser)
        assert self.tidy(parser.render(example.markdown)) == self.tidy(example.html)

    def test_there_are_as_many_examples_as_the_specification_has(self):
        assert len(EXAMPLES) == 652

    @pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: str(e.number))
    def test_the_safe_profile_is_inert_for_each_example(self, example):
        assert inspect(render(example.markdown).html).wrong == []

    def test_the_safe_profile_changes_only_what_it_says(self):
        """Without HTML, images, relative links and bare addresses the output is CommonMark's, but
        for headings two levels lower, line breaks kept, and no titles or code languages."""
        compared = 0
        for example in EXAMPLES:
            if re.search(r"<[a-zA-Z/!?]|!\[|&lt;|https?:|~~|>!", example.markdown):
                continue
            if re.search(r'href="(?![/#])', example.html):
                continue
            expected = re.sub(
                r"(</?)h([1-6])>", lambda m: f"{m[1]}h{min(int(m[2]) + 2, 6)}>", example.html
            )
            got = render(example.markdown).html
            assert bare(got) == bare(markup.sanitize(expected)), example
            compared += 1
        assert compared > 400


def bare(html):
    return re.sub(r"\s+", " ", re.sub(r"<br ?/?>", "", html).replace(">\n<", "><")).strip()


class TestWhatPeopleWrite:
    def test_headings_stay_under_those_of_the_page(self):
        html = render("# a\n## b\n### c\n#### d\n##### e\n").html
        assert re.findall(r"<(h\d)", html) == ["h3", "h4", "h5", "h6", "h6"]

    def test_a_line_break_is_a_line_break(self):
        assert render("a\nb").html == "<p>a<br>\nb</p>\n"

    def test_tables_align_by_class(self):
        html = render("|a|b|c|\n|-|:-:|-:|\n|1|2|3|").html
        assert 'class="tf-center"' in html and 'class="tf-right"' in html
        assert "style" not in html

    def test_strikethrough_and_bare_links(self):
        assert "<s>x</s>" in render("~~x~~").html
        assert render("see https://e.example/a.").html.count("<a ") == 1
        assert "<a " not in render("readme.md and e.example").html

    def test_links_say_that_they_are_user_content(self):
        assert 'rel="ugc nofollow noopener"' in render("[x](https://e.example)").html

    def test_spoilers(self):
        html = render("a >!b **c**!< d").html
        expected = '<span class="tf-spoiler" tabindex="0">b <strong>c</strong></span>'
        assert expected in html
        assert "tf-spoiler" in render(">!whole line!<").html
        assert "<blockquote>" in render("> quote").html

    @pytest.mark.parametrize("text", [">!a", "a!<", "*>!a*!<", "wow!<https://e.example>", ">! a"])
    def test_half_a_spoiler_is_none_and_loses_nothing(self, text):
        rendered = render(text)
        assert "tf-spoiler" not in rendered.html
        letters = "".join(re.findall(r"\w", text))
        assert "".join(re.findall(r"\w", rendered.excerpt)) == letters

    @pytest.mark.parametrize(
        ("images", "part"),
        [
            ("link", '<a href="https://e.example/a.png" rel="ugc nofollow noopener">a cat</a>'),
            ("none", "<p>a cat</p>"),
            ("inline", '<img src="https://e.example/a.png" alt="a cat" loading="lazy">'),
        ],
    )
    def test_images(self, images, part, settings):
        settings.THREADFLOW_CORE = {"MARKUP_IMAGES": images}
        assert part in render("![a *cat*](https://e.example/a.png)").html

    def test_an_image_in_a_link_is_its_text(self):
        assert render("[![cat](/a.png)](/b)").html.count("<a ") == 1

    def test_an_image_without_text_shows_its_address(self):
        assert ">/a.png</a>" in render("![](/a.png)").html

    def test_nothing_written_is_lost_to_nesting(self):
        deep = "> " * 300 + "bottom\n\n" + "".join("  " * i + f"- item{i}\n" for i in range(60))
        text = "".join(Inspected.text_of(render(deep).html))
        assert "bottom" in text and "item59" in text

    def test_empty_text(self):
        assert render("") == markup.Rendered(SafeString(""), [], "")

    @pytest.mark.parametrize("text", ["\ud800", "a\udfff @ada \x00", "\U0010ffff"])
    def test_what_is_no_text_is_no_error(self, text):
        render(text, mentions=names()).html.encode()

    def test_the_result_is_safe_for_templates(self):
        assert isinstance(render("x").html, SafeString)


class Inspected:
    @staticmethod
    def text_of(html):
        return inspect(html).text


class TestMentions:
    def test_only_names_that_exist_become_links(self):
        rendered = render("@ada, @nobody and @bo.", mentions=names())
        assert rendered.mentions == ["ada", "bo"]
        assert '<a href="/u/ada/" class="tf-mention"' in rendered.html
        assert "@nobody" in rendered.html and "/u/nobody" not in rendered.html

    @pytest.mark.parametrize(
        "text",
        ["`@ada`", "```\n@ada\n```", "    @ada", "[@ada](/x)", "a@ada", "@@ada", "/@ada", "@adam"],
    )
    def test_not_in_code_links_addresses_or_longer_names(self, text):
        assert render(text, mentions=names()).mentions == []

    @pytest.mark.parametrize("text", ["@ada.", "(@ada)", "**@ada**", "@ada's", "> @ada", "@ada-"])
    def test_punctuation_around_a_name(self, text):
        assert render(text, mentions=names()).mentions == ["ada"]

    def test_a_resolver_is_asked_once_with_all_names(self):
        asked = []
        rendered = render("@a @b `@c` @a", mentions=lambda n: asked.append(n) or {"b": "/b"})
        assert asked == [["a", "b"]]
        assert rendered.mentions == ["b"]

    def test_at_most_fifty(self, settings):
        text = " ".join(f"@n{i}" for i in range(60))
        assert len(render(text, mentions=lambda n: dict.fromkeys(n, "/u")).mentions) == 50
        settings.THREADFLOW_CORE = {"MARKUP_MAX_MENTIONS": 2}
        assert len(markup.mentioned(text)) == 2

    def test_nobody_is_asked_about_a_text_without_mentions(self):
        render("plain", mentions=lambda names: pytest.fail("asked"))

    def test_mentioned_finds_what_render_would(self):
        assert markup.mentioned("@ada `@bo` @c.d-e @ada") == ["ada", "c.d-e"]
        assert markup.mentioned("none") == []


class TestExcerpt:
    def test_text_without_markup_cut_at_a_word(self):
        html = render("# Title\n\nSome **bold** words & `code`\n\n- item").html
        assert markup.excerpt(html, 100) == "Title Some bold words & code item"
        assert markup.excerpt(html, 14) == "Title Some…"

    def test_a_spoiler_stays_hidden(self):
        assert "Vader" not in render("He is >!Vader, >!really!< he is!< indeed").excerpt

    def test_a_word_longer_than_the_excerpt(self):
        assert markup.excerpt("<p>" + "a" * 50 + "</p>", 10) == "a" * 10 + "…"

    def test_long_text_is_not_read_to_its_end(self):
        html = "<p>word</p>" * 200_000
        began = time.process_time()
        assert len(markup.excerpt(html, 100)) <= 101
        assert time.process_time() - began < 0.1

    @given(st.text(max_size=300), st.integers(1, 60))
    def test_never_longer_than_asked(self, text, length):
        assert len(markup.excerpt(render(text).html, length)) <= length + 1


#: Texts that make careless parsers quadratic or worse.
PATHOLOGICAL = {
    "nested emphasis": "*a **b " * 9_362,
    "closed emphasis": "*a **a " * 4_681 + "a** a* " * 4_681,
    "ten thousand quotes": ">" * 10_000,
    "ten thousand quotes with text": ">" * 10_000 + "x\n" * 50,
    "ten thousand mentions": "@ada " * 10_000,
    "ten thousand names": "".join(f"@n{i} " for i in range(10_000)),
    "open brackets": "[" * 65_536,
    "open images": "![" * 32_768,
    "nested links": "[" * 9_000 + "a" + "](/b)" * 9_000,
    "backticks": "`a``b" * 13_107,
    "angle brackets": "<a " * 21_845,
    "wide table": "|a" * 1_000 + "\n" + "|-" * 1_000 + "\n" + ("|a" * 1_000 + "\n") * 28,
    "spoilers": ">!" * 32_768,
    "spoilers with one end": "a>!" * 21_000 + "!<",
    "stepped lists": "".join(" " * (2 * (i % 30)) + "- a\n" for i in range(1_800)),
    "one line of lists": "- " * 32_768,
    "stars": "*" * 65_536,
    "lines": "a\n" * 32_768,
    "references": "".join(f"[{i}]: /u\n" for i in range(6_000)),
    "addresses": "http://a.b/c " * 5_041,
    "entities": "&" * 65_536,
    "controls": "\x00\x01" * 32_768,
}
PROSE = "Some *plain* words, a [link](/x) and `code` in a row.\n\n" * 1_200
HARD = ("nested emphasis", "ten thousand quotes", "ten thousand mentions", "ten thousand names")


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_time_is_bounded(name):
    """As many times what ordinary writing of that length takes: no limit in seconds fits all.

    Processor time, the best of up to three turns, so that a busy machine does not fail it.
    """
    text = PATHOLOGICAL[name]
    most = 5 if name in HARD else 12
    _seconds("warm")
    tries: list[tuple[float, float]] = []
    while not tries or min(t for t, _ in tries) >= most * min(p for _, p in tries):
        assert len(tries) < 3, tries
        tries.append((_seconds(text), _seconds(PROSE)))


def _seconds(text):
    began = time.process_time()
    render(text, mentions=lambda found: dict.fromkeys(found, "/u"))
    return time.process_time() - began
