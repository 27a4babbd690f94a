"""Addresses of the whole site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from threadflow_core import health

from .views import favicon

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("threadflow_forum.urls")),  # first, as most requests are for it
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
    path("_allauth/", include("allauth.headless.urls")),
    path("api/v1/", include("threadflow_forum.api.urls")),
    path("api/v1/", include("threadflow_chat.api.urls")),
    path("api/v1/", include("threadflow_billing.api.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("threadflow/", include("threadflow_core.urls")),
    path("health/", health.live),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("metrics", health.metrics),
    path("favicon.ico", favicon),
    path("chat/", include("threadflow_chat.urls")),
    path("premium/", include("threadflow_billing.urls")),
    path("webhooks/", include("threadflow_billing.webhook_urls")),
]
if settings.DEMO:
    urlpatterns.insert(0, path("dev/", include("demo.urls")))

handler500 = "threadflow_core.pages.server_error"
