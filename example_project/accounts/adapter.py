"""Where allauth, the forum and the chat ask this site."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from django.conf import settings
from django.utils.translation import gettext as _

from threadflow_chat.adapter import ChatAdapter as BaseChatAdapter
from threadflow_core.app_settings import app_settings as core
from threadflow_core.policies import Verdict
from threadflow_forum.adapter import ForumAdapter as BaseForumAdapter


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """allauth's default with mails in this site's name. The methods about phones join with SMS."""

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        about = {"site_name": core.SITE_NAME, "site_url": settings.PUBLIC_BASE_URL}
        super().send_mail(template_prefix, email, {**about, **context})


class ForumAdapter(BaseForumAdapter):
    """Writing needs one verified address."""

    def may_take_part(self, *, person: Any) -> Verdict:
        if EmailAddress.objects.filter(user_id=person.pk, verified=True).exists():
            return Verdict.yes()
        return Verdict.no("unverified", _("Verify your e-mail address first; then you can write."))


class ChatAdapter(BaseChatAdapter):
    """The same for the chat."""

    def may_take_part(self, *, person: Any) -> Verdict:
        return ForumAdapter().may_take_part(person=person)
