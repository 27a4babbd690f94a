"""What billing puts into the shell: its entry in the menu of the person."""

from __future__ import annotations

from threadflow_core import slots


def register() -> None:
    slots.register("user_menu", "threadflow_billing/partials/_user_menu.html", order=30)
