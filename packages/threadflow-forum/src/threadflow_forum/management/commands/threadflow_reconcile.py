"""`manage.py threadflow_reconcile`: counters against rows; `--check` only reports."""

from __future__ import annotations

from threadflow_core.counters import ReconcileCommand

from ... import reconcile as counters


class Command(ReconcileCommand):
    help = "Compare every counter of the forum with the rows it counts, and repair it."
    reconcile = counters
