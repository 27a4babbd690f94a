"""What is kept for a while only goes away by itself."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from threadflow_core import idempotency, limits, utility_jobs
from threadflow_core.jobs import registry
from threadflow_core.limits import Limit
from threadflow_core.models import FeatureHold, IdempotencyKey, RateCount, Upload
from threadflow_core.testing import clock

pytestmark = pytest.mark.django_db


def test_pruning_takes_the_old_and_leaves_the_new(django_user_model):
    ada = django_user_model.objects.create_user("ada")
    limit = Limit("test.pruned", "6/10m")
    long_ago = timezone.now() - timedelta(days=100)
    with clock(1_000):
        limits.spend(limit, "old")
    for number in range(2):
        idempotency.run(f"k{number}", "s", "", idempotency.Answer, owner="u:1")
        FeatureHold.objects.create(key=f"k{number}", person=ada, feature="f", amount=1)
        Upload.objects.create(owner=ada, size=1, visibility="target")
    for model in (IdempotencyKey, FeatureHold, Upload):
        first = model.objects.order_by("pk").values_list("pk", flat=True)[0]
        model.objects.filter(pk=first).update(created_at=long_ago)
    limits.spend(limit, "new")

    utility_jobs.prune(SimpleNamespace(payload={}))

    for model in (IdempotencyKey, FeatureHold, Upload, RateCount):
        assert model.objects.count() == 1, model


def test_pruning_is_on_the_schedule_and_handlers_are_known():
    assert "core.prune_utilities" in registry._schedules
    assert {"core.search_write", "core.delete_file"} <= set(registry._handlers)
