from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site itself: its typefaces and its checks."""

    name = "threadflow_site"

    def ready(self) -> None:
        from threadflow_core import slots

        from . import checks

        slots.register("head", "site/_head.html", key="site")
        slots.register("user_menu_settings", "site/_user_menu.html", order=40, key="site")
        checks.register_all()
