"""The chat in Django's admin: looking and looking up; acts go through the services.

Texts of direct rooms are not shown. A model that a site has swapped is the site's to register.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from threadflow_core.exceptions import ThreadflowError
from threadflow_core.swaps import is_swapped

from .abstract_models import RoomKind
from .models import RoomLogEntry, RoomMember
from .services import messages as message_service
from .swaps import APP, get_message_model, get_room_model


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are looked at here and written by the services."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RoomAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "kind", "visibility", "state", "member_count", "last_message_at")
    list_filter = ("kind", "visibility", "state")
    search_fields = ("title", "topic", "target_key")
    ordering = ("-id",)


class MessageAdmin(ReadOnlyAdmin):
    list_display = ("id", "room", "mno", "author", "kind", "state", "created_at")
    list_filter = ("kind", "state", "created_at")
    list_select_related = ("room", "author")
    ordering = ("-id",)
    actions = ("remove_chosen",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).exclude(room__kind=RoomKind.DIRECT)

    @admin.action(description=_("Remove"))
    def remove_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        done = 0
        for message in queryset:
            try:
                message_service.delete_message(person=request.user, message=message)
                done += 1
            except ThreadflowError as error:
                self.message_user(request, f"{message}: {error.message}", messages.WARNING)
        self.message_user(request, _("%(n)s done.") % {"n": done})


class RoomMemberAdmin(ReadOnlyAdmin):
    list_display = ("room", "person", "role", "level", "muted_until", "banned_at", "banned_until")
    list_filter = ("role",)
    list_select_related = ("room", "person")
    ordering = ("-id",)


class RoomLogAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "room", "actor", "action", "person", "reason")
    list_filter = ("action",)
    list_select_related = ("room", "actor", "person")
    ordering = ("-id",)


if not is_swapped(APP, "Room"):
    admin.site.register(get_room_model(), RoomAdmin)
if not is_swapped(APP, "Message"):
    admin.site.register(get_message_model(), MessageAdmin)
admin.site.register(RoomMember, RoomMemberAdmin)
admin.site.register(RoomLogEntry, RoomLogAdmin)
