"""The site, and beside it the floor: a bare view that sends the same bytes."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


@lru_cache(maxsize=8)
def _bytes(name: str) -> bytes:
    return (Path(os.environ["BENCH_VAR"]) / name).read_bytes()


def bare(request: HttpRequest, name: str) -> HttpResponse:
    return HttpResponse(_bytes(name))


urlpatterns = [path("bare/<str:name>", bare), path("", include("threadflow_site.urls"))]
