"""System checks: what is set wrongly is said at start, not at the first payment."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, Warning, register

from threadflow_core.ports import declared_features

from .app_settings import SYSTEM_CLOCK, TESTED_VERSION, app_settings, livemode
from .catalog import PlanSpec

APP = "threadflow_billing"
#: The major release of the stripe package whose API version is TESTED_VERSION.
STRIPE_MAJOR = "16"


def register_all() -> None:
    register(check_plans)
    register(check_version)
    register(check_clock)
    register(check_secrets, Tags.security, deploy=True)


def check_plans(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Plans that name unknown features or keys, or two of one code."""
    return list(_plans())


def _plans() -> Iterator[CheckMessage]:
    known = declared_features()
    seen: set[str] = set()
    for data in app_settings.PLANS:
        try:
            spec = PlanSpec.parse(data)
        except (TypeError, ValueError) as error:
            yield Error(f"THREADFLOW_BILLING['PLANS']: {error}", id=f"{APP}.E201")
            continue
        if spec.code in seen:
            yield Error(f"Two plans have the code {spec.code!r}.", id=f"{APP}.E202")
        seen.add(spec.code)
        for feature, value in spec.features.items():
            if feature not in known:
                near = ", ".join(sorted(known)) or "none"
                yield Error(
                    f"Plan {spec.code!r} names the feature {feature!r}, which no installed app "
                    "declares.",
                    hint=f"Declared: {near}.",
                    id=f"{APP}.E203",
                )
            elif (known[feature].kind == "bool") != isinstance(value, bool):
                wanted = "True or False" if known[feature].kind == "bool" else "a number or None"
                yield Error(
                    f"Plan {spec.code!r}: the value of {feature!r} must be {wanted}.",
                    id=f"{APP}.E204",
                )
    if [data.get("default") for data in app_settings.PLANS].count(True) > 1:
        yield Error("Only one plan can be everybody's.", id=f"{APP}.E205")


def check_version(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A Stripe package, or a version asked for, that nobody tested."""
    found: list[CheckMessage] = []
    try:
        installed = version("stripe")
    except PackageNotFoundError:
        return [Error("The package `stripe` is not installed.", id=f"{APP}.E206")]
    if installed.split(".")[0] != STRIPE_MAJOR:
        found.append(
            Warning(
                f"stripe {installed} is installed; threadflow-billing was tested with {STRIPE_MAJOR}.",
                hint="Install stripe>=16.1,<17.",
                id=f"{APP}.W201",
            )
        )
    asked = app_settings.STRIPE_VERSION
    if asked and asked != TESTED_VERSION:
        found.append(
            Warning(
                f"STRIPE_VERSION is {asked!r}; every test ran against {TESTED_VERSION!r}.",
                hint="Leave it empty unless you move on purpose.",
                id=f"{APP}.W202",
            )
        )
    return found


def check_clock(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Real money goes by real time."""
    if not livemode() or app_settings.CLOCK == SYSTEM_CLOCK:
        return []
    return [
        Error(
            "THREADFLOW_BILLING['CLOCK'] replaces the time, and the key is a live one.",
            hint="Leave CLOCK out wherever money is real.",
            id=f"{APP}.E209",
        )
    ]


def check_secrets(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """For a deployment: keys are there, and real money does not go to a local server."""
    found: list[CheckMessage] = []
    if not app_settings.SECRET_KEY:
        found.append(
            Warning(
                "THREADFLOW_BILLING['SECRET_KEY'] is empty: nothing can be bought.",
                hint="Set it to a key of your Stripe account, or leave billing out.",
                id=f"{APP}.W203",
            )
        )
    elif not app_settings.WEBHOOK_SECRETS:
        found.append(
            Error(
                "THREADFLOW_BILLING['WEBHOOK_SECRETS'] is empty: no payment would ever be noticed.",
                id=f"{APP}.E207",
            )
        )
    if livemode() and app_settings.API_BASE:
        found.append(
            Error(
                "A live key must not be sent to THREADFLOW_BILLING['API_BASE'].", id=f"{APP}.E208"
            )
        )
    return found
