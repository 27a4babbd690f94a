from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from threadflow_core import swaps

BOARD, NOTE = swaps.label("swapping", "Board"), swaps.label("swapping", "Note")


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("swapping", "0001_initial"),
        swaps.dependency("swapping", "Board"),
        swaps.dependency("swapping", "Note"),
    ]

    operations = [
        migrations.AddField(
            "Board",
            "newest",
            models.ForeignKey(
                NOTE, django.db.models.deletion.SET_NULL, null=True, related_name="+"
            ),
        ),
        migrations.AddField(
            "Note",
            "board",
            models.ForeignKey(BOARD, django.db.models.deletion.CASCADE, related_name="notes"),
        ),
        migrations.CreateModel(
            "Pin",
            [
                (
                    "id",
                    models.BigAutoField(
                        primary_key=True, auto_created=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("note", models.ForeignKey(NOTE, django.db.models.deletion.CASCADE)),
            ],
        ),
    ]
