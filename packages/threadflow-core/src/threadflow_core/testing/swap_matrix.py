"""Every subset of a package's swap points, each in a site of its own.

@pytest.mark.parametrize("subset", subsets(POINTS))
def test_swaps(subset, tmp_path):
    SiteMatrix("threadflow_forum", POINTS).run(subset, tmp_path)
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

_SETTINGS = """\
from threadflow_core.testing.project import site

globals().update(site({apps}, urls="matrix_urls"))
DATABASES["default"]["NAME"] = {database!r}
{swaps}
{extra}
"""

_MODEL = """

class Own{name}({base}):
    site_note = models.CharField(max_length=20, null=True)

    class Meta({base}.Meta):
        pass
"""

_SCRIPT = """\
import django
from django.core.management import call_command

django.setup()
call_command("check")
call_command("makemigrations", "matrix_site", verbosity=0)
try:
    call_command("makemigrations", check=True, dry_run=True, verbosity=2)
except SystemExit:
    raise SystemExit("makemigrations finds changes that no migration holds")
call_command("migrate", verbosity=0)
{extra}
"""


class MatrixFailed(AssertionError):
    """A subset did not check, migrate or agree with its migrations; the text is its output."""


def subsets(points: Iterable[str]) -> list[tuple[str, ...]]:
    """Every subset of the swap points, from none to all."""
    names = sorted(points)
    return [chosen for size in range(len(names) + 1) for chosen in combinations(names, size)]


@dataclass(frozen=True)
class SiteMatrix:
    """Builds and runs sites that replace some models of `package`.

    `points` maps the name of each swappable model to the dotted path of its abstract base.
    `apps` are what the package needs besides core and itself; `settings` is Python appended to
    the site's settings, `script` Python run after migrating (to write and read rows).
    """

    package: str
    points: dict[str, str]
    apps: Sequence[str] = ()
    settings: str = ""
    script: str = ""
    path: Sequence[str] = field(default_factory=tuple)

    def run(self, subset: Iterable[str], folder: Path) -> str:
        """Build the site in `folder` and run it in a process; returns its output.

        The site replaces the models in `subset` by subclasses with one more field and then
        checks, makes its migrations, finds nothing left to make, and migrates.
        """
        chosen = list(subset)
        self._write(chosen, folder)
        path = os.pathsep.join([str(folder), *self.path, *sys.path])
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, str(folder / "matrix.py")],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": path,
                "DJANGO_SETTINGS_MODULE": "matrix_settings",
                "DATABASE_URL": "sqlite://",
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        output = done.stdout + done.stderr
        if done.returncode:
            names = ", ".join(chosen) or "nothing"
            raise MatrixFailed(f"{self.package} with {names} replaced:\n{output}")
        return output

    def _write(self, chosen: list[str], folder: Path) -> None:
        migrations = folder / "matrix_site" / "migrations"
        migrations.mkdir(parents=True)
        (migrations / "__init__.py").touch()
        (folder / "matrix_site" / "__init__.py").touch()
        bases = [self.points[name].rsplit(".", 1) for name in chosen]
        lines = [f"from {module} import {base}" for module, base in bases]
        models = "\n".join(["from django.db import models", *lines]) + "\n"
        for name, (_, base) in zip(chosen, bases, strict=True):
            models += _MODEL.format(name=name, base=base)
        (folder / "matrix_site" / "models.py").write_text(models)
        (folder / "matrix_urls.py").write_text("urlpatterns = []\n")
        (folder / "matrix_settings.py").write_text(self._settings(chosen, folder))
        (folder / "matrix.py").write_text(_SCRIPT.format(extra=self.script))

    def _settings(self, chosen: list[str], folder: Path) -> str:
        apps = ["threadflow_core", *self.apps, self.package, "matrix_site"]
        swaps = "\n".join(
            f'{self.package.upper()}_{name.upper()}_MODEL = "matrix_site.Own{name}"'
            for name in chosen
        )
        return _SETTINGS.format(
            apps=", ".join(repr(app) for app in dict.fromkeys(apps)),
            database=":memory:",
            swaps=swaps,
            extra=self.settings,
        )
