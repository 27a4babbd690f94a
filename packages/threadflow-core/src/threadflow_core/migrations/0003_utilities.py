from __future__ import annotations

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import threadflow_core.ids
import threadflow_core.uploads.models


class Migration(migrations.Migration):
    dependencies = [
        ("threadflow_core", "0002_realtime"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="RateCount",
            fields=[
                (
                    "key",
                    models.CharField(max_length=64, primary_key=True, serialize=False),
                ),
                ("started", models.FloatField()),
                ("count", models.BigIntegerField()),
                ("previous", models.BigIntegerField(default=0)),
                ("expires", models.FloatField(db_index=True)),
            ],
            options={
                "verbose_name": "rate count",
                "verbose_name_plural": "rate counts",
            },
        ),
        migrations.CreateModel(
            name="FeatureHold",
            fields=[
                (
                    "key",
                    models.CharField(max_length=200, primary_key=True, serialize=False),
                ),
                ("feature", models.CharField(max_length=80)),
                ("period", models.CharField(max_length=16)),
                ("amount", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("held", "held"),
                            ("settled", "settled"),
                            ("released", "released"),
                        ],
                        default="held",
                        max_length=8,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "feature hold",
                "verbose_name_plural": "feature holds",
            },
        ),
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("owner", models.CharField(max_length=80)),
                ("scope", models.CharField(max_length=200)),
                ("key", models.CharField(max_length=200)),
                ("fingerprint", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[("running", "running"), ("done", "done")],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("status", models.PositiveSmallIntegerField(default=0)),
                ("headers", models.JSONField(default=dict)),
                ("body", models.TextField(blank=True, default="")),
                (
                    "created_at",
                    models.DateTimeField(db_index=True, default=django.utils.timezone.now),
                ),
            ],
            options={
                "verbose_name": "idempotency key",
                "verbose_name_plural": "idempotency keys",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("owner", "scope", "key"),
                        name="threadflow_core_idempotency_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SearchDocument",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("kind", models.CharField(max_length=40)),
                ("number", models.BigIntegerField(null=True)),
                ("uuid", models.UUIDField(null=True)),
                ("author", models.CharField(default="", max_length=150)),
                ("sub", models.CharField(default="", max_length=100)),
                ("tag", models.CharField(default="", max_length=60)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "indexes": [
                    models.Index(fields=["author", "-created_at"], name="tf_search_author"),
                    models.Index(fields=["sub", "-created_at"], name="tf_search_sub"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "number"), name="tf_search_number"),
                    models.UniqueConstraint(fields=("kind", "uuid"), name="tf_search_uuid"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("number__isnull", False),
                            ("uuid__isnull", False),
                            _connector="XOR",
                        ),
                        name="tf_search_one_key",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="FeatureUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True,
                        primary_key=True,
                        serialize=False,
                        verbose_name="ID",
                    ),
                ),
                ("feature", models.CharField(max_length=80)),
                ("period", models.CharField(max_length=16)),
                ("used", models.BigIntegerField(default=0)),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "feature use",
                "verbose_name_plural": "feature uses",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("person", "feature", "period"),
                        name="threadflow_core_feature_use_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Report",
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
                    "target_type",
                    models.CharField(max_length=100, verbose_name="kind of target"),
                ),
                ("target_id", models.CharField(max_length=64, verbose_name="target")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
                (
                    "handled_at",
                    models.DateTimeField(
                        blank=True, db_index=True, null=True, verbose_name="handled"
                    ),
                ),
                (
                    "reporter",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="reporter",
                    ),
                ),
            ],
            options={
                "verbose_name": "report",
                "verbose_name_plural": "reports",
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("target_type", "target_id", "reporter"),
                        name="threadflow_core_report_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Upload",
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
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                (
                    "file",
                    models.FileField(
                        max_length=200,
                        storage=threadflow_core.uploads.models.storage,
                        upload_to=threadflow_core.uploads.models.path_for,
                        verbose_name="file",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                (
                    "content_type",
                    models.CharField(max_length=80, verbose_name="content type"),
                ),
                ("size", models.PositiveBigIntegerField(verbose_name="bytes")),
                (
                    "width",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="width"),
                ),
                (
                    "height",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="height"),
                ),
                ("sha256", models.CharField(max_length=64)),
                (
                    "tags",
                    models.JSONField(blank=True, default=list, verbose_name="tags"),
                ),
                (
                    "visibility",
                    models.CharField(
                        choices=[
                            ("owner", "the uploader"),
                            ("target", "who may see the object that it belongs to"),
                            ("public", "everybody"),
                        ],
                        default="owner",
                        max_length=8,
                        verbose_name="visible to",
                    ),
                ),
                (
                    "target_type",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=100,
                        verbose_name="belongs to",
                    ),
                ),
                (
                    "target_id",
                    models.CharField(
                        blank=True,
                        default="",
                        max_length=64,
                        verbose_name="key of its object",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="created"),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="uploader",
                    ),
                ),
            ],
            options={
                "verbose_name": "upload",
                "verbose_name_plural": "uploads",
                "indexes": [
                    models.Index(fields=["target_type", "target_id"], name="tf_upload_target"),
                    models.Index(
                        condition=models.Q(("target_id", "")),
                        fields=["created_at"],
                        name="tf_upload_unclaimed",
                    ),
                ],
            },
        ),
    ]
