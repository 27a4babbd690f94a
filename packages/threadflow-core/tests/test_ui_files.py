"""Weight, checksums and cleanliness of what is sent to browsers."""

from __future__ import annotations

import gzip
import hashlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import threadflow_core

STATIC = Path(threadflow_core.__file__).parent / "static/threadflow"
LINT = Path(__file__).parents[3] / "tools/lint_templates.py"
KB = 1024


def weight(*names: str) -> int:
    return sum(len(gzip.compress((STATIC / name).read_bytes(), 9)) for name in names)


def test_pages_are_light():
    htmx, core = "vendor/htmx-4.0.1.min.js", "js/tf-core.js"
    assert weight("css/threadflow.css") <= 16 * KB
    assert weight(core) <= 4 * KB
    assert weight(htmx, core) <= 18_000
    assert weight(htmx, core, "js/tf-live.js") <= 23_000
    assert weight("js/tf-composer.js") <= 16 * KB


def test_vendored_files_are_the_ones_that_were_read():
    table = (STATIC / "vendor/VENDORED.md").read_text()
    for path in (STATIC / "vendor").glob("*.js"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in table
        assert b"sourceMappingURL" not in path.read_bytes()
    assert (STATIC / "vendor/LICENSE-htmx.txt").exists()
    assert (STATIC / "icons/LICENSE-lucide.txt").exists()


def test_everything_is_layered_so_that_a_host_rule_wins():
    for path in (STATIC / "css").glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        depth, outside = 0, []
        for part in re.findall(r"[^{};]*[{};]", text):
            if depth == 0 and not part.strip().startswith(("@layer", "@view-transition", "}")):
                outside.append(part.strip())
            depth += part.count("{") - part.count("}")
        assert not outside


def test_hosts_are_not_restyled():
    """Every rule is about something of ours; plain elements only inside .tf."""
    text = (STATIC / "css/threadflow.css").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    stack: list[str] = []
    for head, mark in re.findall(r"([^{};]*)([{};])", text):
        if mark == "{":
            selector = head.strip()
            nested = any(not outer.startswith("@") for outer in stack)
            if not selector.startswith("@") and not nested and "@keyframes" not in "".join(stack):
                for one in re.split(r",(?![^(\[]*[)\]])", selector):
                    assert re.search(r"\.tf|data-tf-|:root|\.htmx-request|\[dir=", one), one
            stack.append(selector)
        elif mark == "}":
            stack.pop()


@pytest.mark.skipif(
    not LINT.exists(), reason="the lint is part of the repository, not of the package"
)
def test_templates_and_styles_pass_the_lint():
    done = subprocess.run(
        [sys.executable, str(LINT), str(STATIC.parents[1])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(
    not LINT.exists(), reason="the lint is part of the repository, not of the package"
)
@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<style>p{}</style>",
        '<p style="color:red">',
        '<p onclick="x()">',
        '<p hx-on:click="x()">',
        '<p hx-vals="js:{a:1}">',
        '<p hx-trigger="click[ctrlKey]">',
        '<a href="javascript:x()">',
        '<script src="https://cdn.example/x.js"></script>',
    ],
)
def test_the_lint_finds_what_the_policy_would_block(tmp_path, text):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates/x.html").write_text(text)
    done = subprocess.run(
        [sys.executable, str(LINT), str(tmp_path)], capture_output=True, check=False
    )
    assert done.returncode == 1


@pytest.mark.skipif(
    not LINT.exists(), reason="the lint is part of the repository, not of the package"
)
@pytest.mark.parametrize(
    "rule", ["margin-left: 1px", "padding: 1px 2px 3px 4px", "text-align: right", "left: 0"]
)
def test_the_lint_finds_one_sided_styles(tmp_path, rule):
    (tmp_path / "x.css").write_text(f"p {{ {rule}; }}")
    done = subprocess.run(
        [sys.executable, str(LINT), str(tmp_path)], capture_output=True, check=False
    )
    assert done.returncode == 1
