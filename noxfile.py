"""Tasks of the workspace. They share one environment, `.venv`, made from the one lock."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import nox

nox.options.default_venv_backend = "none"
nox.options.sessions = ["test"]
nox.needs_version = ">=2024.4"

ROOT = Path(__file__).parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
LOCK = ROOT / "requirements.lock"
PACKAGES = ("core", "forum", "chat", "billing", "ai", "notify")
EXTRAS = {
    "core": "[api,celery,realtime,redis,uploads]",
    "forum": "[api,realtime]",
    "chat": "[api,realtime]",
    "billing": "[api,realtime]",
}
EXAMPLE = ROOT / "example_project"


# The environment


def ready(session: nox.Session, *, dev: bool) -> None:
    """Bring `.venv` up to the lock: what the site needs, or with `dev` everything."""
    if not (BIN / "python").exists():
        session.run(sys.executable, "-m", "venv", str(VENV), external=True)
    if not (BIN / "uv").exists():
        pip = (str(BIN / "python"), "-m", "pip", "install", "--quiet", "uv")
        session.run(*pip, external=True)
    stamp = VENV / f".ready-{'dev' if dev else 'site'}"
    state = _state()
    stamps = [stamp, VENV / ".ready-dev"]
    if any(s.exists() and s.read_text() == state for s in stamps):
        return
    editable = [
        part
        for name in PACKAGES
        for part in ("-e", f"packages/threadflow-{name}{EXTRAS.get(name, '')}")
    ]
    groups = ["--group", "dev" if dev else "example"]
    env = {"VIRTUAL_ENV": str(VENV), "UV_PYTHON_DOWNLOADS": "never"}
    session.run(
        str(BIN / "uv"), "pip", "install", "--quiet", "-c", str(LOCK), *groups, *editable,
        env=env, external=True,
    )  # fmt: skip
    stamp.write_text(state)


def _state() -> str:
    files = [LOCK, ROOT / "pyproject.toml", *sorted(ROOT.glob("packages/*/pyproject.toml"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def python(session: nox.Session, *args: str, cwd: Path = ROOT, **env: str) -> None:
    with session.chdir(cwd):
        session.run(str(BIN / "python"), *args, env=env, external=True)


def tool(session: nox.Session, name: str, *args: str, cwd: Path = ROOT, **env: str) -> None:
    with session.chdir(cwd):
        session.run(str(BIN / name), *args, env=env, external=True)


# The site


@nox.session
def demo(session: nox.Session) -> None:
    """Install, migrate, seed and serve the whole site; `-- --reset` begins with fresh data."""
    ready(session, dev=False)
    python(session, "manage.py", "demo", *session.posargs, cwd=EXAMPLE)


# Tests

#: How often each drill runs with `--all`: surviving a fault once may have been luck.
DRILL_TIMES = "3"
#: Suites of core that ask no database: once is enough.
NO_DATABASE = ("conf", "ids", "markup", "safehttp", "ui_components", "ui_files")


class Services:
    """What this machine has for the tests to talk to."""

    def __init__(self) -> None:
        self.database = os.environ.get("DATABASE_URL") or (
            "postgres://postgres@127.0.0.1:5432/postgres" if _answers("127.0.0.1", 5432) else ""
        )
        url = urlsplit(os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0")
        found = _answers(url.hostname or "127.0.0.1", url.port or 6379)
        self.redis = url.geturl() if found else ""
        self.browser = os.environ.get("BROWSER_PATH") or next(
            (path for name in ("chromium", "chromium-browser", "google-chrome")
             if (path := shutil.which(name))), "",
        )  # fmt: skip
        self.required = [name for name in os.environ.get("REQUIRE", "").split(",") if name]
        self.missing = [
            name
            for name, there in (
                ("postgres", self.database.startswith("postgres")),
                ("redis", self.redis),
                ("browser", self.browser),
            )
            if not there
        ]

    def env(self, *, postgres: bool = False) -> dict[str, str]:
        return {
            "DATABASE_URL": self.database if postgres else "",
            # What a cell must not do without: one on SQLite skips what needs PostgreSQL.
            "REQUIRE": ",".join(name for name in self.required if postgres or name != "postgres"),
            "REDIS_URL": self.redis,
            "BROWSER_PATH": self.browser,
        }


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


@nox.session
def test(session: nox.Session) -> None:
    """What every change must pass; `-- --all` adds everything slow."""
    ready(session, dev=True)
    everything = "--all" in session.posargs
    found = Services()
    if lacking := sorted(set(found.required) & set(found.missing)):
        session.error(f"Required but not there: {', '.join(lacking)}")
    static_checks(session)
    cells: list[tuple[str, Path, dict[str, str], list[str]]] = []
    for name in ("core", "forum", "chat", "billing"):
        folder = ROOT / f"packages/threadflow-{name}"
        cells.append((f"{name} on SQLite", folder, found.env(), []))
        if "postgres" not in found.missing:
            cells.append((f"{name} on PostgreSQL", folder, found.env(postgres=True), []))
    cells.append(("stand-ins for vendors", ROOT / "tools/vendormock", {}, []))
    cells.append(("the local Stripe", ROOT / "tools/localstripe", {}, []))
    cells.append(("example project", EXAMPLE, found.env(), []))
    cells.append(("workspace", ROOT / "tests", found.env(postgres=True), []))
    if "browser" not in found.missing:
        cells.append(("browser", EXAMPLE, found.env(), ["-m", "browser", "-n", "0"]))
    if everything:
        cells += replaced(found)
        # Once on SQLite is enough where PostgreSQL runs them as often as they should.
        again = "chat on SQLite" if "postgres" in found.missing else "chat on PostgreSQL"
        for title, _folder, env, _more in cells:
            if title == again:
                env["DRILL_TIMES"] = DRILL_TIMES
    for title, folder, env, more in cells:
        session.log(f"— {title}")
        marks = more or ["-m", "not browser" if everything else "not slow and not browser"]
        if more and not everything:
            marks = ["-m", "browser and not slow", "-n", "0"]
        if env.get("DATABASE_URL") and folder.name == "threadflow-core":
            marks = [*marks, *(f"--ignore=tests/test_{name}.py" for name in NO_DATABASE)]
        workers = [] if "-n" in marks else ["-n", "2"]
        python(session, "-m", "pytest", "-q", *workers, *marks, cwd=folder, **env)
    if everything:
        extended(session, found)
    for name in found.missing:
        print(f"NOT RUN: tests that need {name}, which is not on this machine.")
    print("Every test that can run here has passed." if not found.missing else "The rest passed.")


def replaced(found: Services) -> list[tuple[str, Path, dict[str, str], list[str]]]:
    """Suites with models replaced, and without a sibling."""
    cells = []
    for name, switch in (
        *(("forum", "SWAPPED"), ("chat", "SWAPPED"), ("billing", "SWAPPED")),
        ("chat", "WITHOUT_FORUM"),
    ):
        folder = ROOT / f"packages/threadflow-{name}"
        more = ["-m", "not slow and not browser"]
        cells.append((f"{name}, {switch}", folder, found.env() | {switch: "1"}, more))
    return cells


def static_checks(session: nox.Session) -> None:
    lint(session)
    types(session)
    imports(session)


def extended(session: nox.Session, found: Services) -> None:
    """Wheels alone, and the matrix of swaps."""
    path = os.pathsep.join([str(BIN), os.environ["PATH"]])
    tool(
        session,
        "tox",
        "-e",
        "standalone-core,standalone-forum,standalone-chat,standalone-billing,migrations,build",
        PATH=path,
    )


# Checks


@nox.session
def lint(session: nox.Session) -> None:
    ready(session, dev=True)
    tool(session, "ruff", "check", ".")
    tool(session, "ruff", "format", "--check", ".")
    python(session, "tools/lint_templates.py")


@nox.session
def types(session: nox.Session) -> None:
    ready(session, dev=True)
    sources = [f"packages/threadflow-{name}/src" for name in ("core", "forum", "chat", "billing")]
    tool(session, "mypy", *sources)


@nox.session
def imports(session: nox.Session) -> None:
    ready(session, dev=True)
    tool(session, "lint-imports")


@nox.session
def docs(session: nox.Session) -> None:
    ready(session, dev=True)
    tool(session, "sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build")


@nox.session
def build(session: nox.Session) -> None:
    """Wheels and source archives of all packages, and what is in them."""
    ready(session, dev=True)
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    tool(session, "uv", "build", "--quiet", "--all-packages", "--no-sources", "--out-dir", "dist")
    made = [str(file) for file in sorted((ROOT / "dist").glob("threadflow_*"))]
    tool(session, "twine", "check", "--strict", *made)


@nox.session
def bench(session: nox.Session) -> None:
    """The figures: ratios within one run, as a table and as JSON in `var/bench.json`."""
    ready(session, dev=True)
    python(session, "-m", "bench", *session.posargs, cwd=ROOT / "tools")


@nox.session
def audit(session: nox.Session) -> None:
    """Counters against rows in the database of the site."""
    ready(session, dev=True)
    python(session, "manage.py", "check", "--fail-level", "WARNING", cwd=EXAMPLE)
    python(session, "manage.py", "threadflow_reconcile", "--check", cwd=EXAMPLE)
    python(session, "manage.py", "threadflow_chat_reconcile", "--check", cwd=EXAMPLE)


@nox.session
def stack(session: nox.Session) -> None:
    """The site as in production on this machine: needs DATABASE_URL and REDIS_URL."""
    ready(session, dev=True)
    python(session, "tools/stack.py")


@nox.session
def messages(session: nox.Session) -> None:
    """Collect the texts of all packages for translation, and compile what is translated."""
    ready(session, dev=True)
    for name in PACKAGES:
        folder = ROOT / f"packages/threadflow-{name}/src/threadflow_{name}"
        if (folder / "locale").is_dir():
            for command in ("makemessages", "compilemessages"):
                more = ["-l", "de", "--no-location"] if command == "makemessages" else []
                # -P: or the modules of the package would hide those of the standard library
                python(session, "-P", "-m", "django", command, *more, cwd=folder)


@nox.session
def schema(session: nox.Session) -> None:
    """Write the OpenAPI description anew; the tests compare it with the code."""
    ready(session, dev=True)
    out = str(ROOT / "docs/openapi.yaml")
    python(
        session,
        "manage.py",
        "spectacular",
        "--validate",
        "--fail-on-warn",
        "--file",
        out,
        cwd=EXAMPLE,
    )


@nox.session
def lock(session: nox.Session) -> None:
    """Resolve into the one lock, with hashes and without addresses; `-- --keep` upgrades nothing."""
    ready(session, dev=True)
    upgrade = [] if "--keep" in session.posargs else ["--upgrade"]
    tool(session, "uv", "lock", *upgrade, "--quiet")
    tool(
        session, "uv", "export", "--frozen", "--quiet", "--no-emit-workspace", "--no-header",
        "--all-groups", "--format", "requirements.txt", "--output-file", str(LOCK),
    )  # fmt: skip


@nox.session(name="release-dry")
def release_dry(session: nox.Session) -> None:
    """Everything of a release but the upload."""
    build(session)
    tool(
        session, "tox", "-e", "standalone-core,standalone-forum,standalone-chat,standalone-billing"
    )
    versions = {
        subprocess.check_output(
            [str(BIN / "python"), "-c",
             "import sys, tomllib; print(tomllib.load(open(sys.argv[1], 'rb'))['project']['version'])",
             str(file)], text=True,
        ).strip()
        for file in ROOT.glob("packages/*/pyproject.toml")
    }  # fmt: skip
    if len(versions) != 1:
        session.error(f"The packages have different versions: {sorted(versions)}")
