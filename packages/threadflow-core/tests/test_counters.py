"""Counters against rows: what differs is found, told, and repaired only when asked."""

from __future__ import annotations

from io import StringIO
from types import ModuleType

import pytest
from django.core.management import call_command
from django.db.models import OuterRef

from threadflow_core import counters, realtime
from threadflow_core.counters import Drift, ReconcileCommand, counted, differences
from threadflow_core.realtime.models import LiveEvent, Topic

pytestmark = pytest.mark.django_db


def find():
    events = LiveEvent.objects.filter(topic=OuterRef("pk"))
    return differences(Topic, {"seq": counted(events, "topic")})


def repair(drift):
    Topic.objects.filter(pk=drift.pk).update(**{drift.field: drift.counted})


class Command(ReconcileCommand):
    reconcile = ModuleType("of_topics")


Command.reconcile.find = find
Command.reconcile.repair = repair


@pytest.fixture
def wrong():
    """Of three topics one says 7 and has two events, and one says 1 and has none."""
    for name in ("drill:a", "drill:a", "drill:b", "drill:c"):
        realtime.publish(name, "drill.said", ids={})
    Topic.objects.filter(name="drill:a").update(seq=7)
    LiveEvent.objects.filter(topic__name="drill:b").delete()
    keys = dict(Topic.objects.values_list("name", "pk"))
    label = Topic._meta.label
    return [Drift(label, keys["drill:a"], "seq", 7, 2), Drift(label, keys["drill:b"], "seq", 1, 0)]


def told(*args):
    out = StringIO()
    call_command(Command(), *args, stdout=out)
    return out.getvalue().splitlines()


def test_only_what_differs_is_found_in_one_statement(wrong, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert sorted(find(), key=lambda drift: drift.pk) == wrong


def test_a_check_tells_and_writes_nothing(wrong, capsys, monkeypatch):
    monkeypatch.setattr(counters, "TOLD", 1)
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(Command(), "--check", stdout=out)
    one, total = out.getvalue().splitlines()
    assert ended.value.code == 1 and total == "2 wrong counters"
    assert one.endswith(("seq is 7, the rows say 2", "seq is 1, the rows say 0"))
    assert len(list(find())) == 2


def test_what_was_told_is_repaired(wrong):
    assert told()[-1] == "2 wrong counters, repaired"
    assert told("--check") == ["0 wrong counters"]
