"""The suite of `make test` leaves no test out, keeps its cells apart, and fails when one does."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: What a cell on SQLite selects while another has PostgreSQL.
ON_SQLITE = "not browser and not slow and not postgres"
#: Waits until the other has begun, so that it ends only if both run at once.
MEET = """
import pathlib, sys, time
pathlib.Path(sys.argv[1]).touch()
end = time.monotonic() + 60
while not pathlib.Path(sys.argv[2]).exists():
    assert time.monotonic() < end
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def suite():
    name = "threadflow_suite"
    found = importlib.util.spec_from_file_location(name, ROOT / "tools/suite.py")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module  # dataclasses look there
    found.loader.exec_module(module)
    return module


@pytest.fixture
def everything(suite, monkeypatch):
    """All services are there; cells are made and not run."""
    monkeypatch.setattr(suite, "_answers", lambda host, port: True)
    monkeypatch.setenv("DATABASE_URL", "postgres://somebody@127.0.0.1:5432/site")
    monkeypatch.setenv("BROWSER_PATH", "/usr/bin/chromium")
    return suite.cells(suite.Services(), everything=False)


def marks(cell) -> str:
    return cell.command[cell.command.index("-m", 3) + 1] if "-m" in cell.command[3:] else ""


def test_every_folder_of_tests_has_its_cells(everything):
    folders = [f.parent for f in ROOT.glob("packages/*/tests") if any(f.glob("test_*.py"))]
    folders += [ROOT / "example_project", ROOT / "tests"]
    for folder in folders:
        here = [marks(cell) for cell in everything if cell.folder == folder]
        assert {"not browser and not slow", ON_SQLITE} & set(here), folder
        texts = (file.read_text() for file in folder.glob("tests/test_*.py"))
        if any("pytest.mark.browser" in text for text in texts):
            assert "browser and not slow" in here, folder


def test_what_needs_postgres_runs_there_and_is_skipped_only_where_there_is_none(
    suite, everything, monkeypatch
):
    for name in suite.PACKAGES:
        folder = suite.package(name)
        assert sorted(marks(cell) for cell in everything if cell.folder == folder)[-2:] == [
            "not browser and not slow",
            ON_SQLITE,
        ]
        for part in suite.NO_DATABASE[name]:
            assert "mark.postgres" not in (folder / f"tests/test_{part}.py").read_text()
    monkeypatch.setattr(suite, "_answers", lambda host, port: False)
    monkeypatch.delenv("DATABASE_URL")
    alone = suite.cells(suite.Services(), everything=True)
    assert not [cell.title for cell in alone if "not postgres" in marks(cell)]


def test_cells_on_postgres_have_databases_of_their_own(everything):
    made = [c.env["DATABASE_URL"] for c in everything if "on PostgreSQL" in c.title]
    assert len(set(made)) == len(made) == 4
    assert all(url.startswith("postgres://somebody@127.0.0.1:5432/site_") for url in made)


def test_parameters_are_bound_both_ways(suite, everything):
    def bound(cells):
        here = [cell for cell in cells if "on PostgreSQL" in cell.title]
        assert len({cell.title for cell in here}) == len(here)
        assert len({cell.env["DATABASE_URL"] for cell in here}) == len(here)
        return sorted((cell.folder.name, cell.env["SERVER_BINDING"]) for cell in here)

    assert {binding for _folder, binding in bound(everything)} == {"0", "1"}
    slowly = suite.cells(suite.Services(), everything=True)
    folders = sorted(suite.package(name).name for name in suite.PACKAGES)
    assert bound(slowly) == [(folder, binding) for folder in folders for binding in "01"]


def test_cells_run_side_by_side(suite, tmp_path):
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    made = [
        suite.Cell("one", tmp_path, [sys.executable, "-c", MEET, one, two]),
        suite.Cell("two", tmp_path, [sys.executable, "-c", MEET, two, one]),
    ]
    assert [cell.failed for cell in suite.Lanes(made).run(2)] == [False, False]


def test_cells_that_may_run_side_by_side_share_no_redis(everything):
    made = [c.env["REDIS_URL"] for c in everything if "REDIS_URL" in c.env]
    assert len(set(made)) == len(made) > 6


def test_a_cell_that_fails_fails_the_suite(suite, tmp_path, monkeypatch, capsys):
    good = suite.Cell("good", tmp_path, [sys.executable, "-c", "print('3 passed, 2 skipped')"])
    bad = suite.Cell(
        "bad", tmp_path, [sys.executable, "-c", "raise SystemExit('1 failed, 4 passed')"]
    )
    monkeypatch.setattr(suite, "cells", lambda found, everything: [good, bad])
    monkeypatch.delenv("REQUIRE", raising=False)
    assert suite.main([]) == 1
    told = capsys.readouterr().out
    assert "FAILED bad" in told and "passed good" in told and "has passed" not in told
    assert "7 passed, 1 failed, 2 skipped" in told.splitlines()
    assert suite.main(["good"]) == 0
    assert "the others were not asked for" in capsys.readouterr().out


def test_what_is_missing_is_told_or_refused(suite, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(suite, "_answers", lambda host, port: False)
    monkeypatch.setattr(suite.shutil, "which", lambda name: None)
    for name in ("DATABASE_URL", "BROWSER_PATH", "REQUIRE"):
        monkeypatch.delenv(name, raising=False)
    good = suite.Cell("good", tmp_path, [sys.executable, "-c", ""])
    made = []
    real = suite.cells
    monkeypatch.setattr(
        suite, "cells", lambda *args, **more: made.extend(real(*args, **more)) or [good]
    )
    assert suite.main([]) == 0
    told = capsys.readouterr().out
    for name in ("postgres", "redis", "browser"):
        assert f"NOT RUN: tests that need {name}" in told
    assert made and not [c.title for c in made if "PostgreSQL" in c.title or "browser" in c.title]
    monkeypatch.setenv("REQUIRE", "postgres,browser")
    assert suite.main([]) == 1
    assert "Required but not there: browser, postgres" in capsys.readouterr().out
