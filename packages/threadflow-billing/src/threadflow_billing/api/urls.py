from __future__ import annotations

app_name = "threadflow_billing_api"
urlpatterns: list[object] = []
