"""What must hold for the workspace as a whole: versions, pins, generated pages, files, wheels."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("core", "forum", "chat", "billing", "ai", "notify")
EXAMPLE = ROOT / "example_project"
MOST_LINES = 500
#: Files that are longer, each with its reason.
LONG_FILES = {
    "packages/threadflow-core/src/threadflow_core/static/threadflow/css/threadflow.css": (
        "one stylesheet is one request, and the page's weight is tested"
    ),
    "packages/threadflow-forum/src/threadflow_forum/migrations/0002_relations.py": (
        "every relation, index and constraint in one migration, so that replaced models work"
    ),
    "packages/threadflow-billing/src/threadflow_billing/migrations/0002_relations.py": (
        "the same for billing, whose plan is replaced"
    ),
}
NOT_OURS = ("/vendor/", "/vendormock/", "docs/reference.md", "docs/openapi.yaml", ".po", ".lock")


def project(package: str) -> dict:
    return tomllib.loads((ROOT / f"packages/threadflow-{package}/pyproject.toml").read_text())


def tracked() -> list[str]:
    """Files of the repository, those that are new and not ignored included."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [name for name in names.splitlines() if (ROOT / name).is_file()]


# Versions


def test_all_packages_have_one_version():
    assert len({project(package)["project"]["version"] for package in PACKAGES}) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_siblings_are_pinned_to_the_same_minor_version(package):
    found = project(package)["project"]
    major, minor, _patch = found["version"].split(".")
    wanted = f">={major}.{minor},<{major}.{int(minor) + 1}"
    siblings = [line for line in found["dependencies"] if line.startswith("threadflow-")]
    assert siblings == ([] if package == "core" else [f"threadflow-core{wanted}"])


@pytest.mark.parametrize("package", PACKAGES)
def test_the_changelog_has_the_version(package):
    text = (ROOT / f"packages/threadflow-{package}/CHANGELOG.md").read_text()
    assert f"## {project(package)['project']['version']}" in text


# What is generated


