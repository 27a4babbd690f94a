"""Typed settings: lazy, reloaded, and told about mistakes by checks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from django.test import override_settings

from threadflow_core import conf
from threadflow_core.app_settings import CoreSettings, app_settings
from threadflow_core.conf import AppSettings, dotted, settings_check
from threadflow_core.policies import Verdict, require


@dataclass(frozen=True)
class Shape:
    NAME: str = "thread"
    SIZE: int = 3
    RATIO: float = 0.5
    FLAG: bool = False
    MAYBE: int | None = None
    MODE: Literal["a", "b"] = "a"
    NAMES: tuple[str, ...] = ()
    RATES: dict[str, str | None] = field(default_factory=dict)
    ANYTHING: Any = None
    BACKEND: str = dotted("threadflow_core.people.People")
    HOOK: str = dotted("")


@pytest.fixture
def mine():
    made = AppSettings("TEST_SHAPE", Shape)
    yield made
    del conf._registry["TEST_SHAPE"]


def found(mine, **values):
    with override_settings(TEST_SHAPE=values):
        return [message.id for message in mine.check("test")]


def test_defaults_and_overrides(mine):
    assert mine.SIZE == 3
    with override_settings(TEST_SHAPE={"SIZE": 5}):
        assert (mine.SIZE, mine.NAME) == (5, "thread")
    assert mine.SIZE == 3


def test_a_misspelt_name_is_an_error(mine):
    with pytest.raises(AttributeError):
        mine.SIEZ
    with pytest.raises(AttributeError):
        mine._private


def test_values_are_read_when_asked_for_and_kept(mine):
    assert mine.values is mine.values
    with override_settings(OTHER=1):
        assert mine.values is mine.values


def test_load_imports_what_a_path_names(mine):
    from threadflow_core.people import People

    assert mine.load("BACKEND") is People


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"SIZE": 1, "NAME": "x", "RATIO": 2, "FLAG": True},
        {"MAYBE": None},
        {"MAYBE": 3},
        {"MODE": "b"},
        {"NAMES": ("a",)},
        {"NAMES": ["a"]},
        {"RATES": {"a": None}},
        {"ANYTHING": object()},
        {"HOOK": "threadflow_core.people.card"},
    ],
)
def test_what_fits_is_silent(mine, values):
    assert found(mine, **values) == []


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({"SIEZ": 1}, ["test.W001"]),
        ({"SIZE": "3"}, ["test.E002"]),
        ({"SIZE": True}, ["test.E002"]),
        ({"SIZE": None}, ["test.E002"]),
        ({"MODE": "c"}, ["test.E002"]),
        ({"NAMES": "abc"}, ["test.E002"]),
        ({"RATES": []}, ["test.E002"]),
        ({"BACKEND": "threadflow_core.nowhere.Thing"}, ["test.E003"]),
        ({"HOOK": "threadflow_core.people.nothing"}, ["test.E003"]),
    ],
)
def test_what_does_not_fit_is_named(mine, values, ids):
    assert found(mine, **values) == ids


def test_something_that_is_no_dict(mine):
    with override_settings(TEST_SHAPE=["SIZE"]):
        assert [m.id for m in mine.check("test")] == ["test.E001"]


def test_a_check_lists_the_known_names(mine):
    with override_settings(TEST_SHAPE={"SIEZ": 1}):
        (message,) = settings_check(mine, "test")(None)
    assert "SIZE" in message.hint


def test_all_settings_are_registered(mine):
    assert conf.all_settings()["THREADFLOW_CORE"] is app_settings
    assert conf.all_settings()["TEST_SHAPE"] is mine


def test_cores_own_defaults_pass_their_check():
    with override_settings(THREADFLOW_CORE={}):
        assert list(app_settings.check("threadflow_core")) == []


def test_every_setting_of_core_says_what_it_is():
    import ast
    import inspect

    lines = inspect.getsource(CoreSettings).splitlines()
    tree = ast.parse(inspect.getsource(CoreSettings))
    fields = [node for node in tree.body[0].body if isinstance(node, ast.AnnAssign)]
    assert len(fields) > 30
    for node in fields:
        assert lines[node.lineno - 2].strip().startswith("#:"), node.target.id


class TestPolicies:
    def test_a_verdict_is_true_or_says_why(self):
        assert Verdict.yes() and Verdict.yes() is Verdict.yes()
        refused = Verdict.no("banned", "You are banned.")
        assert not refused and (refused.code, refused.message) == ("banned", "You are banned.")

    def test_require(self):
        from threadflow_core.exceptions import NotAllowed, SignInRequired

        require(Verdict.yes())
        with pytest.raises(NotAllowed) as error:
            require(Verdict.no("banned", "You are banned."))
        assert (error.value.status, error.value.code) == (403, "banned")
        assert str(error.value.message) == "You are banned."
        with pytest.raises(SignInRequired) as error:
            require(Verdict.sign_in())
        assert error.value.status == 401
