"""Pages of billing. A site mounts them under any prefix: `path("premium/", include(…))`.

The webhook has a place of its own: `path("webhooks/", include("threadflow_billing.webhook_urls"))`;
it is here as well, for sites with one include.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from threadflow_core.urls import shared_urls

from .views.webhooks import StripeWebhookView

app_name = "threadflow_billing"

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/stripe/", StripeWebhookView.as_view(), name="webhook"),
    *shared_urls(),
]
