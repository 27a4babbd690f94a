"""What a username may look like."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

username_rule = RegexValidator(
    r"^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,28}[A-Za-z0-9_])?\Z",
    _("Use 1 to 30 letters, digits and _ . - in between."),
)

RESERVED = frozenset(
    [
        "about",
        "admin",
        "administrator",
        "all",
        "anonymous",
        "api",
        "deleted",
        "everyone",
        "help",
        "here",
        "me",
        "mod",
        "moderator",
        "none",
        "null",
        "root",
        "staff",
        "support",
        "system",
        "threadflow",
        "undefined",
        "www",
    ]
)


def not_reserved(value: str) -> None:
    if value.casefold() in RESERVED:
        raise ValidationError(_("This name is reserved."), code="reserved")


validators = [username_rule, not_reserved]
