"""Saying something, and everything that is done to one message."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from threadflow_core import uploads
from threadflow_core.exceptions import Invalid, LimitExceeded, NotFound, ThreadflowError
from threadflow_core.idempotency import FIELD, new_form_key
from threadflow_core.views import FormPage, PageView, ServiceView

from .. import pages, policies
from ..abstract_models import MessageState
from ..exceptions import ConfirmMention, PremiumRequired
from ..forms import EditForm, FlagForm, OnForm, QuoteForm, ReactForm, ReadForm, SayForm
from ..models import Pin, RoomMember
from ..services import bots, flags, history, messages, pins, reactions, reads
from ..swaps import get_message_model
from .base import find_message, find_readable, find_room, require_person

ITEM = "threadflow_chat/partials/_item.html"


class SayView(FormPage):
    """Send a message: a plain form, or the script's own request, answered by the line itself."""

    form_class = SayForm
    template_name = "threadflow_chat/partials/_sent.html"
    form_template_name = "threadflow_chat/partials/_refused.html"
    page_template_name = "threadflow_chat/say.html"
    title = gettext_lazy("Message")
    submit_label: Any = gettext_lazy("Send")
    success_status = 201
    #: None where access was refused before it was found: what was typed is shown all the same.
    room: Any = None

    def check_access(self) -> None:
        require_person(self.request)
        self.room = find_room(self.request, self.kwargs["room"])
        self.limit = messages.limit_of(self.request.user)
        if self.request.method != "POST":  # sending asks whether they may write
            policies.require(policies.may_read(self.request.user, self.room))

    def get_initial(self) -> dict[str, Any]:
        return {"nonce": new_form_key(), "reply_to": self.request.GET.get("reply")}

    def act(self, form: Any) -> dict[str, Any]:
        given = form.cleaned_data
        if given["files"]:  # nothing is stored for who may not write
            policies.require(policies.may_write(self.request.user, self.room))
        files = [
            uploads.store(file, owner=self.request.user, kind=kind_of(file), visibility="target").pk
            for file in given["files"]
        ]
        message = messages.send_message(
            author=self.request.user,
            room=self.room,
            text=given["text"],
            nonce=given["nonce"] or None,
            reply_to=messages.to_answer(given["reply_to"]),
            attachments=files,
            confirmed=given["confirmed"],
        )
        return {"message": message, **item_context(message, self.request.user)}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return f"{self.room.get_absolute_url()}#m-{context['message'].pk}"

    def refuse_htmx(self, error: ThreadflowError, form: Any) -> HttpResponse:
        """One line for the script: what was wrong, and whether to try again."""
        texts = [text for found in form.errors.values() for text in found]
        context = {
            "text": " ".join(texts) or error.message,
            "code": error.code,
            "wait": error.retry_after if isinstance(error, LimitExceeded) else 0,
            "upgrade_url": getattr(error, "upgrade_url", ""),
        }
        return self.respond(self.form_template_name, context, error.status)

    def refused_context(self, error: ThreadflowError, form: Any) -> dict[str, Any]:
        if isinstance(error, ConfirmMention):
            form.fields["confirmed"].widget = form.fields["confirmed"].hidden_widget()
            form.data = {**form.data.dict(), "confirmed": "on"}
            self.submit_label = _("Send and call everybody")
        context = super().refused_context(error, form)
        if isinstance(error, PremiumRequired):  # its own notice, with the way to get it
            context |= {"error": None, "missing": error}
        return context

    def get_form_context(self, form: Any) -> dict[str, Any]:
        context = super().get_form_context(form)
        back = self.room.get_absolute_url() if self.room else reverse("threadflow_chat:index")
        return context | {"cancel_url": back, "once": ""}


def kind_of(file: Any) -> str:
    """Which pipeline an upload goes through; what it truly is, is found by its bytes there."""
    return "image" if str(file.content_type or "").startswith("image/") else "file"


