from __future__ import annotations

from django.urls import include, path

from threadflow_core.urls import shared_urls

urlpatterns = [path("forum/", include(([*shared_urls()], "some_package")))]