def test_the_reference_is_what_the_code_says():
    command = [sys.executable, "tools/reference.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_openapi_description_is_what_the_code_says(tmp_path):
    file = tmp_path / "openapi.yaml"
    command = ["manage.py", "spectacular", "--validate", "--fail-on-warn", "--file", str(file)]
    done = subprocess.run(
        [sys.executable, *command], cwd=EXAMPLE, capture_output=True, text=True, env=plain_env()
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert file.read_text() == (ROOT / "docs/openapi.yaml").read_text(), "run `nox -s schema`"


def plain_env() -> dict[str, str]:
    import os

    ours = re.compile(r"[A-Z]+(_[A-Z]+)*")
    named = set(ours.findall((EXAMPLE / ".env.example").read_text()))
    return {k: v for k, v in os.environ.items() if k not in named | {"DJANGO_SETTINGS_MODULE"}}


# Environment


def documented_variables() -> set[str]:
    text = (EXAMPLE / ".env.example").read_text()
    return set(re.findall(r"^#?\s?([A-Z][A-Z0-9_]+)=", text, re.M))


def read_variables() -> set[str]:
    """Names that the example project asks its environment for."""
    asked = re.compile(
        r"(?:\benv(?:\.\w+)?\(\s*|os\.environ(?:\.get)?[(\[]\s*)\"([A-Z][A-Z0-9_]+)\""
    )
    files = [f for f in EXAMPLE.rglob("*.py") if "tests" not in f.parts]
    found = {name for file in files for name in asked.findall(file.read_text())}
    return found - {"DJANGO_SETTINGS_MODULE"}


#: For packages that are shells so far: the names are settled, nothing reads them.
NOT_READ_YET = {
    *("AI_BASE_URL", "AI_API_KEY", "AI_MODEL"),
    *("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_FROM"),
}


def test_every_variable_that_is_read_is_documented():
    assert read_variables() <= documented_variables()


def test_every_documented_variable_is_read():
    assert documented_variables() - read_variables() == NOT_READ_YET


def test_the_docs_list_every_variable():
    page = (ROOT / "docs/production.md").read_text()
    assert [name for name in sorted(documented_variables()) if f"`{name}`" not in page] == []


# Commands


def test_every_make_target_is_a_nox_session():
    makefile = (ROOT / "Makefile").read_text()
    sessions = set(re.findall(r"@nox\.session[^\n]*\ndef (\w+)", (ROOT / "noxfile.py").read_text()))
    line = re.search(r"^\.PHONY: (.+)$", makefile, re.M)
    targets = set(line[1].split()) - {"help", "clean", "demo-reset", "test-all"}
    assert targets <= sessions
    assert "$(NOX) demo -- --reset" in makefile
    assert "$(NOX) test -- --all" in makefile


def test_the_readme_names_only_sessions_that_exist():
    sessions = subprocess.run(
        [sys.executable, "-m", "nox", "--list"], cwd=ROOT, capture_output=True, text=True
    ).stdout
    row = next(
        line for line in (ROOT / "README.md").read_text().splitlines() if "`nox -s …`" in line
    )
    for name in re.findall(r"`([a-z-]+)`", row):
        assert re.search(rf"^[*-] {name}\b", sessions, re.M), name


def test_the_workflow_runs_every_cell_of_the_matrix():
    workflow = (ROOT / ".github/workflows/ci.yml").read_text()
    listing = subprocess.run(
        [sys.executable, "-m", "tox", "list", "-d", "--no-desc", "-q"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    cells = {line for line in listing.splitlines() if line and " " not in line}
    assert cells
    assert [cell for cell in sorted(cells) if f"cell: {cell}," not in workflow] == []


def test_actions_are_pinned_to_commits():
    for file in (ROOT / ".github/workflows").glob("*.yml"):
        for used in re.findall(r"uses: (\S+)", file.read_text()):
            assert re.search(r"@[0-9a-f]{40}$", used), used


# Files


def test_long_files_have_a_reason():
    found = set()
    for name in tracked():
        if any(part in name for part in NOT_OURS) or "/tests/" in f"/{name}":
            continue
        try:
            lines = (ROOT / name).read_text().count("\n")
        except UnicodeDecodeError:
            continue
        if lines > MOST_LINES and Path(name).suffix in {".py", ".js", ".css", ".html", ".md"}:
            found.add(name)
    assert found == set(LONG_FILES)


def test_what_is_vendored_has_its_licence_and_checksum():
    import hashlib

    for table in ROOT.glob("packages/*/src/**/VENDORED.md"):
        for line in table.read_text().splitlines():
            for licence in re.findall(r"`([\w./-]*LICENSE[\w.-]*)`", line):
                assert (table.parent / licence).is_file(), licence
            checked = re.match(r"\| `([^`]+)` .*`([0-9a-f]{64})` \|$", line)
            if checked:
                content = (table.parent / checked[1]).read_bytes()
                assert hashlib.sha256(content).hexdigest() == checked[2], checked[1]
    specs = ROOT / "tools/vendormock/specs"
    for licence in re.findall(r"`([\w-]+\.txt)`", (specs.parent / "README.md").read_text()):
        assert (specs / "licences" / licence).is_file(), licence


def test_no_compiled_or_private_file_is_in_the_repository():
    names = tracked()
    bad = [n for n in names if n.endswith((".mo", ".pyc", ".sqlite3", ".env")) or n == "uv.lock"]
    assert bad == []


# Docs


def fences(name: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / name).read_text(), re.S | re.M)


@pytest.mark.parametrize("page", sorted(f.name for f in (ROOT / "docs").glob("*.md")))
def test_python_on_a_page_that_is_not_followed_is_valid(page):
    """Pages with captions are executed by test_tutorial; what remains are snippets of settings."""
    from threadflow_core.conf import all_settings

    for block in fences(page):
        space: dict = {}
        exec(compile(block, page, "exec"), space)  # noqa: S102 - it is our own page
        for name, shape in all_settings().items():
            known = set(shape._shape.__dataclass_fields__)
            assert set(space.get(name, {})) <= known, name


def test_links_between_pages_lead_somewhere():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *ROOT.glob("packages/*/README.md")]
    for page in [*pages, *ROOT.glob("tools/*/README.md")]:
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


# Wheels


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Wheel and archive of core and forum."""
    folder = tmp_path_factory.mktemp("dist")
    uv = Path(sys.executable).parent / "uv"
    for package in ("core", "forum"):
        command = [str(uv), "build", "-q", "--no-sources", "--out-dir", str(folder),
                   str(ROOT / f"packages/threadflow-{package}")]  # fmt: skip
        # What made the environment left the build tools in the cache; a network is rarely needed.
        if subprocess.run([*command, "--offline"], capture_output=True).returncode:
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("package", ["core", "forum"])
def test_a_wheel_holds_everything_that_the_source_has(built, package):
    name = f"threadflow_{package}"
    (wheel,) = built.glob(f"{name}-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    source = ROOT / f"packages/threadflow-{package}/src"
    wanted = {
        str(file.relative_to(source))
        for file in (source / name).rglob("*")
        if file.is_file() and not re.search(r"__pycache__|/\.", str(file.relative_to(source)))
    }
    assert wanted <= inside
    for part in ("py.typed", "locale/de/LC_MESSAGES/django.mo", "templates/", "migrations/0001_"):
        assert any(path.startswith(f"{name}/{part}") for path in inside), part
    assert any(path.startswith(f"{name}/static/") for path in inside) or package == "forum"
    assert not [path for path in inside if "/tests/" in path or path.endswith(".pyc")]
    assert any(path.endswith("licenses/LICENSE") for path in inside)


@pytest.mark.parametrize("package", ["core", "forum"])
def test_an_archive_can_be_built_from(built, package):
    (archive,) = built.glob(f"threadflow_{package}-*.tar.gz")
    with tarfile.open(archive) as packed:
        inside = {name.split("/", 1)[1] for name in packed.getnames() if "/" in name}
    texts = f"src/threadflow_{package}/locale/de/LC_MESSAGES/django.po"
    assert {"pyproject.toml", "hatch_build.py", "README.md", "LICENSE", texts} <= inside


def test_the_build_hooks_are_the_same():
    hooks = [(ROOT / f"packages/threadflow-{p}/hatch_build.py").read_text() for p in PACKAGES[:2]]
    assert hooks[0] == hooks[1]
