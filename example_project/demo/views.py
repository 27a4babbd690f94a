"""The demo's outbox: every mail that a real site would have sent."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from threadflow_core.exceptions import NotFound
from threadflow_core.views import PageView

from .access import may_read_outbox
from .models import SentMessage

SHOWN = 100


class OutboxView(PageView):
    """Newest first. Open to everybody on a laptop; on any other address only to staff."""

    template_name = "demo/outbox.html"

    def check_access(self) -> None:
        if not may_read_outbox(self.request):
            raise NotFound()

    def get_context(self) -> dict[str, Any]:
        return {"sent": SentMessage.objects.all()[:SHOWN], "title": _("Outbox of the demo")}
