"""REST of billing: the same services as the pages.

What Stripe has to be asked for is answered by a command: 200 with its result when the answer is
there already, 202 while it is on its way; `billing/commands/<id>/` has it then.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework.request import Request
from rest_framework.response import Response

from threadflow_core import ports
from threadflow_core.api.pagination import page_response
from threadflow_core.api.schema import CURSOR, LIMIT, page_schema

from ..access import Access
from ..models import (
    BillingAccount,
    Command,
    GiftCode,
    PaymentOrder,
    PlanFeature,
    Price,
    Subscription,
    Transition,
)
from ..services import checkout, gifts, portal, subscriptions
from ..swaps import get_plan_model
from . import serializers as s
from .base import BillingAPIView, command_data, page_url

ASKED = {
    200: s.CommandSerializer,
    202: OpenApiResponse(s.CommandSerializer, "Stripe is being asked."),
}


class PlansView(BillingAPIView):
    @extend_schema(operation_id="billing_plans", responses=s.PlanSerializer(many=True))
    def get(self, request: Request) -> Response:
        """What is on offer, for everybody."""
        plans: list[Any] = list(get_plan_model()._default_manager.offered())  # type: ignore[attr-defined]
        prices: dict[Any, list[Price]] = {}
        for price in Price.objects.for_sale().order_by("amount"):
            prices.setdefault(price.plan_id, []).append(price)
        features: dict[Any, dict[str, Any]] = {}
        specs = ports.declared_features()
        for row in PlanFeature.objects.filter(plan__in=plans):
            spec = specs.get(row.feature)
            bare = row.allowed if spec is None or spec.kind == "bool" else row.amount
            features.setdefault(row.plan_id, {})[row.feature] = bare if row.allowed else False
        for plan in plans:
            plan.prices_now = prices.get(plan.pk, [])
        data = [
            {
                **{n: getattr(p, n) for n in ("code", "name", "tagline", "tier", "is_default")},
                "trial_days": p.trial_days,
                "prices": s.PriceSerializer(p.prices_now, many=True).data,
                "features": features.get(p.pk, {}),
            }
            for p in plans
        ]
        return Response(data)


class CheckoutView(BillingAPIView):
    limit = checkout.BUY

    @extend_schema(
        operation_id="billing_checkout_start", request=s.ChoiceSerializer, responses=ASKED
    )
    def post(self, request: Request) -> Response:
        """Open a checkout; the result holds `url` and `order`. The same choice again is the same."""
        person = self.person(request)
        data = self.parse(s.ChoiceSerializer, request)
        price = checkout.find_price(data["plan"], data["interval"])
        _order, command = checkout.start(person=person, price=price, **_urls(request))
        return self.asked(command)


def _urls(request: Request, back: str = "plans") -> dict[str, str]:
    nobody = "00000000-0000-0000-0000-000000000000"
    return {
        "success_url": page_url(request, "returned", nobody).replace(nobody, "{order}"),
        "cancel_url": page_url(request, back),
    }


class CheckoutStateView(BillingAPIView):
    @extend_schema(operation_id="billing_checkout", responses=s.CheckoutStateSerializer)
    def get(self, request: Request, id: Any) -> Response:
        """What became of a checkout of one's own."""
        rows = PaymentOrder.objects.select_related("price__plan")
        order = rows.get_visible(self.person(request), id)
        plan = Access(request.user).plan
        tier = order.price.plan.tier if order.price else 0
        active = order.is_settled and (order.purpose == "gift" or (plan and plan.tier >= tier))
        return Response(
            {
                "id": str(order.pk),
                "state": order.state,
                "url": order.session_url,
                "is_active": bool(active),
            }
        )


class CommandView(BillingAPIView):
    @extend_schema(operation_id="billing_command", responses=s.CommandSerializer)
    def get(self, request: Request, id: Any) -> Response:
        """The state of something that Stripe was asked for."""
        return Response(command_data(Command.objects.get_visible(self.person(request), id)))


