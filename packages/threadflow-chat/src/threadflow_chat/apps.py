from __future__ import annotations

from django.apps import AppConfig, apps
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "threadflow_chat"
    label = "threadflow_chat"
    verbose_name = _("Chat")
    default_auto_field = "django.db.models.BigAutoField"

    @property
    def features(self) -> dict[str, object]:
        """What may be sold; free where FREE_FEATURES says so and no backend decides otherwise."""
        from threadflow_core.ports import Feature

        from .app_settings import app_settings

        labels = {"chat.live": _("Live chat"), "chat.write": _("Writing in live chat")}
        free = app_settings.FREE_FEATURES
        return {code: Feature("bool", code in free, label=text) for code, text in labels.items()}

    def ready(self) -> None:
        from threadflow_core.conf import settings_check
        from threadflow_core.swaps import swap_check

        from . import checks, privacy, search, shell
        from .app_settings import app_settings
        from .live import setup as live
        from .swaps import SWAP_POINTS

        register(settings_check(app_settings, self.label))
        register(swap_check(self.label, SWAP_POINTS))
        register(checks.check_values)
        search.register()
        live.ready()
        privacy.register()
        shell.register()
        if apps.is_installed("threadflow_forum"):
            from .integrations import forum

            forum.connect()
