"""E: a worker that is killed at the worst moments; what it did counts once."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from threadflow_billing.models import LedgerTransaction, PaymentOrder, Transition
from threadflow_billing.services import ledger
from threadflow_core.jobs import store

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres, pytest.mark.slow]


def work(world, failpoint=""):
    """One worker process on the test's database, until nothing is due or it is killed."""
    parts = connection.settings_dict
    address = (
        f"postgres://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}"
        f"/{parts['NAME']}"
    )
    env = {
        **os.environ,
        "DATABASE_URL": address,
        "DJANGO_SETTINGS_MODULE": "tests.drill_settings",
        "DRILL_API_BASE": world.mock.url,
        "THREADFLOW_FAILPOINT": failpoint,
    }
    return subprocess.run(
        [sys.executable, "-m", "django", "threadflow_worker", "--once"],
        cwd=Path(__file__).parent.parent, env=env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    "moment",
    [
        "billing.after_fetch",  # between fetch and apply
        "jobs.after_handler",  # between commit and mark
        "jobs.after_commit",  # after the mark
    ],
)
def test_e_a_worker_killed_there_has_one_effect(
    client, world, ada, account_of, price_of, settings, moment
):
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "JOBS_DRIVER": "worker"}
    account = account_of(ada)
    sub = world.subscription(account, price_of())
    world.ring(client, "invoice.paid", world.invoice(account, sub, 500))
    killed = work(world, moment)
    assert killed.returncode == -signal.SIGKILL, killed.stdout + killed.stderr
    store.reclaim(timezone.now() + dt.timedelta(minutes=10))
    done = work(world)
    assert done.returncode == 0, done.stderr
    assert PaymentOrder.objects.get().state == "paid"
    assert LedgerTransaction.objects.count() == 1
    assert Transition.objects.filter(entity="order", after="paid").count() == 1
    assert ledger.audit() == []
