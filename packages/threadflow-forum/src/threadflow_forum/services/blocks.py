"""Blocking: neither of two people reads the other."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from threadflow_core.exceptions import NotAllowed
from threadflow_core.limits import Limit

from ..models import Block

BLOCK_LIMIT = Limit.parse("forum.block", "60/h")


def block(*, person: Any, other: Any) -> None:
    """Stop reading `other`, and being read by them in lists. Twice changes nothing."""
    if person.pk == other.pk:
        raise NotAllowed(_("You can't block yourself."), code="own_account")
    Block.objects.bulk_create([Block(person=person, blocked=other)], ignore_conflicts=True)


def unblock(*, person: Any, other: Any) -> None:
    Block.objects.filter(person=person, blocked=other).delete()
