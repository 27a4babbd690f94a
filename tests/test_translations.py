"""Every text for people is translated, with its placeholders, and the catalogues compile."""

from __future__ import annotations

import gettext
import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "forum", "chat", "billing")
PLACEHOLDER = re.compile(r"%%s|%\(\w+\)[sd]|</?\w+[^>]*>")
#: Of a plural with these, the singular may spell the number out.
COUNTS = {"%(n)s", "%(n)d", "%(count)s", "%(shown)s"}


def source(package: str) -> Path:
    return ROOT / f"packages/threadflow-{package}/src/threadflow_{package}"


def catalogue(package: str, folder: Path | None = None) -> Catalog:
    file = (folder or source(package)) / "locale/de/LC_MESSAGES/django.po"
    with file.open("rb") as text:
        return read_po(text)


@pytest.mark.parametrize("package", PACKAGES)
def test_every_text_is_translated(package):
    for message in catalogue(package):
        if message.id:
            texts = message.string if isinstance(message.string, tuple) else (message.string,)
            assert all(texts), message.id
            assert not message.fuzzy, message.id


@pytest.mark.parametrize("package", PACKAGES)
def test_placeholders_and_markup_survive_translation(package):
    for message in catalogue(package):
        if not message.id:
            continue
        given = message.id if isinstance(message.id, tuple) else (message.id,)
        made = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = set(PLACEHOLDER.findall(given[-1]))
        for text in made:
            found = set(PLACEHOLDER.findall(text))
            assert found == wanted or (text == made[0] and wanted - found <= COUNTS), message.id


@pytest.mark.parametrize("package", PACKAGES)
def test_plurals_compile(package):
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(package))
    compiled.seek(0)
    texts = gettext.GNUTranslations(compiled)
    plurals = [message for message in catalogue(package) if message.pluralizable]
    assert plurals
    for message in plurals:
        for number in (0, 1, 2, 5):
            assert texts.ngettext(*message.id, number) == message.string[number != 1]


@pytest.mark.skipif(not shutil.which("xgettext"), reason="GNU gettext is not on this machine")
@pytest.mark.parametrize("package", PACKAGES)
def test_no_text_of_the_code_is_missing(package, tmp_path):
    copy = tmp_path / f"threadflow_{package}"
    shutil.copytree(source(package), copy, ignore=shutil.ignore_patterns("__pycache__", "static"))
    # -P: modules of the package would hide those of the standard library
    command = [sys.executable, "-P", "-m", "django", "makemessages", "-l", "de", "--no-location"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    known = {(m.context, m.id if isinstance(m.id, str) else m.id[0]) for m in catalogue(package)}
    now = catalogue(package, copy)
    missing = [
        m.id for m in now if (m.context, m.id if isinstance(m.id, str) else m.id[0]) not in known
    ]
    assert missing == [], "run `nox -s messages` and translate"


def test_packages_translate_a_text_alike():
    """Django merges all catalogues: one text has one translation, whoever is installed first."""
    made: dict[object, object] = {}
    for package in PACKAGES:
        for message in catalogue(package):
            if message.id:
                key = (message.context, message.id)
                assert made.setdefault(key, message.string) == message.string, key
