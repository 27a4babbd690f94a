"""Forms check the shape of what was typed; the services check everything else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .abstract_models import RoomState, RoomVisibility
from .models import Level, Role


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFiles(forms.FileField):
    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(ManyFiles, self).clean(one, initial) for one in given]


class SayForm(forms.Form):
    text = forms.CharField(
        label=_("Message"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 3})
    )
    files = ManyFiles(label=_("Files"), required=False)  # type: ignore[assignment]
    nonce = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    reply_to = forms.UUIDField(required=False, widget=forms.HiddenInput)
    confirmed = forms.BooleanField(
        label=_("Yes, call everybody"), required=False, widget=forms.HiddenInput
    )


class EditForm(forms.Form):
    text = forms.CharField(
        label=_("Message"), required=False, strip=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class OnForm(forms.Form):
    """A switch: `on=1` or `on=0`."""

    on = forms.TypedChoiceField(choices=[("1", "on"), ("0", "off")], coerce=lambda v: v == "1")


class ReactForm(forms.Form):
    """`react` is a sign and the emoji: "+👍" puts it, "-👍" takes it away; "👍" alone puts it."""

    react = forms.CharField(max_length=33)

    def clean_react(self) -> tuple[str, bool]:
        given = self.cleaned_data["react"]
        return given[1:] if given[0] in "+-" else given, given[0] != "-"


class ReadForm(forms.Form):
    mno = forms.IntegerField(min_value=0)
    unread = forms.BooleanField(required=False)


class LevelForm(forms.Form):
    level = forms.ChoiceField(label=_("Tell me of"), choices=Level.choices)


class NewForm(forms.Form):
    people = forms.CharField(
        label=_("With whom?"),
        required=False,
        help_text=_("Names of people, with spaces or commas between them. Several make a group."),
    )
    title = forms.CharField(label=_("Name of the group"), required=False, max_length=300)


class RoomForm(forms.Form):
    title = forms.CharField(label=_("Name"), required=False, max_length=300)
    topic = forms.CharField(label=_("What it is about"), required=False, max_length=300)
    visibility = forms.ChoiceField(label=_("Who finds it"), choices=RoomVisibility.choices)
    state = forms.ChoiceField(label=_("State"), choices=RoomState.choices)
    slow_seconds = forms.IntegerField(
        label=_("Slow mode, in seconds between two messages of one person"),
        min_value=0,
        max_value=21_600,
        help_text=_("0 for none."),
    )


class InviteForm(forms.Form):
    people = forms.CharField(label=_("Names of people"), required=False)


class MemberForm(forms.Form):
    act = forms.ChoiceField(
        label=_("What to do"),
        choices=[
            ("mute", _("Mute for a while")),
            ("unmute", _("Let them speak again")),
            ("kick", _("Send out of the room")),
            ("ban", _("Ban from the room")),
            ("unban", _("Lift the ban")),
            ("role", _("Change what they are here")),
        ],
    )
    minutes = forms.IntegerField(
        label=_("For how many minutes"),
        required=False,
        min_value=1,
        max_value=525_600,
        help_text=_("For mutes and bans; a ban without a number has no end."),
    )
    role = forms.ChoiceField(
        label=_("What they become"),
        required=False,
        choices=[c for c in Role.choices if c[0] != Role.GUEST],
        initial=Role.MEMBER,
    )
    reason = forms.CharField(label=_("Reason, which they will see"), required=False, max_length=300)


class FlagForm(forms.Form):
    reason = forms.CharField(
        label=_("What is wrong with it?"), required=False, widget=forms.Textarea(attrs={"rows": 3})
    )


class QuoteForm(forms.Form):
    _once = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("Your words below the quote"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4}),
    )
