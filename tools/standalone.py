"""One package, from its wheel, in a site that knows nothing else of Threadflow.

Builds the wheels, makes a clean environment with core and the named package only, runs the
package's own tests against what is installed, and lets the forum serve in a host project with
a UUID user model, its own base template, the prefix `/community/`, one partial and one policy
overridden and the thread model swapped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTS = ["hypothesis", "psutil", "psycopg[binary,pool]", "pytest", "pytest-asyncio"]
TESTS += ["pytest-django", "pytest-randomly", "pytest-xdist", "websockets", "uvicorn"]
EXTRAS = {"core": "[api,celery,realtime,redis,uploads]"}
#: What the tests of a package talk to instead of a vendor: folders of `tools` and their needs.
STAND_INS = {"billing": ("vendormock", "localstripe")}


def run(*command: str, cwd: Path = ROOT, **env: str) -> None:
    print("+", " ".join(command), flush=True)
    subprocess.run(command, cwd=cwd, env={**os.environ, **env}, check=True)


def uv() -> str:
    found = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
    return found


def wheels(folder: Path, package: str) -> list[str]:
    for name in dict.fromkeys(["core", package]):
        run(uv(), "build", "-q", "--wheel", "--no-sources", "--out-dir", str(folder),
            f"packages/threadflow-{name}")  # fmt: skip
    return [str(file) for file in sorted(folder.glob("*.whl"))]


def clean_python(folder: Path, *requirements: str) -> str:
    run(uv(), "venv", "-q", "--python", sys.executable, str(folder))
    python = str(folder / "bin/python")
    run(uv(), "pip", "install", "-q", "--python", python, "-c", str(ROOT / "requirements.lock"),
        *requirements)  # fmt: skip
    return python


def own_tests(package: str, built: list[str], work: Path) -> None:
    """The package's tests, away from its sources."""
    found = [w + EXTRAS.get(package, "") if f"threadflow_{package}-" in w else w for w in built]
    stand_ins = STAND_INS.get(package, ())
    python = clean_python(work / "tested", *found, *TESTS, *(["jsonschema"] if stand_ins else []))
    # The folders lie as in the repository, where the tests look for the stand-ins.
    place = work / f"repository/packages/threadflow-{package}"
    place.mkdir(parents=True)
    for name in stand_ins:
        shutil.copytree(ROOT / f"tools/{name}", work / f"repository/tools/{name}")
    shutil.copytree(ROOT / f"packages/threadflow-{package}/tests", place / "tests")
    shutil.copy(ROOT / f"packages/threadflow-{package}/pyproject.toml", place)
    env = {"WITHOUT_API": "1"} if package != "core" else {}
    run(python, "-m", "pytest", "-q", "-n", "2", "-m", "not slow and not browser", cwd=place, **env)


def host_project(built: list[str], work: Path) -> None:
    """The forum in somebody else's site, on SQLite and, where there is one, on PostgreSQL."""
    python = clean_python(work / "host-env", *built, "psycopg[binary]")
    shutil.copytree(ROOT / "tools/host", work / "host")
    databases = ["sqlite://"]
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        databases.append(os.environ["DATABASE_URL"])
    else:
        print("NOT RUN: the host project on PostgreSQL; DATABASE_URL names none.")
    for database in databases:
        run(python, "drive.py", cwd=work / "host", HOST_DATABASE=database)


def main() -> None:
    package = sys.argv[1].removeprefix("standalone-")
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        built = wheels(work / "dist", package)
        if package == "forum":
            host_project(built, work)
        own_tests(package, built, work)
    print(f"threadflow-{package} works alone.")


if __name__ == "__main__":
    main()
