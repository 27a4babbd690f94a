"""Billing with its plan replaced and not: it migrates, sells, opens and adds up."""

from __future__ import annotations

from pathlib import Path

import pytest

from threadflow_billing.swaps import SWAP_POINTS
from threadflow_core import swaps
from threadflow_core.testing import SiteMatrix, subsets

SCRIPT = """
from django.contrib.auth import get_user_model
from django.test import Client
from threadflow_billing.services import accounts, grants
from threadflow_billing.swaps import get_plan_model
from threadflow_core import ports

user = get_user_model().objects.create_superuser("ada", "ada@example.org", "x")
plan = get_plan_model().objects.get(code="plus")
assert not ports.entitlements().check(user, "test.off")
grants.give(staff=user, account=accounts.ensure(user), plan=plan, days=3, reason="x")
assert ports.entitlements().check(user, "test.off")
assert ports.entitlements().consume(user, "test.quota", 9).remaining == 0
client = Client()
client.force_login(user)
for path in ("", "manage/", "usage/", "history/", "gifts/", "invoices/"):
    assert client.get(f"/premium/{path}").status_code == 200, path
print("in force:", get_plan_model()._meta.label)
"""
SETTINGS = """
ROOT_URLCONF = "tests.urls"
ALLOWED_HOSTS = ["testserver"]
THREADFLOW_CORE = {"JOBS_DRIVER": "inline", "LIMITS": {"*": None},
                   "ENTITLEMENTS": "threadflow_billing.entitlements.Backend"}
THREADFLOW_BILLING = {"PLANS": [
    {"code": "free", "name": "Free", "default": True},
    {"code": "plus", "name": "Plus", "tier": 1, "prices": {"month": 500},
     "features": {"test.off": True, "test.quota": 9}},
]}
"""

pytestmark = pytest.mark.skipif(
    swaps.is_swapped("threadflow_billing", "Plan"),
    reason="the matrix builds its own sites, beside a plain one",
)


#: The plain site is what all other tests run in.
SUBSETS = [
    pytest.param(subset, id="+".join(subset) or "none", marks=() if subset else pytest.mark.slow)
    for subset in subsets(SWAP_POINTS)
]


@pytest.mark.parametrize("subset", SUBSETS)
def test_every_subset_works(subset: tuple[str, ...], tmp_path: Path) -> None:
    matrix = SiteMatrix(
        "threadflow_billing", SWAP_POINTS, apps=["tests.host"], settings=SETTINGS, script=SCRIPT
    )
    output = matrix.run(subset, tmp_path)
    wanted = "matrix_site.OwnPlan" if subset else "threadflow_billing.Plan"
    assert f"in force: {wanted}" in output
