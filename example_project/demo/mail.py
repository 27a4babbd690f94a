"""A mail backend that keeps mails for the page `/dev/outbox/`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from .models import SentMessage

CODE = re.compile(r"^\s*(\d{6})\s*$", re.MULTILINE)


class OutboxBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            text = str(message.body)
            code = CODE.search(text)
            for recipient in message.recipients():
                SentMessage.objects.create(
                    recipient=recipient,
                    subject=str(message.subject),
                    text=text,
                    code=code[1] if code else "",
                )
        return len(email_messages)
