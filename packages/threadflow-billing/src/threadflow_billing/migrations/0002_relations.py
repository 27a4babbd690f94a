"""Every relation, the closed models, indexes and constraints."""

from __future__ import annotations

import django.core.serializers.json
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import threadflow_billing.clock
import threadflow_core.ids
from threadflow_core import swaps

APP = "threadflow_billing"


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("threadflow_billing", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        swaps.dependency(APP, "Plan"),
    ]
    operations = [
        migrations.CreateModel(
            name="BillingAccount",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "customer_id",
                    models.CharField(
                        max_length=80, null=True, unique=True, verbose_name="customer at Stripe"
                    ),
                ),
                ("email", models.CharField(blank=True, max_length=254, verbose_name="e-mail")),
                ("currency", models.CharField(blank=True, max_length=3, verbose_name="currency")),
                ("livemode", models.BooleanField(default=False, verbose_name="real money")),
                ("epoch", models.PositiveBigIntegerField(default=1, verbose_name="epoch")),
                (
                    "trial_used_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="had a trial"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                ("deleted_at", models.DateTimeField(blank=True, null=True, verbose_name="closed")),
                (
                    "deleted_reason",
                    models.CharField(blank=True, max_length=300, verbose_name="why closed"),
                ),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "deleted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="closed by",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="owner",
                    ),
                ),
            ],
            options={
                "verbose_name": "billing account",
                "verbose_name_plural": "billing accounts",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("owner",),
                        name="threadflow_billing_account_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Command",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.CharField(max_length=30, verbose_name="kind")),
                ("target_id", models.UUIDField(blank=True, null=True, verbose_name="concerns")),
                (
                    "params",
                    models.JSONField(
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name="parameters",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "waiting"),
                            ("sent", "sent, no answer yet"),
                            ("done", "done"),
                            ("failed", "refused"),
                            ("unknown", "outcome unknown"),
                        ],
                        default="planned",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                (
                    "result",
                    models.JSONField(
                        blank=True,
                        default=dict,
                        encoder=django.core.serializers.json.DjangoJSONEncoder,
                        verbose_name="result",
                    ),
                ),
                ("error_code", models.CharField(blank=True, max_length=80, verbose_name="error")),
                ("error", models.CharField(blank=True, max_length=300, verbose_name="error text")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="first sent")),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="finished"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commands",
                        to="threadflow_billing.billingaccount",
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "command",
                "verbose_name_plural": "commands",
                "indexes": [
                    models.Index(fields=["state", "created_at"], name="tf_bill_command_state")
                ],
            },
        ),
        migrations.CreateModel(
            name="Drift",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.CharField(max_length=20, verbose_name="kind")),
                ("object_key", models.CharField(max_length=140, verbose_name="object")),
                ("detail", models.CharField(max_length=300, verbose_name="detail")),
                (
                    "found_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="found"
                    ),
                ),
                ("fixed_at", models.DateTimeField(blank=True, null=True, verbose_name="repaired")),
            ],
            options={
                "verbose_name": "drift",
                "verbose_name_plural": "drift",
                "indexes": [models.Index(fields=["-found_at"], name="tf_bill_drift_found")],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("subscription", "subscription"),
                            ("gift", "gift"),
                            ("comp", "given by staff"),
                        ],
                        max_length=12,
                        verbose_name="from",
                    ),
                ),
                (
                    "source_id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7, verbose_name="id of the source"
                    ),
                ),
                (
                    "starts_at",
                    models.DateTimeField(default=threadflow_billing.clock.now, verbose_name="from"),
                ),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                (
                    "revoked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="taken back"),
                ),
                ("lapsed_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="threadflow_billing.billingaccount",
                        verbose_name="account",
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=swaps.label(APP, "Plan"),
                        verbose_name="plan",
                    ),
                ),
            ],
            options={
                "verbose_name": "grant",
                "verbose_name_plural": "grants",
                "indexes": [
                    models.Index(fields=["account", "plan"], name="tf_bill_grant_account"),
                    models.Index(
                        condition=models.Q(("lapsed_at", None), ("revoked_at", None)),
                        fields=["ends_at"],
                        name="tf_bill_grant_ends",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("source", "source_id"), name="threadflow_billing_grant_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerAccount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=60, verbose_name="account")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
            ],
            options={
                "verbose_name": "ledger account",
                "verbose_name_plural": "ledger accounts",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("code", "currency"), name="threadflow_billing_ledgeraccount_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerTransaction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("posting_key", models.CharField(max_length=160, unique=True, verbose_name="key")),
                ("kind", models.CharField(max_length=20, verbose_name="kind")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("order_id", models.UUIDField(null=True, verbose_name="payment")),
                ("happened_at", models.DateTimeField(verbose_name="happened")),
                (
                    "posted_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="booked"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="threadflow_billing.billingaccount",
                    ),
                ),
                (
                    "reversal_of",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reversed_by",
                        to="threadflow_billing.ledgertransaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger transaction",
                "verbose_name_plural": "ledger transactions",
                "indexes": [
                    models.Index(fields=["order_id"], name="tf_bill_ledger_order"),
                    models.Index(fields=["-happened_at"], name="tf_bill_ledger_when"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LedgerEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount", models.BigIntegerField(verbose_name="amount")),
                (
                    "ledger_account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="threadflow_billing.ledgeraccount",
                    ),
                ),
                (
                    "transaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="threadflow_billing.ledgertransaction",
                    ),
                ),
            ],
            options={
                "verbose_name": "ledger entry",
                "verbose_name_plural": "ledger entries",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount", 0), _negated=True),
                        name="threadflow_billing_entry_not_zero",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ObjectSync",
            fields=[
                (
                    "key",
                    models.CharField(
                        max_length=140, primary_key=True, serialize=False, verbose_name="object"
                    ),
                ),
                ("dirty_seq", models.PositiveBigIntegerField(default=0, verbose_name="heard")),
                ("done_seq", models.PositiveBigIntegerField(default=0, verbose_name="applied")),
                ("fetched_at", models.DateTimeField(blank=True, null=True, verbose_name="fetched")),
                ("result", models.CharField(blank=True, max_length=40, verbose_name="result")),
                ("error", models.CharField(blank=True, max_length=300, verbose_name="error")),
                (
                    "changed_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="heard last"
                    ),
                ),
            ],
            options={
                "verbose_name": "Stripe object",
                "verbose_name_plural": "Stripe objects",
                "indexes": [
                    models.Index(
                        condition=models.Q(("dirty_seq__gt", models.F("done_seq"))),
                        fields=["changed_at"],
                        name="tf_bill_sync_behind",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Override",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("feature", models.CharField(max_length=80, verbose_name="feature")),
                ("allowed", models.BooleanField(default=True, verbose_name="included")),
                (
                    "amount",
                    models.BigIntegerField(
                        blank=True,
                        help_text="Empty: without bound.",
                        null=True,
                        verbose_name="amount",
                    ),
                ),
                ("removed", models.BooleanField(default=False, verbose_name="taken away")),
                ("ends_at", models.DateTimeField(blank=True, null=True, verbose_name="until")),
                ("reason", models.CharField(max_length=300, verbose_name="reason")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="overrides",
                        to="threadflow_billing.billingaccount",
                        verbose_name="account",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "override",
                "verbose_name_plural": "overrides",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "feature"), name="threadflow_billing_override_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PaymentOrder",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("subscription", "subscription"),
                            ("renewal", "renewal or change"),
                            ("gift", "gift"),
                        ],
                        max_length=12,
                        verbose_name="for",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("created", "being opened"),
                            ("pending", "waiting for payment"),
                            ("processing", "payment is under way"),
                            ("paid", "paid"),
                            ("partially_refunded", "partly refunded"),
                            ("refunded", "refunded"),
                            ("failed", "failed"),
                            ("expired", "expired"),
                            ("canceled", "canceled"),
                        ],
                        default="created",
                        max_length=20,
                        verbose_name="state",
                    ),
                ),
                ("amount", models.BigIntegerField(verbose_name="amount")),
                ("tax", models.BigIntegerField(default=0, verbose_name="tax")),
                ("refunded", models.BigIntegerField(default=0, verbose_name="refunded")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "session_id",
                    models.CharField(
                        max_length=120, null=True, unique=True, verbose_name="checkout session"
                    ),
                ),
                ("session_url", models.TextField(blank=True, editable=False)),
                (
                    "intent_id",
                    models.CharField(
                        max_length=80, null=True, unique=True, verbose_name="payment intent"
                    ),
                ),
                ("charge_id", models.CharField(blank=True, max_length=80, verbose_name="charge")),
                (
                    "invoice_id",
                    models.CharField(max_length=80, null=True, unique=True, verbose_name="invoice"),
                ),
                (
                    "number",
                    models.CharField(blank=True, max_length=80, verbose_name="invoice number"),
                ),
                (
                    "dispute",
                    models.CharField(
                        choices=[
                            ("none", "none"),
                            ("open", "open"),
                            ("won", "won"),
                            ("lost", "lost"),
                        ],
                        default="none",
                        max_length=4,
                        verbose_name="dispute",
                    ),
                ),
                (
                    "failure",
                    models.CharField(blank=True, max_length=300, verbose_name="why it failed"),
                ),
                (
                    "expires_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="open until"),
                ),
                ("returned_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("paid_at", models.DateTimeField(blank=True, null=True, verbose_name="paid")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                ("metadata", models.JSONField(blank=True, default=dict, verbose_name="metadata")),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="orders",
                        to="threadflow_billing.billingaccount",
                        verbose_name="account",
                    ),
                ),
            ],
            options={
                "verbose_name": "payment",
                "verbose_name_plural": "payments",
                "indexes": [models.Index(fields=["account", "-id"], name="tf_bill_order_account")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(
                            ("purpose", "subscription"), ("state__in", ["created", "pending"])
                        ),
                        fields=("account",),
                        name="threadflow_billing_one_checkout",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("refunded__gte", 0), ("refunded__lte", models.F("amount"))
                        ),
                        name="threadflow_billing_refunded_bound",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount__gte", 0)),
                        name="threadflow_billing_order_amount",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "provider_id",
                    models.CharField(max_length=80, unique=True, verbose_name="id at Stripe"),
                ),
                ("status", models.CharField(max_length=40, verbose_name="status")),
                ("reason", models.CharField(blank=True, max_length=80, verbose_name="reason")),
                ("amount", models.BigIntegerField(verbose_name="amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="disputes",
                        to="threadflow_billing.paymentorder",
                        verbose_name="payment",
                    ),
                ),
            ],
            options={
                "verbose_name": "dispute",
                "verbose_name_plural": "disputes",
            },
        ),
        migrations.CreateModel(
            name="PlanFeature",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("feature", models.CharField(max_length=80, verbose_name="feature")),
                ("allowed", models.BooleanField(default=True, verbose_name="included")),
                ("amount", models.BigIntegerField(blank=True, null=True, verbose_name="amount")),
                ("is_pinned", models.BooleanField(default=False, verbose_name="set by hand")),
                (
                    "plan",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="features",
                        to=swaps.label(APP, "Plan"),
                        verbose_name="plan",
                    ),
                ),
            ],
            options={
                "verbose_name": "feature of a plan",
                "verbose_name_plural": "features of plans",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("plan", "feature"), name="threadflow_billing_planfeature_once"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Price",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "interval",
                    models.CharField(
                        choices=[("month", "month"), ("year", "year"), ("gift", "gift")],
                        max_length=5,
                        verbose_name="per",
                    ),
                ),
                ("months", models.PositiveSmallIntegerField(default=1, verbose_name="months")),
                ("amount", models.BigIntegerField(verbose_name="amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                (
                    "lookup_key",
                    models.CharField(max_length=120, unique=True, verbose_name="name at Stripe"),
                ),
                (
                    "provider_id",
                    models.CharField(
                        max_length=80, null=True, unique=True, verbose_name="price at Stripe"
                    ),
                ),
                ("is_active", models.BooleanField(default=True, verbose_name="for sale")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="prices",
                        to=swaps.label(APP, "Plan"),
                        verbose_name="plan",
                    ),
                ),
            ],
            options={
                "verbose_name": "price",
                "verbose_name_plural": "prices",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)),
                        name="threadflow_billing_price_positive",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="GiftCode",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("code_hash", models.CharField(max_length=64, unique=True)),
                ("hint", models.CharField(max_length=4, verbose_name="ends in")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("issued", "can be redeemed"),
                            ("redeemed", "redeemed"),
                            ("revoked", "taken back"),
                        ],
                        default="issued",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("expires_at", models.DateTimeField(verbose_name="redeem until")),
                ("redeemed_at", models.DateTimeField(null=True, verbose_name="redeemed")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="gifts",
                        to="threadflow_billing.billingaccount",
                        verbose_name="buyer",
                    ),
                ),
                (
                    "redeemed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="threadflow_billing.billingaccount",
                    ),
                ),
                (
                    "grant",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="threadflow_billing.grant",
                    ),
                ),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="gift",
                        to="threadflow_billing.paymentorder",
                        verbose_name="payment",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="threadflow_billing.price",
                    ),
                ),
            ],
            options={
                "verbose_name": "gift",
                "verbose_name_plural": "gifts",
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "provider_id",
                    models.CharField(
                        max_length=80, null=True, unique=True, verbose_name="id at Stripe"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("requested", "asked for"),
                            ("submitted", "sent to Stripe"),
                            ("pending", "under way"),
                            ("requires_action", "the customer must act"),
                            ("succeeded", "done"),
                            ("failed", "failed"),
                            ("canceled", "canceled"),
                        ],
                        default="requested",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("amount", models.BigIntegerField(verbose_name="amount")),
                ("currency", models.CharField(max_length=3, verbose_name="currency")),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                (
                    "failure",
                    models.CharField(blank=True, max_length=300, verbose_name="why it failed"),
                ),
                ("anomaly", models.CharField(blank=True, max_length=200, verbose_name="odd")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="refunds",
                        to="threadflow_billing.paymentorder",
                        verbose_name="payment",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("amount__gt", 0)),
                        name="threadflow_billing_refund_positive",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ReminderSent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.CharField(max_length=20, verbose_name="kind")),
                ("period", models.CharField(max_length=120, verbose_name="period")),
                (
                    "details",
                    models.JSONField(
                        default=dict, encoder=django.core.serializers.json.DjangoJSONEncoder
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(default=threadflow_billing.clock.now, verbose_name="due"),
                ),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="threadflow_billing.billingaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "reminder",
                "verbose_name_plural": "reminders",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "kind", "period"),
                        name="threadflow_billing_reminder_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "provider_id",
                    models.CharField(max_length=80, unique=True, verbose_name="id at Stripe"),
                ),
                ("status", models.CharField(max_length=30, verbose_name="status")),
                ("quantity", models.PositiveIntegerField(default=1, verbose_name="quantity")),
                (
                    "cancel_at_period_end",
                    models.BooleanField(default=False, verbose_name="ends with the period"),
                ),
                ("cancel_at", models.DateTimeField(blank=True, null=True, verbose_name="ends")),
                (
                    "period_start",
                    models.DateTimeField(blank=True, null=True, verbose_name="period from"),
                ),
                (
                    "period_end",
                    models.DateTimeField(blank=True, null=True, verbose_name="period until"),
                ),
                (
                    "trial_end",
                    models.DateTimeField(blank=True, null=True, verbose_name="trial until"),
                ),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                ("paused_at", models.DateTimeField(blank=True, null=True, verbose_name="paused")),
                (
                    "past_due_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="payment failed"),
                ),
                (
                    "grace_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="grace until"),
                ),
                (
                    "schedule_id",
                    models.CharField(blank=True, max_length=80, verbose_name="schedule at Stripe"),
                ),
                (
                    "change_unpaid",
                    models.BooleanField(default=False, verbose_name="change waits for payment"),
                ),
                (
                    "collection_paused",
                    models.BooleanField(default=False, verbose_name="collection paused"),
                ),
                (
                    "latest_invoice",
                    models.CharField(blank=True, max_length=80, verbose_name="latest invoice"),
                ),
                ("card", models.JSONField(blank=True, default=dict, verbose_name="card")),
                ("anomaly", models.CharField(blank=True, max_length=200, verbose_name="odd")),
                ("remote", models.JSONField(blank=True, default=dict, verbose_name="as fetched")),
                (
                    "remote_fetched_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="fetched"),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="created"
                    ),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="subscriptions",
                        to="threadflow_billing.billingaccount",
                        verbose_name="account",
                    ),
                ),
                (
                    "pending_price",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="threadflow_billing.price",
                    ),
                ),
                (
                    "previous",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="threadflow_billing.subscription",
                    ),
                ),
                (
                    "price",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="threadflow_billing.price",
                        verbose_name="price",
                    ),
                ),
            ],
            options={
                "verbose_name": "subscription",
                "verbose_name_plural": "subscriptions",
                "indexes": [
                    models.Index(fields=["account", "-id"], name="tf_bill_sub_account"),
                    models.Index(fields=["status", "period_end"], name="tf_bill_sub_due"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Transition",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("entity", models.CharField(max_length=20, verbose_name="what")),
                ("entity_id", models.UUIDField(verbose_name="id")),
                ("before", models.CharField(blank=True, max_length=60, verbose_name="from")),
                ("after", models.CharField(max_length=60, verbose_name="to")),
                (
                    "actor_kind",
                    models.CharField(
                        choices=[
                            ("user", "a person"),
                            ("system", "the system"),
                            ("stripe", "Stripe"),
                        ],
                        max_length=6,
                        verbose_name="by",
                    ),
                ),
                ("cause", models.CharField(max_length=120, verbose_name="cause")),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("is_anomaly", models.BooleanField(default=False, verbose_name="odd")),
                (
                    "created_at",
                    models.DateTimeField(default=threadflow_billing.clock.now, verbose_name="when"),
                ),
                (
                    "account",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="transitions",
                        to="threadflow_billing.billingaccount",
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "transition",
                "verbose_name_plural": "history",
                "indexes": [
                    models.Index(fields=["account", "-id"], name="tf_bill_step_account"),
                    models.Index(fields=["entity_id"], name="tf_bill_step_entity"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageCounter",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("feature", models.CharField(max_length=80, verbose_name="feature")),
                ("period", models.CharField(max_length=16, verbose_name="period")),
                ("used", models.BigIntegerField(default=0, verbose_name="used")),
                (
                    "account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="threadflow_billing.billingaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "usage",
                "verbose_name_plural": "usage",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("account", "feature", "period"),
                        name="threadflow_billing_usage_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="UsageHold",
            fields=[
                ("key", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("feature", models.CharField(max_length=80)),
                ("period", models.CharField(max_length=16)),
                ("amount", models.BigIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("held", "held"),
                            ("settled", "settled"),
                            ("released", "released"),
                        ],
                        default="held",
                        max_length=8,
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_index=True, default=threadflow_billing.clock.now),
                ),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="threadflow_billing.billingaccount",
                    ),
                ),
            ],
            options={
                "verbose_name": "usage hold",
                "verbose_name_plural": "usage holds",
            },
        ),
        migrations.CreateModel(
            name="WebhookEvent",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=threadflow_core.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "event_id",
                    models.CharField(max_length=80, unique=True, verbose_name="id at Stripe"),
                ),
                ("type", models.CharField(max_length=80, verbose_name="type")),
                ("object_key", models.CharField(blank=True, max_length=140, verbose_name="object")),
                (
                    "api_version",
                    models.CharField(blank=True, max_length=40, verbose_name="version"),
                ),
                ("livemode", models.BooleanField(default=False, verbose_name="real money")),
                ("body", models.TextField(blank=True, verbose_name="body")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("received", "waiting"),
                            ("done", "done"),
                            ("ignored", "of no concern"),
                            ("orphaned", "nobody's"),
                        ],
                        default="received",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("created_at", models.DateTimeField(verbose_name="happened")),
                (
                    "received_at",
                    models.DateTimeField(
                        default=threadflow_billing.clock.now, verbose_name="received"
                    ),
                ),
                (
                    "processed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="processed"),
                ),
            ],
            options={
                "verbose_name": "webhook event",
                "verbose_name_plural": "webhook events",
                "indexes": [
                    models.Index(fields=["object_key", "state"], name="tf_bill_event_object"),
                    models.Index(fields=["state", "received_at"], name="tf_bill_event_state"),
                ],
            },
        ),
        migrations.AddField(
            model_name="paymentorder",
            name="price",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="threadflow_billing.price",
                verbose_name="price",
            ),
        ),
        migrations.AddField(
            model_name="paymentorder",
            name="subscription",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="orders",
                to="threadflow_billing.subscription",
                verbose_name="subscription",
            ),
        ),
    ]