def item_context(message: Any, reader: Any) -> dict[str, Any]:
    """One line as it stands in a room, of a message with its people."""
    return {"line": pages.lines([message], reader)[0], "room": message.room, "bare": True}


class MessageActView(ServiceView):
    """Base of the acts on one message. The answer to htmx is the message as it is now."""

    template_name = ITEM

    def check_access(self) -> None:
        require_person(self.request)
        self.message = find_message(self.request, self.kwargs["message"])

    def shown(self, message: Any) -> dict[str, Any]:
        found = get_message_model().objects.with_people().get(pk=message.pk)
        found.room = message.room
        return {"message": message, **item_context(found, self.request.user)}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return str(self.message.get_absolute_url())


class DeleteView(MessageActView):
    limit = messages.EDIT_LIMIT

    def act(self, form: Any) -> dict[str, Any]:
        found = messages.delete_message(person=self.request.user, message=self.message)
        return self.shown(found)


class RestoreView(MessageActView):
    limit = messages.EDIT_LIMIT

    def act(self, form: Any) -> dict[str, Any]:
        return self.shown(messages.restore_message(person=self.request.user, message=self.message))


class PinView(MessageActView):
    limit = pins.PIN_LIMIT
    form_class = OnForm

    def act(self, form: Any) -> dict[str, Any]:
        on = form.cleaned_data["on"]
        found = pins.set_pinned(person=self.request.user, message=self.message, on=on)
        return self.shown(found)


class StopView(MessageActView):
    """Have a bot stop writing."""

    def act(self, form: Any) -> dict[str, Any]:
        return self.shown(bots.stop(person=self.request.user, message=self.message))


