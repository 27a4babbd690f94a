"""Columns of the swappable model, and no relation: nothing here depends on anything."""

from __future__ import annotations

import django.core.validators
from django.db import migrations, models

from threadflow_core import swaps

APP = "threadflow_billing"


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Plan",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        max_length=30,
                        unique=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9_]{0,29}\\Z",
                                "Small letters, digits and underscores, at most 30.",
                            )
                        ],
                        verbose_name="code",
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                (
                    "tagline",
                    models.CharField(blank=True, max_length=200, verbose_name="in one sentence"),
                ),
                ("tier", models.PositiveSmallIntegerField(default=0, verbose_name="tier")),
                ("is_default", models.BooleanField(default=False, verbose_name="everybody has it")),
                ("is_active", models.BooleanField(default=True, verbose_name="can be bought")),
                (
                    "grace_days",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="days of grace"
                    ),
                ),
                (
                    "trial_days",
                    models.PositiveSmallIntegerField(default=0, verbose_name="days of trial"),
                ),
                (
                    "trial_needs_card",
                    models.BooleanField(default=True, verbose_name="trial asks for a card"),
                ),
                (
                    "product_id",
                    models.CharField(blank=True, max_length=80, verbose_name="product at Stripe"),
                ),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
            ],
            options={
                "verbose_name": "plan",
                "verbose_name_plural": "plans",
                "ordering": ["tier", "id"],
                "abstract": False,
                "swappable": swaps.swappable_setting(APP, "Plan"),
            },
        ),
    ]