class PortalView(BillingAPIView):
    limit = portal.OPEN

    @extend_schema(operation_id="billing_portal", request=s.PortalSerializer, responses=ASKED)
    def post(self, request: Request) -> Response:
        """Open Stripe's portal, or one task in it; the result holds `url`."""
        person = self.person(request)
        data = self.parse(s.PortalSerializer, request)
        back = page_url(request, "manage")
        return self.asked(portal.open_portal(person=person, return_url=back, flow=data["flow"]))


class SubscriptionView(BillingAPIView):
    @extend_schema(operation_id="billing_subscription", responses=s.MineSerializer)
    def get(self, request: Request) -> Response:
        """The plan in force and the subscription behind it."""
        person = self.person(request)
        account = BillingAccount.objects.of(person)
        row = Subscription.objects.current(account) if account else None
        plan = Access(person).plan
        body = s.SubscriptionSerializer(row).data if row else None
        return Response({"plan": plan.code if plan else None, "subscription": body})


class PreviewView(BillingAPIView):
    limit = subscriptions.CHANGE

    @extend_schema(
        operation_id="billing_subscription_preview",
        request=s.ChoiceSerializer,
        responses=ASKED,
    )
    def post(self, request: Request) -> Response:
        """What an upgrade would cost now: `amount_due`, `tax`, `lines`."""
        person = self.person(request)
        data = self.parse(s.ChoiceSerializer, request)
        price = checkout.find_price(data["plan"], data["interval"])
        return self.asked(subscriptions.preview(person=person, price=price))


class ChangeView(BillingAPIView):
    limit = subscriptions.CHANGE

    @extend_schema(
        operation_id="billing_subscription_change", request=s.ChangeSerializer, responses=ASKED
    )
    def post(self, request: Request) -> Response:
        """Move to another plan: up at once, down with the next period."""
        person = self.person(request)
        data = self.parse(s.ChangeSerializer, request)
        price = checkout.find_price(data["plan"], data["interval"])
        command = subscriptions.change(person=person, price=price, preview_id=data.get("preview"))
        return self.asked(command)


class CancelView(BillingAPIView):
    limit = subscriptions.CHANGE

    @extend_schema(
        operation_id="billing_subscription_cancel", request=s.CancelSerializer, responses=ASKED
    )
    def post(self, request: Request) -> Response:
        """End with the period; `now` is for staff."""
        person = self.person(request)
        data = self.parse(s.CancelSerializer, request)
        return self.asked(subscriptions.cancel(person=person, **data))


class ResumeView(BillingAPIView):
    limit = subscriptions.CHANGE

    @extend_schema(
        operation_id="billing_subscription_resume", request=s.EmptySerializer, responses=ASKED
    )
    def post(self, request: Request) -> Response:
        """Take back a cancellation, or go on after a pause."""
        return self.asked(subscriptions.resume(person=self.person(request)))


class PauseView(BillingAPIView):
    limit = subscriptions.CHANGE

    @extend_schema(
        operation_id="billing_subscription_pause", request=s.EmptySerializer, responses=ASKED
    )
    def post(self, request: Request) -> Response:
        """Stop paying and using until resumed."""
        return self.asked(subscriptions.pause(person=self.person(request)))


class KeepView(BillingAPIView):
    limit = subscriptions.CHANGE

    @extend_schema(
        operation_id="billing_subscription_keep", request=s.EmptySerializer, responses=ASKED
    )
    def post(self, request: Request) -> Response:
        """Call off a change that waits for the next period."""
        return self.asked(subscriptions.keep_plan(person=self.person(request)))


class HistoryView(BillingAPIView):
    @extend_schema(
        operation_id="billing_subscription_history",
        parameters=[CURSOR, LIMIT],
        responses=page_schema("Billing", s.StepSerializer),
    )
    def get(self, request: Request) -> Response:
        """Every step about one's plan, payments and access, newest first."""
        rows = Transition.objects.visible_to(self.person(request))
        return page_response(
            request, rows.exclude(entity="override"), order=("-pk",), scope="billing.api.history",
            serialize=lambda items: s.StepSerializer(items, many=True).data,
        )  # fmt: skip


