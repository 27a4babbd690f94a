from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("talk/", include("threadflow_chat.urls")),
]
if "rest_framework" in settings.INSTALLED_APPS:
    urlpatterns.append(path("api/v1/", include("threadflow_chat.api.urls")))
if "threadflow_forum" in settings.INSTALLED_APPS:
    urlpatterns.append(path("community/", include("threadflow_forum.urls")))
