"""All tables of the ground floor; each room keeps its own."""

from __future__ import annotations

from .jobs.models import Effect, Leader, OutboxEvent
from .realtime.models import LiveEvent, SpentTicket, Topic
from .records import FeatureHold, FeatureUse, IdempotencyKey, RateCount, Report
from .search.models import SearchDocument
from .uploads.models import Upload

__all__ = [
    "Effect",
    "FeatureHold",
    "FeatureUse",
    "IdempotencyKey",
    "Leader",
    "LiveEvent",
    "OutboxEvent",
    "RateCount",
    "Report",
    "SearchDocument",
    "SpentTicket",
    "Topic",
    "Upload",
]
