"""The examples of the CommonMark specification, read from its own text (CC-BY-SA 4.0)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SPEC = Path(__file__).parent / "data" / "commonmark-0.31.2.txt"
_EXAMPLE = re.compile(r"^`{32} example\n(.*?)^\.\n(.*?)^`{32}$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    number: int
    markdown: str
    html: str


def examples() -> list[Example]:
    text = SPEC.read_text(encoding="utf-8")
    return [
        Example(number, match[1].replace("→", "\t"), match[2].replace("→", "\t"))
        for number, match in enumerate(_EXAMPLE.finditer(text), 1)
    ]
