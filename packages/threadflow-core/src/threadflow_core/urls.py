"""The shared views: preview, appearance, keyboard help, component page, socket tickets.

A site includes this module once (`path("threadflow/", include("threadflow_core.urls"))`). A
package that is used alone brings the same views under its own prefix by `shared_urls()`.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from . import pages
from .realtime.views import TicketView
from .uploads.views import UploadView

app_name = "threadflow_core"

urlpatterns: list[URLPattern | URLResolver] = [
    path("preview/", pages.PreviewView.as_view(), name="preview"),
    path("appearance/", pages.AppearanceView.as_view(), name="appearance"),
    path("keyboard/", pages.KeyboardView.as_view(), name="keyboard"),
    path("styleguide/", pages.StyleGuideView.as_view(), name="styleguide"),
    path("uploads/<uuid:id>/", UploadView.as_view(), name="upload"),
    path("ws-ticket/", TicketView.as_view(), name="ws-ticket"),
]


def shared_urls(prefix: str = "-/") -> list[URLResolver]:
    """Core's views for the `urlpatterns` of a package: `*shared_urls()`."""
    return [path(prefix, include((urlpatterns, app_name)))]
