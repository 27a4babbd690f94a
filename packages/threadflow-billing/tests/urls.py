from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("premium/", include("threadflow_billing.urls")),
    path("webhooks/", include("threadflow_billing.webhook_urls")),
]
if "rest_framework" in settings.INSTALLED_APPS:
    urlpatterns.append(path("api/v1/", include("threadflow_billing.api.urls")))
