"""The page on which staff sees what is stuck and tries it again."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from . import store
from .models import OutboxEvent


@admin.register(OutboxEvent)
class OutboxEventAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are looked at, never edited; dead ones can be tried again."""

    list_display = (
        "handler",
        "state",
        "queue",
        "attempts",
        "max_attempts",
        "created_at",
        "run_after",
        "short_error",
    )
    list_filter = ("state", "queue", "handler")
    search_fields = ("=id", "handler", "name", "dedupe_key")
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("try_again",)

    @admin.display(description=_("last error"))
    def short_error(self, row: OutboxEvent) -> str:
        return row.last_error.partition("\n")[0][:120]

    @admin.action(description=_("Try the chosen dead jobs again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[OutboxEvent]) -> None:
        count = store.revive(queryset)
        text = ngettext("%(count)s job is tried again.", "%(count)s jobs are tried again.", count)
        level = messages.SUCCESS if count else messages.WARNING
        self.message_user(request, text % {"count": count}, level)

    def has_retry_permission(self, request: HttpRequest) -> bool:
        user: Any = request.user
        return bool(user.has_perm("threadflow_core.change_outboxevent"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
