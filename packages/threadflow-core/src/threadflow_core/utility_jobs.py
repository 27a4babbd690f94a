"""Jobs of the utilities: the search index, stored files, and what is only kept for a while."""

from __future__ import annotations

import datetime as dt

from django.db import connections, router
from django.utils import timezone

from . import idempotency, limits_sql
from .jobs import JobEvent, handler, schedule
from .records import FeatureHold, RateCount
from .search import services as search
from .search.registry import kind_named
from .uploads.models import Upload, storage
from .uploads.services import delete

#: How long an upload may belong to nothing, and a hold of a feature may stay open.
UNCLAIMED = dt.timedelta(days=1)
HELD = dt.timedelta(days=60)


@handler("core.search_changed", name="core.search_write", queue="default")
def write_document(event: JobEvent) -> None:
    try:
        spec = kind_named(event.payload["kind"])
    except KeyError:
        return  # its package was uninstalled
    search.write(spec.name, [search.key_of(event.payload["pk"], spec)])


@handler("core.upload_deleted", name="core.delete_file", queue="bulk", atomic=False)
def delete_file(event: JobEvent) -> None:
    """Deleting what is gone already is no error, so a second try is harmless."""
    path = event.payload["path"]
    if path and not Upload.objects.filter(file=path).exists():
        storage().delete(path)


@schedule("core.prune_utilities", every=dt.timedelta(hours=1), queue="bulk", atomic=False)
def prune(event: JobEvent) -> None:
    limits_sql.prune(connections[router.db_for_write(RateCount)])
    idempotency.prune()
    FeatureHold.objects.filter(created_at__lt=timezone.now() - HELD).delete()
    prune_uploads()


def prune_uploads() -> int:
    """Delete uploads that were never tied to anything though they were meant to be."""
    old = Upload.objects.filter(
        target_id="",
        created_at__lt=timezone.now() - UNCLAIMED,
        visibility=Upload.Visibility.TARGET,
    )
    found = list(old[:1000])
    for upload in found:
        delete(upload)
    return len(found)
