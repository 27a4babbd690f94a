"""What the ground floor itself keeps about people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps

from . import idempotency, privacy
from .records import FeatureHold, FeatureUse, Report
from .uploads import services as uploads
from .uploads.models import Upload


def register() -> None:
    privacy.register("threadflow_core.FeatureUse", export=_feature_use, erase=_erase_feature_use)
    privacy.register("threadflow_core.FeatureHold", export=_holds, erase=_erase_holds)
    privacy.register("threadflow_core.Report", export=_reports, erase=_erase_reports)
    privacy.register("threadflow_core.Upload", export=_uploads, erase=uploads.delete_all_of)
    privacy.register(
        "threadflow_core.IdempotencyKey",
        erase=idempotency.forget_owner,
        why="Copies of answers that the export holds already; gone after a day.",
    )
    if apps.is_installed("django.contrib.admin"):
        privacy.register("admin.LogEntry", why="The audit trail of staff, kept by the site.")


def _feature_use(person: Any) -> Iterable[Mapping[str, Any]]:
    return FeatureUse.objects.filter(person=person).values("feature", "period", "used")


def _erase_feature_use(person: Any) -> None:
    FeatureUse.objects.filter(person=person).delete()


def _holds(person: Any) -> Iterable[Mapping[str, Any]]:
    return FeatureHold.objects.filter(person=person).values("feature", "amount", "created_at")


def _erase_holds(person: Any) -> None:
    FeatureHold.objects.filter(person=person).delete()


def _reports(person: Any) -> Iterable[Mapping[str, Any]]:
    rows = Report.objects.filter(reporter=person)
    return rows.values("target_type", "target_id", "reason", "created_at")


def _erase_reports(person: Any) -> None:
    # The report stays, for it concerns somebody else; who made it is forgotten.
    Report.objects.filter(reporter=person).update(reporter=None)


def _uploads(person: Any) -> Iterable[Mapping[str, Any]]:
    rows = Upload.objects.filter(owner=person)
    return rows.values("id", "name", "content_type", "size", "file", "created_at")
