"""Columns of the swappable models, and no relation: nothing here depends on anything."""

from __future__ import annotations

import django.core.validators
import django.utils.timezone
from django.db import migrations, models

from threadflow_core import swaps

APP = "threadflow_forum"


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Sub",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "slug",
                    models.CharField(
                        max_length=30,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9_]{1,29}\\Z",
                                "Use 2 to 30 small letters, digits and underscores, starting with a letter or digit.",
                            )
                        ],
                        verbose_name="name",
                    ),
                ),
                ("title", models.CharField(max_length=100, verbose_name="title")),
                (
                    "description",
                    models.CharField(blank=True, max_length=300, verbose_name="in one sentence"),
                ),
                ("sidebar", models.TextField(blank=True, verbose_name="about")),
                ("sidebar_html", models.TextField(blank=True, editable=False)),
                ("rules", models.JSONField(blank=True, default=list, verbose_name="rules")),
                ("flairs", models.JSONField(blank=True, default=list, verbose_name="flairs")),
                (
                    "visibility",
                    models.CharField(
                        choices=[
                            ("public", "public: everybody reads, members and guests post"),
                            ("restricted", "restricted: everybody reads, approved members post"),
                            ("private", "private: only members read and post"),
                        ],
                        default="public",
                        max_length=10,
                        verbose_name="visibility",
                    ),
                ),
                ("hue", models.PositiveSmallIntegerField(default=1, verbose_name="colour")),
                ("icon", models.CharField(blank=True, max_length=40, verbose_name="icon")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="opened"),
                ),
                (
                    "archived_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="archived"),
                ),
                ("member_count", models.PositiveIntegerField(default=0, verbose_name="members")),
                ("thread_count", models.PositiveIntegerField(default=0, verbose_name="threads")),
                (
                    "active_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="last thread or comment"
                    ),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
            ],
            options={
                "verbose_name": "sub",
                "verbose_name_plural": "subs",
                "swappable": swaps.swappable_setting(APP, "Sub"),
            },
        ),
        migrations.CreateModel(
            name="Thread",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("body", models.TextField(blank=True, verbose_name="text")),
                (
                    "body_html",
                    models.TextField(blank=True, editable=False, verbose_name="rendered text"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("visible", "visible"),
                            ("pending", "waiting for a moderator"),
                            ("removed", "removed by a moderator"),
                            ("deleted", "deleted by the author"),
                        ],
                        default="visible",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "state_reason",
                    models.CharField(blank=True, default="", max_length=300, verbose_name="reason"),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="posted"),
                ),
                ("edited_at", models.DateTimeField(blank=True, null=True, verbose_name="edited")),
                ("deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "nonce",
                    models.CharField(
                        blank=True, max_length=64, null=True, verbose_name="one-time key"
                    ),
                ),
                ("up", models.PositiveIntegerField(default=0, verbose_name="upvotes")),
                ("down", models.PositiveIntegerField(default=0, verbose_name="downvotes")),
                ("score", models.IntegerField(default=0, verbose_name="score")),
                ("controversy", models.FloatField(default=0.0, verbose_name="controversy")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "kind",
                    models.CharField(
                        choices=[("text", "text"), ("link", "link")],
                        default="text",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("title", models.CharField(max_length=300, verbose_name="title")),
                ("slug", models.CharField(blank=True, editable=False, max_length=80)),
                ("url", models.URLField(blank=True, max_length=2000, verbose_name="link")),
                ("domain", models.CharField(blank=True, editable=False, max_length=253)),
                ("excerpt", models.CharField(blank=True, editable=False, max_length=300)),
                ("flair", models.CharField(blank=True, max_length=30, verbose_name="flair")),
                ("locked_at", models.DateTimeField(blank=True, null=True, verbose_name="locked")),
                ("pinned_at", models.DateTimeField(blank=True, null=True, verbose_name="pinned")),
                ("hot", models.FloatField(default=0.0, verbose_name="hot rank")),
                ("comment_count", models.PositiveIntegerField(default=0, verbose_name="comments")),
                ("last_number", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "active_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, verbose_name="last comment"
                    ),
                ),
                ("block_version", models.PositiveIntegerField(default=1, editable=False)),
            ],
            options={
                "verbose_name": "thread",
                "verbose_name_plural": "threads",
                "swappable": swaps.swappable_setting(APP, "Thread"),
            },
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("body", models.TextField(blank=True, verbose_name="text")),
                (
                    "body_html",
                    models.TextField(blank=True, editable=False, verbose_name="rendered text"),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("visible", "visible"),
                            ("pending", "waiting for a moderator"),
                            ("removed", "removed by a moderator"),
                            ("deleted", "deleted by the author"),
                        ],
                        default="visible",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "state_reason",
                    models.CharField(blank=True, default="", max_length=300, verbose_name="reason"),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="posted"),
                ),
                ("edited_at", models.DateTimeField(blank=True, null=True, verbose_name="edited")),
                ("deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="deleted")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                (
                    "nonce",
                    models.CharField(
                        blank=True, max_length=64, null=True, verbose_name="one-time key"
                    ),
                ),
                ("up", models.PositiveIntegerField(default=0, verbose_name="upvotes")),
                ("down", models.PositiveIntegerField(default=0, verbose_name="downvotes")),
                ("score", models.IntegerField(default=0, verbose_name="score")),
                ("controversy", models.FloatField(default=0.0, verbose_name="controversy")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                ("number", models.PositiveIntegerField(editable=False, verbose_name="number")),
                ("parent_number", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "depth",
                    models.PositiveSmallIntegerField(
                        default=0, editable=False, verbose_name="depth"
                    ),
                ),
                ("path", models.BinaryField(max_length=404)),
                ("child_count", models.PositiveIntegerField(default=0, editable=False)),
                ("descendant_count", models.PositiveIntegerField(default=0, editable=False)),
                ("best", models.FloatField(default=0.0, editable=False, verbose_name="best rank")),
            ],
            options={
                "verbose_name": "comment",
                "verbose_name_plural": "comments",
                "swappable": swaps.swappable_setting(APP, "Comment"),
            },
        ),
    ]