class ReactView(MessageActView):
    """Put an emoji on a message or take it off. GET is the choice, as page and dialog."""

    http_method_names = ["get", "head", "post", "options"]
    limit = reactions.REACT_LIMIT
    form_class = ReactForm
    parts = {"dialog": "threadflow_chat/partials/_emoji.html"}
    template_name = "threadflow_chat/partials/_reacts.html"

    def get(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        template = self.part_template() or "threadflow_chat/emoji.html"
        context = {"line": pages.lines([self.message], request.user)[0], "emoji": pages.EMOJI}
        return self.respond(template, context | {"room": self.message.room})

    def act(self, form: Any) -> dict[str, Any]:
        emoji, on = form.cleaned_data["react"]
        found = reactions.react(person=self.request.user, message=self.message, emoji=emoji, on=on)
        return self.shown(found)

    def current_state(self, error: ThreadflowError) -> dict[str, Any]:
        return self.shown(self.message)


class EditView(FormPage):
    """Change one's message; somebody else's change in between is shown (412)."""

    form_class = EditForm
    limit = messages.EDIT_LIMIT
    template_name = "threadflow_chat/partials/_done.html"
    title = gettext_lazy("Edit message")
    submit_label = gettext_lazy("Save")
    #: None where access was refused before it was found.
    message: Any = None

    def check_access(self) -> None:
        require_person(self.request)
        self.message = find_message(self.request, self.kwargs["message"])
        if self.request.method != "POST":
            policies.require(policies.may_edit(self.request.user, self.message, self.message.room))

    def get_initial(self) -> dict[str, Any]:
        if self.message is None:
            return {}
        return {"text": self.message.source, "version": self.message.version}

    def act(self, form: Any) -> dict[str, Any]:
        message = messages.edit_message(
            editor=self.request.user,
            message=self.message,
            text=form.cleaned_data["text"],
            version=form.cleaned_data["version"],
        )
        return {"message": message}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return str(self.message.get_absolute_url())


class FlagView(FormPage):
    form_class = FlagForm
    limit = flags.FLAG_LIMIT
    template_name = "threadflow_chat/partials/_done.html"
    title = gettext_lazy("Report message")
    submit_label = gettext_lazy("Report")
    success_message = gettext_lazy("Thank you. A moderator will look at it.")

    def check_access(self) -> None:
        require_person(self.request)
        self.message = find_message(self.request, self.kwargs["message"])

    def act(self, form: Any) -> dict[str, Any]:
        reason = form.cleaned_data["reason"]
        flags.flag(person=self.request.user, message=self.message, reason=reason)
        return {}

    def get_success_url(self, context: dict[str, Any]) -> str:
        return str(self.message.get_absolute_url())


class MenuView(PageView):
    """Everything that can be done to a message, for this reader: a dialog and a page."""

    template_name = "threadflow_chat/menu.html"
    parts = {"dialog": "threadflow_chat/partials/_menu.html"}

    def check_access(self) -> None:
        require_person(self.request)
        self.message = find_message(self.request, self.kwargs["message"])

    def get_context(self) -> dict[str, Any]:
        person, message = self.request.user, self.message
        room = message.room
        here = policies.Here(person, room)
        shown = message.is_visible
        return {
            "message": message,
            "room": room,
            "line": pages.lines([message], person)[0],
            "may_reply": shown and bool(policies.may_write(person, room, here)),
            "may_edit": shown and bool(policies.may_edit(person, message, room, here)),
            "may_delete": shown and bool(policies.may_delete(person, message, room, here)),
            "may_restore": not shown and bool(policies.may_restore(person, message, room, here)),
            "may_pin": bool(policies.may_pin(person, message, room, here)),
            "is_pinned": Pin.objects.filter(message=message).exists(),
            "may_flag": shown and bool(policies.may_flag(person, message)),
            "may_quote": shown and room.target_kind == "thread" and not room.is_private,
            "has_history": shown and message.edited_at is not None,
            "inside": here.member.is_inside,
        }


class HistoryView(PageView):
    """Earlier texts of a message."""

    template_name = "threadflow_chat/history.html"
    parts = {"dialog": "threadflow_chat/partials/_history.html"}

    def check_access(self) -> None:
        require_person(self.request)
        self.message = find_message(self.request, self.kwargs["message"])
        if self.message.state != MessageState.VISIBLE:
            raise NotFound()

    def get_context(self) -> dict[str, Any]:
        return {
            "message": self.message,
            "room": self.message.room,
            "revisions": history.revisions(self.message),
        }


class QuoteView(FormPage):
    """Answer in the thread, with the message as a quote."""

    form_class = QuoteForm
    title = gettext_lazy("Quote in the thread")
    submit_label = gettext_lazy("Comment")

    def check_access(self) -> None:
        require_person(self.request)
        self.message = find_message(self.request, self.kwargs["message"])
        if self.message.room.target_kind != "thread":
            raise NotFound()

    def act(self, form: Any) -> dict[str, Any]:
        from ..integrations import forum

        comment = forum.reply_in_thread(
            person=self.request.user,
            message=self.message,
            text=form.cleaned_data["text"],
            nonce=form.cleaned_data[FIELD] or None,
        )
        return {"comment": comment}

    def get_success_url(self, context: dict[str, Any]) -> str:
        comment = context["comment"]
        args = [comment.thread.public_id, comment.public_id]
        return reverse("threadflow_forum:comment", args=args)


class ReadView(ServiceView):
    """Move the reader's pointer: to a message, or back before it (`unread`)."""

    form_class = ReadForm
    limit = reads.READ_LIMIT

    def check_access(self) -> None:
        require_person(self.request)
        self.room = find_readable(self.request, self.kwargs["room"])

    def act(self, form: Any) -> dict[str, Any]:
        if not RoomMember.objects.of(self.request.user, self.room).is_inside:
            raise Invalid(_("Join this room first."))
        given = form.cleaned_data
        move = reads.mark_unread if given["unread"] else reads.mark_read
        move(person=self.request.user, room=self.room, mno=given["mno"])
        return {}

    def get_success_message(self, context: dict[str, Any]) -> str:
        return _("Marked unread from there.") if self.request.POST.get("unread") else ""

    def get_success_url(self, context: dict[str, Any]) -> str:
        if self.request.POST.get("unread"):
            return reverse("threadflow_chat:index")
        return str(self.room.get_absolute_url())
