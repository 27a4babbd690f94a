from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register
from django.utils.translation import gettext_lazy as _


class ForumConfig(AppConfig):
    name = "threadflow_forum"
    label = "threadflow_forum"
    verbose_name = _("Forum")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from threadflow_core.conf import settings_check
        from threadflow_core.swaps import swap_check

        from . import live, privacy, shell
        from .app_settings import app_settings
        from .swaps import SWAP_POINTS

        register(settings_check(app_settings, self.label))
        register(swap_check(self.label, SWAP_POINTS))
        live.register()
        privacy.register()
        shell.register()
