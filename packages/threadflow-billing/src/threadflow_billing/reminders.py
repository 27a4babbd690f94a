"""Telling people in time: what is due, once per kind and period, and the port that sends it.

`REMINDERS` names the sender by dotted path. The default is plain mail; a package that notifies
people sets its own and gets the same `Reminder`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, cast

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .app_settings import app_settings

KINDS = {
    "trial_ends": gettext_lazy("Your trial ends soon"),
    "renewal": gettext_lazy("Your plan renews soon"),
    "card_expires": gettext_lazy("Your card expires soon"),
    "payment_failed": gettext_lazy("Your payment did not go through"),
    "grace_ends": gettext_lazy("Your access ends soon"),
    "gift_ends": gettext_lazy("Your gift ends soon"),
    "gift_ready": gettext_lazy("Your gift is ready to be given"),
}


@dataclass(frozen=True)
class Reminder:
    """One thing to tell one person. `details` holds dates (ISO), amounts, names; no secrets."""

    kind: str
    person: Any
    email: str
    period: str
    url: str
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return str(KINDS.get(self.kind, self.kind))

    @property
    def text(self) -> str:
        return render_to_string(
            f"threadflow_billing/email/{self.kind}.txt",
            {"reminder": self, "url": self.url, **self.details},
        ).strip()


class Reminders(Protocol):
    def send(self, reminder: Reminder) -> None:
        """Tell the person. Called from a job, once; what it raises is tried again."""


class MailReminders:
    """Plain mail, in the person's language where the user model knows one, else the site's."""

    def send(self, reminder: Reminder) -> None:
        if not reminder.email:
            return
        language = getattr(reminder.person, "language", "") or settings.LANGUAGE_CODE
        with translation.override(language):
            footer = _("You get this mail because you have a plan with us.")
            send_mail(reminder.subject, f"{reminder.text}\n\n{footer}", None, [reminder.email])


def sender() -> Reminders:
    """The site's way of sending."""
    return cast("Reminders", app_settings.load("REMINDERS")())
