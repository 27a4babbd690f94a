from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core.checks import register
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class BillingConfig(AppConfig):
    name = "threadflow_billing"
    label = "threadflow_billing"
    verbose_name = _("Billing")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from threadflow_core.conf import settings_check
        from threadflow_core.swaps import swap_check

        from . import checks, privacy, shell
        from .app_settings import app_settings
        from .swaps import SWAP_POINTS

        register(settings_check(app_settings, self.label))
        register(swap_check(self.label, SWAP_POINTS))
        checks.register_all()
        privacy.register()
        shell.register()
        post_migrate.connect(_declare_plans, sender=self, dispatch_uid="threadflow_billing.plans")


def _declare_plans(using: str, apps: Any = None, **kwargs: Any) -> None:
    """Write the plans of the settings into the database that was just migrated."""
    from django.apps import apps as installed
    from django.db import router

    from . import catalog
    from .models import Price
    from .swaps import get_plan_model

    try:  # the tables are there unless somebody migrated to a state before them
        for model in (get_plan_model(), Price):
            (apps or installed).get_model(model._meta.label)
    except LookupError:
        return
    if router.allow_migrate_model(using, Price):
        catalog.declare(using=using)
