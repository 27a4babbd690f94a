"""Columns of the swappable models, and no relation: nothing here depends on anything."""

from __future__ import annotations

import django.utils.timezone
from django.db import migrations, models

import threadflow_core.ids
from threadflow_core import swaps

APP = "threadflow_chat"


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Room",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("bound", "room of an object"),
                            ("direct", "direct messages"),
                            ("group", "group"),
                        ],
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "target_kind",
                    models.CharField(
                        blank=True, default="", max_length=30, verbose_name="belongs to a"
                    ),
                ),
                (
                    "target_key",
                    models.CharField(blank=True, default="", max_length=100, verbose_name="key"),
                ),
                (
                    "title",
                    models.CharField(blank=True, default="", max_length=300, verbose_name="title"),
                ),
                (
                    "topic",
                    models.CharField(blank=True, default="", max_length=300, verbose_name="topic"),
                ),
                (
                    "visibility",
                    models.CharField(
                        choices=[
                            ("public", "public: whoever sees what it belongs to"),
                            ("private", "private: only its members"),
                        ],
                        default="public",
                        max_length=10,
                        verbose_name="visibility",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "open"),
                            ("read_only", "read-only"),
                            ("archived", "archived"),
                        ],
                        default="open",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                ("slow_seconds", models.PositiveIntegerField(default=0, verbose_name="slow mode")),
                ("last_mno", models.PositiveBigIntegerField(default=0, editable=False)),
                (
                    "last_message_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="last message"),
                ),
                (
                    "member_count",
                    models.PositiveIntegerField(default=0, editable=False, verbose_name="members"),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="opened"),
                ),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
            ],
            options={
                "verbose_name": "room",
                "verbose_name_plural": "rooms",
                "swappable": swaps.swappable_setting(APP, "Room"),
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("mno", models.PositiveBigIntegerField(verbose_name="number")),
                ("kind", models.CharField(default="text", max_length=20, verbose_name="kind")),
                ("source", models.TextField(blank=True, default="", verbose_name="text")),
                ("html", models.TextField(blank=True, default="", editable=False)),
                ("nonce", models.CharField(blank=True, editable=False, max_length=64, null=True)),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("visible", "visible"),
                            ("streaming", "being written"),
                            ("deleted", "deleted by its author"),
                            ("removed", "removed by a moderator"),
                        ],
                        default="visible",
                        max_length=10,
                        verbose_name="state",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="written"),
                ),
                ("edited_at", models.DateTimeField(blank=True, null=True, verbose_name="edited")),
                ("deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted")),
                (
                    "previews",
                    models.JSONField(blank=True, default=list, verbose_name="link previews"),
                ),
                ("reaction_count", models.PositiveIntegerField(default=0, editable=False)),
                ("attachment_count", models.PositiveSmallIntegerField(default=0, editable=False)),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
                "swappable": swaps.swappable_setting(APP, "Message"),
            },
        ),
    ]
