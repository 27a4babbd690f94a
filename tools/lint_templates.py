"""Refuse what our pages must not contain: inline code, inline style, one-sided CSS.

    python tools/lint_templates.py [folder …]

Checks every template and stylesheet under the folders (default: the packages and the example
project), prints `file:line: reason` and ends with 1 when there is any. The Content-Security-Policy
of the site allows none of these, so a slip here would be a control that silently does nothing.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOTS = ("packages", "example_project")
SKIPPED = {"node_modules", ".venv", "build", "dist", "vendor", "htmlcov"}

IN_TEMPLATES = [
    (
        re.compile(
            r"<script(?![^>]*\bsrc\s*=)(?![^>]*type=\"application/(?:ld\+)?json\")[^>]*>", re.I
        ),
        "inline <script>",
    ),
    (re.compile(r"<style\b", re.I), "inline <style>"),
    (re.compile(r"[\s\"']style\s*=\s*[\"'{]", re.I), "style= attribute"),
    (re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.I), "on* handler"),
    (re.compile(r"\bhx-on\b", re.I), "hx-on needs eval"),
    (re.compile(r"\bhx-[a-z:-]+\s*=\s*[\"']\s*(?:js|javascript):", re.I), "js: value needs eval"),
    (re.compile(r"\bhref\s*=\s*[\"']\s*javascript:", re.I), "javascript: link"),
    (re.compile(r"\bhx-trigger\s*=\s*\"[^\"]*\["), "trigger filter needs eval"),
    (re.compile(r"\bhx-trigger\s*=\s*'[^']*\["), "trigger filter needs eval"),
    (re.compile(r"\b(?:src|href)\s*=\s*[\"']https?://(?!\{)", re.I), "address of another site"),
]
SIDES = r"(?:left|right)"
IN_STYLES = [
    (re.compile(rf"(?:margin|padding|border)-{SIDES}\b"), "physical side: use -inline-start/-end"),
    (re.compile(rf"(?:^|[;{{\s]){SIDES}\s*:"), "physical side: use inset-inline"),
    (re.compile(rf"(?:text-align|float|clear)\s*:\s*{SIDES}\b"), "physical side: use start/end"),
    (re.compile(r"border-(?:top|bottom)-(?:left|right)-radius"), "physical corner"),
    (re.compile(r"@import\b|url\(\s*[\"']?(?:https?:)?//"), "address of another site"),
]
FOUR = re.compile(r"(?<![-\w])(margin|padding|inset)\s*:\s*([^;{}]+)")
COMMENT = re.compile(r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|<!--.*?-->", re.S)


def main(folders: list[str]) -> int:
    found = [problem for folder in folders or ROOTS for problem in problems(Path(folder))]
    for problem in found:
        print(problem)
    return 1 if found else 0


def problems(folder: Path) -> Iterator[str]:
    """Every problem under `folder`, as `file:line: reason`."""
    for path in sorted(folder.rglob("*")):
        if SKIPPED.intersection(path.parts) or not path.is_file():
            continue
        if path.suffix in (".html", ".svg") and "templates" in path.parts:
            yield from in_text(path, blank(COMMENT, path.read_text()), IN_TEMPLATES)
        elif path.suffix == ".css":
            text = blank(re.compile(r"/\*.*?\*/", re.S), path.read_text())
            yield from in_text(path, text, IN_STYLES)
            yield from uneven(path, text)


def in_text(path: Path, text: str, rules: list[tuple[re.Pattern[str], str]]) -> Iterator[str]:
    for pattern, reason in rules:
        for match in pattern.finditer(text):
            yield f"{path}:{line_of(text, match.start())}: {reason}"


def uneven(path: Path, text: str) -> Iterator[str]:
    """Four-value shorthands with different sides: they do not turn with the writing direction."""
    for match in FOUR.finditer(text):
        values = re.findall(r"(?:[^\s(]+\([^()]*(?:\([^()]*\)[^()]*)*\)|[^\s()]+)", match[2])
        if len(values) == 4 and values[1] != values[3]:
            yield f"{path}:{line_of(text, match.start())}: {match[1]} with four values: use -block and -inline"


def blank(pattern: re.Pattern[str], text: str) -> str:
    """Take comments out, keeping line numbers."""
    return pattern.sub(lambda m: "\n" * m[0].count("\n"), text)


def line_of(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
