"""What the API views of billing share."""

from __future__ import annotations

from typing import Any

from django.urls import NoReverseMatch, reverse
from rest_framework.request import Request
from rest_framework.response import Response

from threadflow_core.api.views import ServiceAPIView

from ..models import Command


class BillingAPIView(ServiceAPIView):
    """Everything but the plans is one's own; every write asks the services."""

    def asked(self, command: Command) -> Response:
        """202: Stripe is being asked; `commands/<id>/` has the answer. 200 when it is there."""
        command.refresh_from_db()
        return Response(command_data(command), status=200 if command.is_finished else 202)


def command_data(command: Command) -> dict[str, Any]:
    return {
        "id": str(command.pk),
        "kind": command.kind,
        "state": command.state,
        "result": command.result if command.state == Command.State.DONE else {},
        "error": {"code": command.error_code, "detail": command.error}
        if command.error_code
        else None,
    }


def page_url(request: Request, name: str, *args: Any) -> str:
    """Address of one of our pages, or of the site when they are not mounted."""
    try:
        return request.build_absolute_uri(reverse(f"threadflow_billing:{name}", args=args))
    except NoReverseMatch:
        return request.build_absolute_uri("/")
