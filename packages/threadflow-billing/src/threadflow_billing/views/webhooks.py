"""Where Stripe rings. It answers within milliseconds and asks nobody anything."""

from __future__ import annotations

import logging

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from ..gateway import BadWebhook
from ..services import webhooks

logger = logging.getLogger("threadflow.billing")

LARGEST = 1024 * 1024


@method_decorator([csrf_exempt, transaction.non_atomic_requests], name="dispatch")
class StripeWebhookView(View):
    """POST: 200 when the event is kept (or was), 400 when it is not Stripe's, 413 when too large.

    A database that is down ends in 500 and nothing stored; Stripe sends the event again.
    """

    http_method_names = ["post", "options"]

    def post(self, request: HttpRequest) -> HttpResponse:
        length = request.headers.get("Content-Length") or "0"
        if not length.isascii() or not length.isdigit():
            return HttpResponse(status=400)
        if int(length) > LARGEST:
            return HttpResponse(status=413)
        body = request.read(LARGEST + 1)
        if len(body) > LARGEST:
            return HttpResponse(status=413)
        try:
            webhooks.receive(body, request.headers.get("Stripe-Signature", ""))
        except BadWebhook as error:
            # What somebody else sent is not written down, only that something came.
            logger.warning("A webhook was refused: %s", error)
            return HttpResponse(status=400)
        return HttpResponse(status=200)
