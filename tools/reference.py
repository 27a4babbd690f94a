"""Writes `docs/reference.md` from the code: settings, signals, adapters, swap points, partials.

`--check` only compares, for the tests.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference.md"
PACKAGES = ("core", "forum", "chat", "billing", "ai", "notify")


def source(package: str) -> Path:
    return ROOT / f"packages/threadflow-{package}/src/threadflow_{package}"


def page() -> str:
    parts = [
        "# Reference",
        "",
        "Generated from the code by `python tools/reference.py`.",
        "Change things in this order: a setting, a template, an adapter method, a signal, a registry,"
        " the `metadata` of a row, a swapped model.",
    ]
    for package in PACKAGES:
        sections = [
            *settings(package),
            *signals(package),
            *adapter(package),
            *swap_points(package),
            *blocks(package),
            *templates(package),
        ]
        if sections:
            parts += ["", f"## threadflow-{package}", *sections]
    return "\n".join(parts) + "\n"


def commented(text: str, mark: str = "#:") -> dict[int, str]:
    """Doc comments by the line that they describe."""
    found: dict[int, str] = {}
    gathered: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip()
        if stripped.startswith(mark):
            gathered.append(stripped.removeprefix(mark).strip())
        elif gathered:
            found[number] = " ".join(gathered)
            gathered = []
    return found


def settings(package: str) -> Iterator[str]:
    file = source(package) / "app_settings.py"
    if not file.exists():
        return
    text = file.read_text()
    comments = commented(text)
    name = f"THREADFLOW_{package.upper()}"
    yield from (
        "",
        f"### Settings: `{name}`",
        "",
        "| key | default | what it does |",
        "|---|---|---|",
    )
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.ClassDef):
            continue
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                default = ast.unparse(field.value) if field.value else ""
                default = re.sub(r"^dotted\((.*)\)$", r"\1", default)
                default = re.sub(r"field\(default_factory=(\w+)\)", r"\1()", default)
                what = comments.get(field.lineno, "")
                if not what:
                    raise SystemExit(f"{file}: {field.target.id} has no `#:` comment.")
                yield f"| `{field.target.id}` | `{default}` | {what} |".replace("\n", " ")


def signals(package: str) -> Iterator[str]:
    rows: list[str] = []
    for file in sorted(source(package).rglob("*.py")):
        text = file.read_text()
        if "= Signal()" not in text:
            continue
        module = ".".join(file.relative_to(source(package).parent).with_suffix("").parts)
        comments = commented(text)
        for number, line in enumerate(text.split("\n"), 1):
            match = re.match(r"(\w+) = Signal\(\)", line)
            if match:
                what = comments.get(number) or "See its module."
                rows.append(f"| `{module}.{match[1]}` | {what} |")
    if rows:
        yield from ("", "### Signals", "", "| signal | arguments and moment |", "|---|---|", *rows)


def adapter(package: str) -> Iterator[str]:
    file = source(package) / "adapter.py"
    if not file.exists():
        return
    yield from ("", "### Adapter", "", "| method | when it is asked |", "|---|---|")
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    arguments = ", ".join(a.arg for a in method.args.kwonlyargs)
                    what = " ".join((ast.get_docstring(method) or "").split())
                    if not what:
                        raise SystemExit(f"{file}: {method.name} has no docstring.")
                    yield f"| `{node.name}.{method.name}({arguments})` | {what} |"


def swap_points(package: str) -> Iterator[str]:
    file = source(package) / "swaps.py"
    if package == "core" or not file.exists():
        return
    match = re.search(r"SWAP_POINTS = (\{.*?\n\})", file.read_text(), re.S)
    if match:
        points = ast.literal_eval(match[1])
        yield from ("", "### Swap points", "", "| setting | inherit from |", "|---|---|")
        for name, base in points.items():
            yield f"| `THREADFLOW_{package.upper()}_{name.upper()}_MODEL` | `{base}` |"


def blocks(package: str) -> Iterator[str]:
    shell = source(package) / "templates/threadflow/shell.html"
    if not shell.exists():
        return
    text = shell.read_text()
    names = dict.fromkeys(re.findall(r"{% block (\w+) %}", text))
    yield from ("", "### Blocks of the shell", "", ", ".join(f"`{name}`" for name in names))
    slots: dict[str, None] = {}
    for file in sorted(ROOT.glob("packages/*/src/*/templates/**/*.html")):
        slots |= dict.fromkeys(re.findall(r'{% tf_slot "(\w+)"', file.read_text()))
    for file in sorted(ROOT.glob("packages/*/src/**/*.py")):
        slots |= dict.fromkeys(re.findall(r'slots\.render\("(\w+)"', file.read_text()))
    yield from ("", "### Slots", "", ", ".join(f"`{name}`" for name in sorted(slots)))


def templates(package: str) -> Iterator[str]:
    base = source(package) / "templates"
    files = sorted(base.rglob("*.html")) if base.is_dir() else []
    if not files:
        return
    yield from ("", "### Templates", "", "| template | context |", "|---|---|")
    for file in files:
        text = file.read_text()
        comment = re.search(r"{#\s*(.*?)\s*#}", text, re.S)
        keys = " ".join(comment[1].split()) if comment else ""
        yield f"| `{file.relative_to(base)}` | {keys.replace('|', chr(92) + '|')} |"


if __name__ == "__main__":
    made = page()
    if "--check" in sys.argv:
        if not PAGE.exists() or PAGE.read_text() != made:
            sys.exit("docs/reference.md is not what the code says; run tools/reference.py.")
    else:
        PAGE.write_text(made)
