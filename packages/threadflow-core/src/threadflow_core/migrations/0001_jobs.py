from __future__ import annotations

import django.core.serializers.json
import django.db.models.functions.datetime
from django.db import migrations, models

import threadflow_core.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Leader",
            fields=[
                (
                    "name",
                    models.CharField(max_length=50, primary_key=True, serialize=False),
                ),
                ("owner", models.CharField(max_length=100)),
                ("until", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Effect",
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
                ("handler", models.CharField(max_length=100)),
                ("event_id", models.UUIDField()),
                ("key", models.CharField(default="", max_length=200)),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        db_index=True,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("handler", "event_id", "key"), name="tf_effect_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="OutboxEvent",
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
                ("name", models.CharField(max_length=100, verbose_name="event")),
                ("handler", models.CharField(max_length=100, verbose_name="handler")),
                (
                    "queue",
                    models.CharField(default="default", max_length=20, verbose_name="queue"),
                ),
                (
                    "payload",
                    models.JSONField(
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name="payload",
                    ),
                ),
                ("headers", models.JSONField(default=dict, verbose_name="headers")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "waiting"),
                            ("leased", "running"),
                            ("done", "done"),
                            ("dead", "given up"),
                        ],
                        default="pending",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                (
                    "run_after",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="not before",
                    ),
                ),
                (
                    "attempts",
                    models.PositiveSmallIntegerField(default=0, verbose_name="attempts"),
                ),
                (
                    "max_attempts",
                    models.PositiveSmallIntegerField(default=8, verbose_name="most attempts"),
                ),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="leased until"),
                ),
                (
                    "lease_owner",
                    models.CharField(
                        blank=True, default="", max_length=100, verbose_name="leased by"
                    ),
                ),
                ("fence", models.PositiveIntegerField(default=0, verbose_name="fence")),
                (
                    "dedupe_key",
                    models.CharField(blank=True, max_length=200, null=True, verbose_name="key"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        verbose_name="created",
                    ),
                ),
                (
                    "done_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished"),
                ),
                (
                    "last_error",
                    models.TextField(blank=True, default="", verbose_name="last error"),
                ),
            ],
            options={
                "verbose_name": "job",
                "verbose_name_plural": "jobs",
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "pending")),
                        fields=["queue", "run_after", "id"],
                        name="tf_outbox_due",
                    ),
                    models.Index(
                        condition=models.Q(("state", "leased")),
                        fields=["lease_until"],
                        name="tf_outbox_lease",
                    ),
                    models.Index(
                        condition=models.Q(("state__in", ["done", "dead"])),
                        fields=["state", "done_at"],
                        name="tf_outbox_finished",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("handler", "dedupe_key"), name="tf_outbox_key")
                ],
            },
        ),
    ]
