from __future__ import annotations

from django.db import migrations, models

from threadflow_core import swaps

ID = models.BigAutoField(primary_key=True, auto_created=True, serialize=False, verbose_name="ID")


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            "Board",
            [("id", ID), ("title", models.CharField(max_length=50))],
            options={"swappable": swaps.swappable_setting("swapping", "Board"), "abstract": False},
        ),
        migrations.CreateModel(
            "Note",
            [("id", ID.clone())],
            options={"swappable": swaps.swappable_setting("swapping", "Note"), "abstract": False},
        ),
    ]
