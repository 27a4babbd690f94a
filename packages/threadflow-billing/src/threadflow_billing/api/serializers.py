"""What goes in and out. Nothing that comes in is an amount or an id of Stripe's."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class PriceSerializer(serializers.Serializer[Any]):
    interval = serializers.CharField()
    months = serializers.IntegerField()
    amount = serializers.IntegerField(help_text="In minor units.")
    currency = serializers.CharField()


class PlanSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    tagline = serializers.CharField(allow_blank=True)
    tier = serializers.IntegerField()
    is_default = serializers.BooleanField()
    trial_days = serializers.IntegerField()
    prices = PriceSerializer(many=True)
    features = serializers.DictField(
        help_text="True or False, or an amount; null is without bound."
    )


class ChoiceSerializer(serializers.Serializer[Any]):
    plan = serializers.SlugField(max_length=30)
    interval = serializers.ChoiceField(choices=["month", "year"])


class ChangeSerializer(ChoiceSerializer):
    preview = serializers.UUIDField(required=False, allow_null=True)


class PortalSerializer(serializers.Serializer[Any]):
    flow = serializers.CharField(required=False, allow_blank=True, default="", max_length=40)


class CancelSerializer(serializers.Serializer[Any]):
    when = serializers.ChoiceField(choices=["period_end", "now"], default="period_end")
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=300)


class EmptySerializer(serializers.Serializer[Any]):
    """No fields."""


class ErrorSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)


class CommandSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    kind = serializers.CharField()
    state = serializers.CharField(help_text="planned, sent, done, failed or unknown.")
    result = serializers.DictField()
    error = ErrorSerializer(allow_null=True)


class CheckoutStateSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    state = serializers.CharField()
    url = serializers.CharField(allow_blank=True, help_text="Where to pay, while that is open.")
    is_active = serializers.BooleanField(help_text="Whether what was bought is open now.")


class SubscriptionSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    status = serializers.CharField()
    plan = serializers.CharField(source="price.plan.code", allow_null=True, default=None)
    interval = serializers.CharField(source="price.interval", allow_null=True, default=None)
    amount = serializers.IntegerField(source="price.amount", allow_null=True, default=None)
    currency = serializers.CharField(source="price.currency", allow_null=True, default=None)
    period_start = serializers.DateTimeField(allow_null=True)
    period_end = serializers.DateTimeField(allow_null=True)
    trial_end = serializers.DateTimeField(allow_null=True)
    ends_at = serializers.DateTimeField(allow_null=True)
    grace_until = serializers.DateTimeField(allow_null=True)
    next_plan = serializers.CharField(
        source="pending_price.plan.code", allow_null=True, default=None
    )
    change_unpaid = serializers.BooleanField()


class MineSerializer(serializers.Serializer[Any]):
    """The plan in force, and the subscription, if there is one."""

    plan = serializers.CharField(allow_null=True)
    subscription = SubscriptionSerializer(allow_null=True)


class StepSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    entity = serializers.CharField()
    before = serializers.CharField(allow_blank=True)
    after = serializers.CharField()
    by = serializers.CharField(source="actor_kind")
    created_at = serializers.DateTimeField()


class InvoiceSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField(allow_blank=True)
    purpose = serializers.CharField()
    plan = serializers.CharField(source="price.plan.code", allow_null=True, default=None)
    state = serializers.CharField()
    amount = serializers.IntegerField()
    tax = serializers.IntegerField()
    refunded = serializers.IntegerField()
    currency = serializers.CharField()
    dispute = serializers.CharField()
    paid_at = serializers.DateTimeField(allow_null=True)


class UsageSerializer(serializers.Serializer[Any]):
    feature = serializers.CharField()
    label = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    kind = serializers.CharField()
    allowed = serializers.BooleanField()
    limit = serializers.IntegerField(allow_null=True)
    used = serializers.IntegerField()
    remaining = serializers.IntegerField(allow_null=True)
    reset_at = serializers.DateTimeField(allow_null=True)
    upgrade_url = serializers.CharField(allow_blank=True)


class GiftSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    plan = serializers.CharField(source="price.plan.code")
    months = serializers.IntegerField(source="price.months")
    state = serializers.CharField()
    code = serializers.CharField(allow_blank=True, help_text="For the buyer, until redeemed.")
    hint = serializers.CharField()
    expires_at = serializers.DateTimeField()


class GiftOrderSerializer(serializers.Serializer[Any]):
    plan = serializers.SlugField(max_length=30)
    months = serializers.IntegerField(min_value=1, max_value=60)


class RedeemSerializer(serializers.Serializer[Any]):
    code = serializers.CharField(max_length=60)


class GrantSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    plan = serializers.CharField(source="plan.code")
    source = serializers.CharField()  # type: ignore[assignment]
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
