"""What production asks for before it starts, and what `check --deploy` says of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from threadflow_site import demo_keys
from threadflow_site.addresses import names_of, weak

from .browser import EXAMPLE

KEY = "Kd8xQw3rTz9Lm2Bv7Nc5Hj1Gf6Ds4Ap0Yu8IoEe2Rr4Tt6Yy8Uu0"


def manage(var: Path, *args: str, **env: str) -> Any:
    clean = ("PATH", "HOME", "LANG", "LC_ALL")
    given = {
        **{name: os.environ[name] for name in clean if name in os.environ},
        "THREADFLOW_VAR": str(var),
        "THREADFLOW_ENV": "production",
        "SECRET_KEY": KEY,
        "ALLOWED_HOSTS": "forum.example",
        "PUBLIC_BASE_URL": "https://forum.example",
        "DATABASE_URL": "postgres://forum@127.0.0.1:5432/forum",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
        "EMAIL_URL": "smtp://mail.example:587/?tls=True",
        "JWT_PRIVATE_KEY": demo_keys.jwt(var),
        "STRIPE_SECRET_KEY": "rk_live_of_this_test",
        "STRIPE_WEBHOOK_SECRETS": "whsec_new,whsec_old",
        **env,
    }
    return subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=EXAMPLE, env=given, capture_output=True, text=True, timeout=300,
    )  # fmt: skip


def test_a_site_configured_as_told_has_no_findings(tmp_path: Path) -> None:
    done = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING")
    assert done.returncode == 0, done.stderr
    assert "no issues (0 silenced)" in done.stdout


@pytest.mark.parametrize(
    "given",
    [
        {"SECRET_KEY": ""},
        {"SECRET_KEY": "short"},
        {"SECRET_KEY": "a" * 60},
        {"SECRET_KEY": "django-insecure-" + KEY},
        {"DEBUG": "True"},
        {"THREADFLOW_ENV": "prodution"},
    ],
    ids=["none", "short", "monotonous", "made by startproject", "debug", "misspelt"],
)
def test_it_does_not_start_unsafe(tmp_path: Path, given: dict[str, str]) -> None:
    refused = manage(tmp_path, "check", **given)
    assert refused.returncode != 0 and "ImproperlyConfigured" in refused.stderr
    assert KEY not in refused.stderr


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        ({"ALLOWED_HOSTS": ""}, "site.E001"),
        ({"ALLOWED_HOSTS": "*"}, "site.E001"),
        ({"JWT_PRIVATE_KEY": ""}, "site.E002"),
        ({"DATABASE_URL": ""}, "site.W001"),
        ({"PUBLIC_BASE_URL": "http://forum.example"}, "site.W002"),
        ({"EMAIL_URL": ""}, "site.W003"),
        ({"STRIPE_SECRET_KEY": ""}, "threadflow_billing.W203"),
    ],
)
def test_what_is_missing_is_found_and_told(
    tmp_path: Path, given: dict[str, str], finding: str
) -> None:
    checked = manage(tmp_path, "check", "--deploy", "--fail-level", "WARNING", **given)
    assert checked.returncode == 1 and finding in checked.stderr and "HINT" in checked.stderr


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "True 5"),
        ({"DATABASE_PREPARE": "9"}, "True 9"),
        ({"DATABASE_PREPARE": "0"}, "None None"),
    ],
)
def test_statements_are_prepared_unless_told_otherwise(
    tmp_path: Path, given: dict[str, str], told: str
) -> None:
    named = (
        "from django.conf import settings; options = settings.DATABASES['default']['OPTIONS'];"
        "print(options.get('server_side_binding'), options.get('prepare_threshold'))"
    )
    asked = manage(tmp_path, "shell", "--no-imports", "-c", named, **given)
    assert asked.stdout.strip() == told, asked.stderr


def test_the_demo_makes_its_own_keys_once_and_for_itself(tmp_path: Path) -> None:
    made = demo_keys.secret(tmp_path)
    assert not weak(made) and demo_keys.secret(tmp_path) == made
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("host", "names"),
    [
        ("127.0.0.1", ["localhost", "127.0.0.1", "[::1]"]),
        ("::1", ["localhost", "127.0.0.1", "[::1]"]),
        ("192.0.2.4", ["localhost", "127.0.0.1", "[::1]", "192.0.2.4"]),
        ("0.0.0.0", ["*"]),  # noqa: S104
    ],
)
def test_names_that_a_demo_answers_to(host: str, names: list[str]) -> None:
    assert names_of(host) == names


def test_the_clock_of_the_demo_is_not_there_in_production(tmp_path: Path) -> None:
    named = "from django.conf import settings; print(settings.THREADFLOW_BILLING.get('CLOCK'))"
    asked = manage(tmp_path, "shell", "--no-imports", "-c", named)
    assert asked.stdout.strip() == "None", asked.stderr
    for own_key in ({}, {"THREADFLOW_ENV": "demo", "STRIPE_SECRET_KEY": "sk_test_x"}):
        refused = manage(tmp_path, "shell", "--no-imports", "-c", "import demo.clock", **own_key)
        assert refused.returncode != 0 and "ImproperlyConfigured" in refused.stderr
