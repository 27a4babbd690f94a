"""Celery carries ids of outbox rows; the rows are the truth. Beat only ticks."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "threadflow_site.settings")
app = Celery("threadflow_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