class InvoicesView(BillingAPIView):
    @extend_schema(
        operation_id="billing_invoices",
        parameters=[CURSOR, LIMIT],
        responses=page_schema("Billing", s.InvoiceSerializer),
    )
    def get(self, request: Request) -> Response:
        """Payments that came in, newest first. Links to documents: `…/link/`."""
        rows = PaymentOrder.objects.visible_to(self.person(request))
        rows = rows.filter(state__in=("paid", "partially_refunded", "refunded"))
        return page_response(
            request, rows.select_related("price__plan"), order=("-pk",),
            scope="billing.api.invoices",
            serialize=lambda items: s.InvoiceSerializer(items, many=True).data,
        )  # fmt: skip


class InvoiceLinkView(BillingAPIView):
    limit = portal.OPEN

    @extend_schema(
        operation_id="billing_invoice_link",
        request=s.EmptySerializer,
        parameters=[OpenApiParameter("pdf", OpenApiTypes.BOOL)],
        responses=ASKED,
    )
    def post(self, request: Request, id: Any) -> Response:
        """A fresh link to the invoice of a payment, or with `?pdf=true` to its PDF."""
        person = self.person(request)
        order = PaymentOrder.objects.get_visible(person, id)
        pdf = request.query_params.get("pdf", "").lower() in ("1", "true")
        return self.asked(portal.open_invoice(person=person, order=order, pdf=pdf))


class UsageView(BillingAPIView):
    @extend_schema(operation_id="billing_usage", responses=s.UsageSerializer(many=True))
    def get(self, request: Request) -> Response:
        """Every feature: whether one has it, how much, and what is left."""
        specs = ports.declared_features()
        found = Access(self.person(request)).all
        return Response(
            [
                {
                    "feature": code,
                    "label": str(specs[code].label),
                    "kind": specs[code].kind,
                    "allowed": decision.allowed,
                    "limit": decision.limit,
                    "used": decision.used,
                    "remaining": decision.remaining,
                    "reset_at": decision.reset_at.isoformat() if decision.reset_at else None,
                    "upgrade_url": decision.upgrade_url,
                }
                for code, decision in found.items()
            ]
        )


class GiftsView(BillingAPIView):
    limit = checkout.BUY

    @extend_schema(operation_id="billing_gifts", responses=s.GiftSerializer(many=True))
    def get(self, request: Request) -> Response:
        """The newest hundred gifts that one has bought, with the codes that are still good."""
        rows = GiftCode.objects.visible_to(self.person(request)).select_related("price__plan")
        found = list(rows.order_by("-pk")[:100])
        for row in found:
            row.code = gifts.code_of(row) if row.state == "issued" else ""  # type: ignore[attr-defined]
        return Response(s.GiftSerializer(found, many=True).data)

    @extend_schema(operation_id="billing_gift_buy", request=s.GiftOrderSerializer, responses=ASKED)
    def post(self, request: Request) -> Response:
        """Open a checkout for a gift."""
        person = self.person(request)
        data = self.parse(s.GiftOrderSerializer, request)
        price = checkout.find_price(data["plan"], "gift", data["months"])
        _order, command = checkout.start_gift(person=person, price=price, **_urls(request, "gifts"))
        return self.asked(command)


class RedeemView(BillingAPIView):
    limit = gifts.REDEEM

    @extend_schema(
        operation_id="billing_gift_redeem",
        request=s.RedeemSerializer,
        responses=s.GrantSerializer,
    )
    def post(self, request: Request) -> Response:
        """Turn a code into time of a plan."""
        person = self.person(request)
        data = self.parse(s.RedeemSerializer, request)
        grant = gifts.redeem(person=person, code=data["code"])
        return Response(s.GrantSerializer(grant).data)
