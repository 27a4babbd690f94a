"""What the site answers itself."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.cache import cache_control


@cache_control(public=True, max_age=86_400)
def favicon(request: HttpRequest) -> HttpResponse:
    """For browsers that read no `<link rel="icon">`, and all that look at an answer without a page."""
    return redirect(static("threadflow/favicon.svg"))
