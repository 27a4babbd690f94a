from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group
from django.db import transaction
from django.utils import timezone

from threadflow_core import entitlements, ports
from threadflow_core.models import FeatureHold, FeatureUse, Report
from threadflow_core.ports import Feature
from threadflow_core.testing.contracts import EntitlementsContract

FEATURES = {
    "test.on": Feature("bool", free=True),
    "test.off": Feature("bool", free=False),
    "test.quota": Feature("quota", free=3, period="day"),
    "test.endless": Feature("quota", free=None),
    "test.ever": Feature("quota", free=1, period="ever"),
    "test.ceiling": Feature("limit", free=5),
    "test.none": Feature("limit", free=0),
}


@pytest.fixture(autouse=True)
def declared(monkeypatch):
    config = apps.get_app_config("threadflow_core")
    monkeypatch.setattr(config, "features", FEATURES, raising=False)


@pytest.fixture(autouse=True)
def one_day(monkeypatch):
    """Time stands: uses are counted by the day, and no test here may see two of them."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)


class TestDeclaredEntitlements(EntitlementsContract):
    @pytest.fixture
    def world(self, db, django_user_model):
        return SimpleNamespace(
            backend=ports.entitlements(),
            on="test.on",
            off="test.off",
            quota="test.quota",
            endless="test.endless",
            person=lambda name: django_user_model.objects.create_user(name),
        )

    def test_what_nobody_declares_is_granted(self, world):
        assert world.backend.check(world.person("ada"), "no.such").allowed
        assert world.backend.consume(world.person("bo"), "no.such", 9, key="k").allowed

    def test_a_ceiling_is_told(self, world):
        ada = world.person("ada")
        assert world.backend.check(ada, "test.ceiling").limit == 5
        assert not world.backend.check(ada, "test.none").allowed

    def test_a_stranger_may_look_and_not_take(self, world):
        assert world.backend.check(AnonymousUser(), "test.quota").remaining == 3
        world.backend.consume(AnonymousUser(), "test.quota")
        assert not FeatureUse.objects.exists()

    def test_a_quota_for_ever_has_no_reset(self, world):
        ada = world.person("ada")
        assert world.backend.consume(ada, "test.ever").reset_at is None
        assert not world.backend.consume(ada, "test.ever").allowed

    def test_the_snapshot_is_one_query(self, world, django_assert_num_queries):
        ada = world.person("ada")
        with django_assert_num_queries(1):
            world.backend.snapshot(ada)

    def test_periods_turn_over_in_utc(self, monkeypatch):
        now = datetime(2026, 12, 31, 23, 59, tzinfo=UTC)
        monkeypatch.setattr(entitlements.timezone, "now", lambda: now)
        assert entitlements._period(FEATURES["test.quota"]) == (
            "2026-12-31",
            datetime(2027, 1, 1, tzinfo=UTC),
        )
        assert entitlements._period(FEATURES["test.endless"]) == (
            "2026-12",
            datetime(2027, 1, 1, tzinfo=UTC),
        )

    def test_a_hold_is_kept_with_its_key(self, world):
        world.backend.consume(world.person("ada"), "test.quota", 2, key="k1")
        assert FeatureHold.objects.get(pk="k1").amount == 2


@pytest.mark.django_db
class TestVisibility:
    def test_objects_without_a_door_are_for_staff(self, django_user_model):
        group = Group.objects.create(name="g")
        staff = django_user_model(username="s", is_staff=True)
        assert not ports.visibility().may_see(AnonymousUser(), group)
        assert ports.visibility().may_see(staff, group)

    def test_the_objects_own_door_decides(self, django_user_model):
        from threadflow_core.models import Upload

        ada = django_user_model.objects.create_user("ada")
        bo = django_user_model.objects.create_user("bo")
        mine = Upload.objects.create(owner=ada, size=1)
        assert ports.visibility().may_see(ada, mine)
        assert not ports.visibility().may_see(bo, mine)

    def test_an_audience_is_narrowed_to_who_may_see(self, django_user_model):
        from threadflow_core.models import Upload

        ada, bo, gone = (django_user_model.objects.create_user(n) for n in ("ada", "bo", "gone"))
        django_user_model.objects.filter(pk=gone.pk).update(is_active=False)
        mine = Upload.objects.create(owner=ada, size=1)
        assert ports.audience().narrow([ada.pk, bo.pk, gone.pk, 999], mine) == {ada.pk}


@pytest.mark.django_db
class TestReports:
    def test_a_report_is_a_row_and_repeating_it_none(self, django_user_model):
        ada = django_user_model.objects.create_user("ada")
        group = Group.objects.create(name="g")
        ports.report(group, ada, "spam")
        ports.report(group, ada, "spam again")
        (row,) = Report.objects.all()
        assert (row.target_type, row.target_id, row.reason) == ("auth.group", str(group.pk), "spam")
        assert "spam" in str(row)

    def test_strangers_report_too(self):
        group = Group.objects.create(name="g")
        ports.report(group, AnonymousUser(), "x" * 900)
        ports.report(group, AnonymousUser(), "again")
        assert len(Report.objects.get().reason) == 500


@pytest.mark.django_db(transaction=True)
def test_changed_entitlements_are_announced_on_commit(django_user_model):
    heard = []

    def listen(sender, person, **kwargs):
        heard.append(person)

    ports.entitlements_changed.connect(listen)
    ada = django_user_model.objects.create_user("ada")
    with transaction.atomic():
        ports.announce_entitlements(ada)
        assert heard == []
    assert heard == [ada]
    ports.entitlements_changed.disconnect(listen)
