"""Reports and uploads in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from .records import Report
from .uploads.models import Upload
from .uploads.services import delete


@admin.register(Report)
class ReportAdmin(admin.ModelAdmin):
    """What people reported, newest first; staff mark what they have dealt with."""

    list_display = ("created_at", "target", "reason", "reporter", "handled_at")
    list_filter = (("handled_at", admin.EmptyFieldListFilter), "target_type")
    search_fields = ("target_id", "reason")
    list_select_related = ("reporter",)
    readonly_fields = ("target", "reason", "reporter", "created_at", "handled_at")
    exclude = ("target_type", "target_id")
    actions = ("mark_handled",)
    show_full_result_count = False

    @admin.display(description=_("target"))
    def target(self, report: Report) -> str:
        label = f"{report.target_type} {report.target_id}"
        try:
            name = report.target_type.replace(".", "_")
            url = reverse(f"admin:{name}_change", args=[report.target_id])
        except NoReverseMatch:
            return label
        return format_html('<a href="{}">{}</a>', url, label)

    @admin.action(description=_("Mark as handled"))
    def mark_handled(self, request: HttpRequest, queryset: Any) -> None:
        count = queryset.filter(handled_at=None).update(handled_at=timezone.now())
        self.message_user(request, _("Marked as handled: %(count)s.") % {"count": count})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(Upload)
class UploadAdmin(admin.ModelAdmin):
    """Stored files. Deleting one here deletes its file too."""

    list_display = ("created_at", "name", "kind", "content_type", "size", "owner", "visibility")
    list_filter = ("kind", "content_type", "visibility")
    search_fields = ("name", "sha256")
    list_select_related = ("owner",)
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Upload | None = None) -> bool:
        return False

    def delete_model(self, request: HttpRequest, obj: Upload) -> None:
        delete(obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for upload in queryset:
            delete(upload)
