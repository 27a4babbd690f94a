"""Forms check the shape of what was typed; the services check everything else."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .abstract_models import Visibility
from .services.votes import Vote


class VoteForm(forms.Form):
    value = forms.TypedChoiceField(
        choices=[(1, "up"), (0, "none"), (-1, "down")], coerce=lambda value: Vote(int(value))
    )


class OnForm(forms.Form):
    """A switch: `on=1` or `on=0`."""

    on = forms.TypedChoiceField(choices=[("1", "on"), ("0", "off")], coerce=lambda v: v == "1")


class OnceForm(forms.Form):
    """Carries the one-time key that makes sending twice harmless."""

    _once = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)


def body_field(label: Any, *, required: bool, rows: int) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=required,
        strip=False,
        widget=forms.Textarea(attrs={"rows": rows, "data-tf-composer": ""}),
    )


class CommentForm(OnceForm):
    body = body_field(_("Your comment"), required=False, rows=5)


class EditForm(forms.Form):
    body = body_field(_("Text"), required=False, rows=8)
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class EditThreadForm(EditForm):
    title = forms.CharField(label=_("Title"), required=False)
    field_order = ["title", "body", "version"]


class ThreadForm(OnceForm):
    title = forms.CharField(
        label=_("Title"), required=False, widget=forms.TextInput(attrs={"maxlength": 300})
    )
    url = forms.CharField(
        label=_("Link"),
        required=False,
        help_text=_("Only for a link thread. Leave it empty to write a text."),
        widget=forms.URLInput,
    )
    body = body_field(_("Text"), required=False, rows=10)
    flair = forms.ChoiceField(label=_("Flair"), required=False)
    field_order = ["title", "url", "body", "flair", "_once"]

    def __init__(self, *args: Any, sub: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if sub.flairs:
            choices = [(flair["code"], flair["label"]) for flair in sub.flairs]
            self.fields["flair"].choices = [("", _("None")), *choices]  # type: ignore[attr-defined]
        else:
            del self.fields["flair"]


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=300,
        help_text=_("The author and the public log see it. Name the rule."),
    )


class LockForm(ReasonForm):
    on = forms.TypedChoiceField(
        choices=[("1", "on"), ("0", "off")], coerce=lambda v: v == "1", widget=forms.HiddenInput
    )


class SubForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=100)
    description = forms.CharField(
        label=_("In one sentence"),
        required=False,
        max_length=300,
        help_text=_("What people find here. It stands in lists and search results."),
    )
    sidebar = body_field(_("About"), required=False, rows=6)
    visibility = forms.ChoiceField(
        label=_("Who may read and write"), choices=Visibility.choices, widget=forms.RadioSelect
    )


class OpenSubForm(SubForm):
    slug = forms.CharField(
        label=_("Name"),
        max_length=30,
        help_text=_("2 to 30 small letters, digits or _. It can't be changed later."),
    )
    field_order = ["slug", "title", "description", "sidebar", "visibility"]


class EditSubForm(SubForm):
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)


class PersonForm(forms.Form):
    person = forms.CharField(label=_("User name"), max_length=150)


class AnswerForm(PersonForm):
    on = OnForm.base_fields["on"]


class BanForm(PersonForm):
    reason = forms.CharField(label=_("Reason"), required=False, max_length=300)
    days = forms.IntegerField(
        label=_("Days"),
        required=False,
        min_value=1,
        max_value=3650,
        help_text=_("Leave it empty for a ban without end."),
    )
