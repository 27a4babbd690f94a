"""What the index knows of a document besides its words, which each engine keeps its own way."""

from __future__ import annotations

from django.db import models
from django.db.models import Q


class SearchDocument(models.Model):
    """One findable object. Its key is in `number` or in `uuid`, as its model has it.

    The words are in a tsvector column (PostgreSQL) or in an FTS5 table under the same rowid
    (SQLite); see `schema`.
    """

    kind = models.CharField(max_length=40)
    number = models.BigIntegerField(null=True)
    uuid = models.UUIDField(null=True)
    author = models.CharField(max_length=150, default="")
    sub = models.CharField(max_length=100, default="")
    tag = models.CharField(max_length=60, default="")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["kind", "number"], name="tf_search_number"),
            models.UniqueConstraint(fields=["kind", "uuid"], name="tf_search_uuid"),
            models.CheckConstraint(
                condition=Q(number__isnull=False) ^ Q(uuid__isnull=False), name="tf_search_one_key"
            ),
        ]
        indexes = [
            models.Index(fields=["author", "-created_at"], name="tf_search_author"),
            models.Index(fields=["sub", "-created_at"], name="tf_search_sub"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number or self.uuid}"
