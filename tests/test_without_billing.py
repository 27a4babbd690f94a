"""W: the others work, and their suites pass, where billing is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: Takes billing from where Python looks, before anything is imported.
GONE = """
import sys

sys.path[:] = [entry for entry in sys.path if "threadflow-billing" not in entry]
"""


@pytest.fixture
def without_billing(tmp_path):
    """`without_billing("chat", *command)`: runs Python in the folder of that package."""
    (tmp_path / "sitecustomize.py").write_text(GONE)

    def run(package, *command):
        return subprocess.run(
            [sys.executable, *command], cwd=ROOT / f"packages/threadflow-{package}",
            env={**os.environ, "PYTHONPATH": str(tmp_path), "DATABASE_URL": ""},
            capture_output=True, text=True,
        )  # fmt: skip

    return run


@pytest.mark.parametrize("package", ["core", "forum", "chat", "ai", "notify"])
def test_w_it_is_not_there_and_nobody_misses_it(without_billing, package):
    code = (
        "from importlib.util import find_spec; "
        "assert find_spec('threadflow_billing') is None; "
        f"import threadflow_{package}"
    )
    done = without_billing(package, "-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("package", ["core", "forum", "chat"])
def test_w_the_suite_passes_without_billing(without_billing, package):
    suite = ("-m", "pytest", "-q", "-n", "2", "-m", "not slow and not browser")
    done = without_billing(package, *suite)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert " passed" in done.stdout
