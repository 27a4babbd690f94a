"""Runs the tests of packages, each in its own folder, as one cell of the matrix.

    python tools/cell.py core forum -- -m "not browser"

Tests start programs of their own (`python -c …`, `manage.py`), which find the test settings
through the current folder; so a cell goes there instead of naming the folders to pytest.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str]) -> int:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    packages, more = arguments[:split], arguments[split + 1 :]
    results = [
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "2", *more],
            cwd=ROOT / f"packages/threadflow-{package}",
        ).returncode
        for package in packages
    ]
    return max(results, default=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
