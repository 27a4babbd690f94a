"""The site's own user model; Threadflow asks for nothing but Django's."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from .names import username_rule


class User(AbstractUser):
    first_name = None  # type: ignore[assignment]
    last_name = None  # type: ignore[assignment]
    username = models.CharField(
        _("username"),
        max_length=30,
        unique=True,
        validators=[username_rule],
        error_messages={"unique": _("This name is taken.")},
    )
    email = models.EmailField(_("e-mail"), blank=True)
    about = models.CharField(_("about me"), max_length=300, blank=True)

    def get_absolute_url(self) -> str:
        return reverse("threadflow_forum:profile", args=[self.username])
