from __future__ import annotations

from django.db import migrations

from threadflow_core.search import schema


def create(apps, schema_editor):
    schema.create(schema_editor)


def drop(apps, schema_editor):
    schema.drop(schema_editor)


class Migration(migrations.Migration):
    dependencies = [("threadflow_core", "0003_utilities")]

    operations = [migrations.RunPython(create, drop)]
