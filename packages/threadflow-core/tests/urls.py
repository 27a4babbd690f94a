from __future__ import annotations

from django.contrib import admin
from django.urls import path

from threadflow_core.realtime.views import TicketView

from .drill import views as drill

urlpatterns = [
    path("admin/", admin.site.urls),
    path("drill/ws-ticket/", TicketView.as_view()),
    path("drill/live/", drill.page),
    path("drill/emit/", drill.emit),
    path("drill/<name>.js", lambda request, name: drill.script(request, f"{name}.js")),
]
