"""Tasks of the workspace. They share one environment, `.venv`, made from the one lock."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

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


@nox.session
def test(session: nox.Session) -> None:
    """What every change must pass; `-- --all` adds everything slow."""
    ready(session, dev=True)
    python(session, "tools/suite.py", *session.posargs)


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
