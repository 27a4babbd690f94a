"""The forum in Django's admin: looking and looking up; acts go through the services.

A model that a site has swapped is the site's to register.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from threadflow_core.exceptions import ThreadflowError
from threadflow_core.swaps import is_swapped

from .models import Block, Membership, ModLogEntry
from .services import moderation
from .swaps import APP, get_comment_model, get_sub_model, get_thread_model


class TextAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Threads and comments: texts are read here and removed or approved, never rewritten."""

    list_filter = ("state", "created_at")
    date_hierarchy = "created_at"
    ordering = ("-id",)
    show_full_result_count = False
    actions = ("remove_chosen", "approve_chosen")
    noun = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        hidden = ("path",)
        return tuple(f.name for f in self.model._meta.fields if f.name not in (*hidden, "metadata"))

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("path",) if any(f.name == "path" for f in self.model._meta.fields) else ()

    @admin.action(description=_("Remove"))
    def remove_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.each(request, queryset, getattr(moderation, f"remove_{self.noun}"))

    @admin.action(description=_("Approve"))
    def approve_chosen(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.each(request, queryset, getattr(moderation, f"approve_{self.noun}"))

    def each(self, request: HttpRequest, queryset: QuerySet[Any], act: Any) -> None:
        done = 0
        for row in queryset:
            try:
                act(moderator=request.user, **{self.noun: row})
                done += 1
            except ThreadflowError as error:
                self.message_user(request, f"{row}: {error.message}", messages.WARNING)
        self.message_user(request, _("%(n)s done.") % {"n": done})


class ThreadAdmin(TextAdmin):
    list_display = ("title", "sub", "author", "state", "score", "comment_count", "created_at")
    list_select_related = ("sub", "author")
    search_fields = ("title",)
    raw_id_fields = ("author", "sub")
    noun = "thread"


class CommentAdmin(TextAdmin):
    list_display = ("public_id", "thread", "author", "state", "score", "created_at")
    list_select_related = ("thread", "author")
    raw_id_fields = ("author", "thread", "parent", "root", "answers")
    noun = "comment"


class SubAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("slug", "title", "visibility", "member_count", "thread_count", "active_at")
    list_filter = ("visibility",)
    search_fields = ("slug", "title")
    raw_id_fields = ("founder",)
    readonly_fields = ("sidebar_html", "member_count", "thread_count", "active_at", "version")


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("person", "sub", "role", "karma", "banned_at", "banned_until")
    list_filter = ("role",)
    list_select_related = ("person", "sub")
    raw_id_fields = ("person", "sub")
    readonly_fields = ("karma",)


@admin.register(Block)
class BlockAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("person", "blocked", "created_at")
    raw_id_fields = ("person", "blocked")


@admin.register(ModLogEntry)
class ModLogAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Append-only, so it is read-only here."""

    list_display = ("created_at", "sub", "actor", "action", "reason")
    list_filter = ("action",)
    list_select_related = ("sub", "actor")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


for name, model, options in (
    ("Sub", get_sub_model(), SubAdmin),
    ("Thread", get_thread_model(), ThreadAdmin),
    ("Comment", get_comment_model(), CommentAdmin),
):
    if not is_swapped(APP, name):
        admin.site.register(model, options)
