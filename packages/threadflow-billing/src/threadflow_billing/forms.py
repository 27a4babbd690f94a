"""What pages take from people. None of it is an amount or an id of Stripe's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from .templatetags.threadflow_billing import money

INTERVALS = [("month", _("Monthly")), ("year", _("Yearly"))]


class PriceForm(forms.Form):
    """A plan and a period."""

    plan = forms.SlugField(max_length=30, widget=forms.HiddenInput)
    interval = forms.ChoiceField(choices=INTERVALS, widget=forms.HiddenInput)
    preview = forms.UUIDField(required=False, widget=forms.HiddenInput)


class FlowForm(forms.Form):
    flow = forms.CharField(max_length=40, required=False)


class InvoiceForm(forms.Form):
    order = forms.UUIDField()
    pdf = forms.BooleanField(required=False)


class CancelForm(forms.Form):
    reason = forms.CharField(
        label=_("What made you decide? (if you like)"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class RedeemForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=60,
        help_text=_("20 letters and digits. Small letters, spaces and dashes do not matter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class GiftForm(forms.Form):
    """Which gift: a plan and a number of months that are for sale."""

    gift = forms.ChoiceField(label=_("What you give"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, prices: list[Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (
                f"{price.plan.code}:{price.months}",
                _("%(plan)s for %(n)s months, %(price)s")
                % {
                    "plan": price.plan.name,
                    "n": price.months,
                    "price": money(price.amount, price.currency),
                },
            )
            for price in prices
        ]
        self.fields["gift"].choices = choices  # type: ignore[attr-defined]

    def chosen(self) -> tuple[str, int]:
        code, _colon, months = self.cleaned_data["gift"].partition(":")
        return code, int(months)
