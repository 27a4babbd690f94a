"""The model that a site may replace, and how the code reaches the one in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadflow_core import swaps

if TYPE_CHECKING:
    from .abstract_models import AbstractPlan

APP = "threadflow_billing"

SWAP_POINTS = {
    "Plan": "threadflow_billing.abstract_models.AbstractPlan",
}


def get_plan_model() -> type[AbstractPlan]:
    return swaps.load(APP, "Plan")
