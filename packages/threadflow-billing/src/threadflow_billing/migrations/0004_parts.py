"""Every charge of an order is known, not only the first."""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

import threadflow_core.ids


def first_parts(apps: Any, schema_editor: Any) -> None:
    """Orders from before have one charge: their own."""
    orders = apps.get_model("threadflow_billing", "PaymentOrder").objects
    parts = apps.get_model("threadflow_billing", "PaymentPart").objects
    refunds = apps.get_model("threadflow_billing", "Refund").objects
    paid = orders.exclude(intent_id=None, charge_id="").exclude(
        state__in=("created", "pending", "processing", "failed", "expired", "canceled")
    )
    for order in paid.iterator():
        part = parts.create(
            order=order,
            intent_id=order.intent_id,
            charge_id=order.charge_id,
            amount=order.amount,
        )
        refunds.filter(order=order).update(part=part)


class Migration(migrations.Migration):
    dependencies = [("threadflow_billing", "0003_guards")]
    operations = [
        migrations.CreateModel(
            name="PaymentPart",
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
                    "intent_id",
                    models.CharField(
                        max_length=80, null=True, unique=True, verbose_name="payment intent"
                    ),
                ),
                (
                    "charge_id",
                    models.CharField(
                        blank=True, db_index=True, max_length=80, verbose_name="charge"
                    ),
                ),
                ("amount", models.BigIntegerField(verbose_name="amount")),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="parts",
                        to="threadflow_billing.paymentorder",
                        verbose_name="payment",
                    ),
                ),
            ],
            options={
                "verbose_name": "part of a payment",
                "verbose_name_plural": "parts of payments",
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(amount__gte=0), name="threadflow_billing_part_amount"
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="refund",
            name="part",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="refunds",
                to="threadflow_billing.paymentpart",
            ),
        ),
        migrations.RunPython(first_parts, migrations.RunPython.noop),
    ]
