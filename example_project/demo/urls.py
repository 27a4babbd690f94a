from __future__ import annotations

from django.urls import path

from .views import OutboxView

app_name = "demo"
urlpatterns = [path("outbox/", OutboxView.as_view(), name="outbox")]
