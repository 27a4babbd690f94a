"""One's own plan: what runs, changing it, ending it, pausing it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from threadflow_core.exceptions import NotFound, SignInRequired
from threadflow_core.views import FormPage, see_other

from .. import clock, showcase
from ..access import access_of
from ..forms import CancelForm, FlowForm, PriceForm
from ..models import Command, Grant, Price, Subscription
from ..services import checkout, portal, subscriptions
from .base import CommandView, OwnPage, absolute


class ManageView(OwnPage):
    """The current plan, what it can be changed to, and all that can be done about it."""

    template_name = "threadflow_billing/manage.html"
    tab = "manage"
    title = gettext_lazy("Your plan")

    def get_context(self) -> dict[str, Any]:
        account = self.account
        row = Subscription.objects.current(account) if account else None
        grants = []
        if account is not None:
            rows = Grant.objects.filter(account=account).active(clock.now())
            grants = list(rows.select_related("plan").order_by("starts_at"))
        interval = row.price.interval if row and row.price else "month"
        cards = showcase.build(interval).cards if row else []
        choices = [
            (card, subscriptions.is_upgrade(row.price, card.price))
            for card in cards
            if row and card.price and card.price.pk != row.price_id
        ]
        other = self._other_interval(row)
        # Where a change would be refused none is offered.
        may_change = (
            row is not None
            and row.status in ("active", "trialing")
            and row.ends_at is None
            and not row.change_unpaid
            and bool(choices or other)
        )
        return {
            "subscription": row,
            "grants": grants,
            "plan": access_of(self.request).plan,
            "choices": choices,
            "other_interval": other,
            "may_change": may_change,
            "account": account,
        }

    def _other_interval(self, row: Subscription | None) -> Price | None:
        if row is None or row.price is None:
            return None
        other = "year" if row.price.interval == "month" else "month"
        prices = Price.objects.for_sale().filter(plan=row.price.plan, interval=other)
        found: Price | None = prices.order_by("-pk").first()
        return found


class ChangeView(CommandView):
    """To another price: upward the figures are shown first, downward it is asked once more."""

    form_class = PriceForm
    limit = subscriptions.CHANGE
    title = gettext_lazy("Change your plan")

    def plan(self, form: Any) -> Command:
        price = checkout.find_price(form.cleaned_data["plan"], form.cleaned_data["interval"])
        return subscriptions.preview(person=self.request.user, price=price)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.get_form()
        if form.is_valid():
            row = _current(request.user)
            data = form.cleaned_data
            price = checkout.find_price(data["plan"], data["interval"]) if row else None
            if row and price and not subscriptions.is_upgrade(row.price, price):
                url = reverse("threadflow_billing:downgrade")
                return see_other(f"{url}?plan={data['plan']}&interval={data['interval']}")
        return super().post(request, *args, **kwargs)


def _current(person: Any) -> Subscription | None:
    from ..exceptions import NotSubscribed

    try:
        return subscriptions.current(person)
    except NotSubscribed:
        return None


class ApplyView(CommandView):
    """Do the change whose figures were shown."""

    form_class = PriceForm
    limit = subscriptions.CHANGE
    title = gettext_lazy("Change your plan")

    def plan(self, form: Any) -> Command:
        data = form.cleaned_data
        price = checkout.find_price(data["plan"], data["interval"])
        return subscriptions.change(
            person=self.request.user, price=price, preview_id=data["preview"]
        )


class PreviewView(OwnPage):
    """What an upgrade costs now, line by line, before anything happens."""

    template_name = "threadflow_billing/preview.html"
    tab = "manage"
    title = gettext_lazy("Change your plan")

    def get_context(self) -> dict[str, Any]:
        command = Command.objects.get_visible(self.request.user, self.kwargs["id"])  # type: ignore[attr-defined]
        if command.kind != "preview" or command.state != Command.State.DONE:
            raise NotFound()
        price = Price.objects.select_related("plan").get(lookup_key=command.params["price_key"])
        return {"command": command, "figures": command.result, "price": price}


class OwnForm(FormPage, CommandView):
    """A form page whose action asks Stripe."""

    def check_access(self) -> None:
        if not self.page.signed_in:
            raise SignInRequired()

    def answer_success(self, context: dict[str, Any]) -> HttpResponse:
        return CommandView.answer_success(self, context)


class DowngradeView(OwnForm):
    """Ask once more: a smaller plan begins with the next period."""

    form_class = PriceForm
    limit = subscriptions.CHANGE
    title = gettext_lazy("Change to a smaller plan")
    submit_label = gettext_lazy("Change with the next period")

    def get_initial(self) -> dict[str, Any]:
        return {name: self.request.GET.get(name, "") for name in ("plan", "interval")}

    def get_form_context(self, form: Any) -> dict[str, Any]:
        context = super().get_form_context(form)
        text = _(
            "You keep what you have until the end of the period that you paid for. Then the "
            "smaller plan begins. Nothing that you wrote is deleted."
        )
        return {**context, "text": text, "cancel_url": reverse("threadflow_billing:manage")}

    def plan(self, form: Any) -> Command:
        data = form.cleaned_data
        price = checkout.find_price(data["plan"], data["interval"])
        return subscriptions.change(person=self.request.user, price=price)


class CancelView(OwnForm):
    form_class = CancelForm
    limit = subscriptions.CHANGE
    title = gettext_lazy("Cancel your plan")
    submit_label = gettext_lazy("Cancel with the end of the period")

    def get_form_context(self, form: Any) -> dict[str, Any]:
        context = super().get_form_context(form)
        text = _(
            "You keep everything until the end of the period that you paid for. Nothing that you "
            "wrote is hidden or deleted. You can take it back until then."
        )
        cancel = reverse("threadflow_billing:manage")
        return {**context, "text": text, "danger": True, "cancel_url": cancel}

    def plan(self, form: Any) -> Command:
        return subscriptions.cancel(person=self.request.user, reason=form.cleaned_data["reason"])


class ResumeView(CommandView):
    limit = subscriptions.CHANGE

    def plan(self, form: Any) -> Command:
        return subscriptions.resume(person=self.request.user)


class PauseView(CommandView):
    limit = subscriptions.CHANGE

    def plan(self, form: Any) -> Command:
        return subscriptions.pause(person=self.request.user)


class KeepPlanView(CommandView):
    """Call off a change that waits for the next period."""

    limit = subscriptions.CHANGE

    def plan(self, form: Any) -> Command:
        return subscriptions.keep_plan(person=self.request.user)


class PortalView(CommandView):
    """Stripe's own page: cards, addresses, tax numbers."""

    form_class = FlowForm
    limit = portal.OPEN

    def plan(self, form: Any) -> Command:
        return portal.open_portal(
            person=self.request.user,
            return_url=absolute(self.request, "manage"),
            flow=form.cleaned_data["flow"],
        )


class PayView(CommandView):
    """The invoice that is open: where a failed payment is made good."""

    limit = portal.OPEN

    def plan(self, form: Any) -> Command:
        return portal.open_unpaid(person=self.request.user)
