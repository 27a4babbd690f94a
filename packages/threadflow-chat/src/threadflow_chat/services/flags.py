"""Telling those who look after a site about a message."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from threadflow_core import ports
from threadflow_core.exceptions import Invalid
from threadflow_core.limits import Limit

from .. import policies
from ..abstract_models import AbstractMessage
from . import texts

FLAG_LIMIT = Limit.parse("chat.flag", "20/h")


@transaction.atomic
def flag(*, person: Any, message: AbstractMessage, reason: str) -> None:
    """Report a message that `person` may read. Doing it twice changes nothing."""
    policies.require(policies.may_flag(person, message))
    clean = texts.line(reason, most=500, field="reason")
    if not clean:
        raise Invalid(fields={"reason": [_("Say what is wrong with it.")]})
    ports.report(message, person, clean)
