"""The webhook alone, for `path("webhooks/", include("threadflow_billing.webhook_urls"))`."""

from __future__ import annotations

from django.urls import path

from .views.webhooks import StripeWebhookView

app_name = "threadflow_billing_webhooks"

urlpatterns = [path("stripe/", StripeWebhookView.as_view(), name="stripe")]
