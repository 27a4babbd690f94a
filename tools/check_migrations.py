"""No model without its migration: in the default site, and in one with every model swapped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def check(folder: Path, command: list[str], **env: str) -> None:
    subprocess.run(
        [sys.executable, *command, "makemigrations", "--check", "--dry-run"],
        cwd=folder,
        env={**os.environ, **env},
        check=True,
    )


if __name__ == "__main__":
    django = ["-m", "django"]
    for name in ("forum", "chat"):
        package = ROOT / f"packages/threadflow-{name}"
        settings = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PYTHONPATH": str(package)}
        check(package, django, **settings)
        check(package, django, SWAPPED="1", **settings)
    if (ROOT / "example_project/manage.py").exists() and "--packages" not in sys.argv:
        check(ROOT / "example_project", ["manage.py"])
