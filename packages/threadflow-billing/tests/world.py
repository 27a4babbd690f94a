"""Stripe's side of a test: objects that are there, made by the vendor's own description."""

from __future__ import annotations

import copy
import itertools
import time

from django.urls import reverse

DAY = 86400
SECRET = "whsec_one"


class World:
    """Puts objects into the stand-in and rings the bell. Nothing here is written by hand but ids,
    amounts and states; a field that this API version lacks raises."""

    def __init__(self, mock):
        self.mock = mock
        self.numbers = itertools.count(1)
        self.now = int(time.time())
        mock.on("post", "/v1/customers", self._customer)
        mock.on("post", "/v1/checkout/sessions", self._open)
        mock.on("post", "/v1/prices", self._price)
        mock.on("post", "/v1/refunds", self._refund)
        mock.on("get", "/v1/refunds", self._refunds)
        mock.on("get", "/v1/prices", self._prices)
        mock.on("get", "/v1/subscriptions", self._subscriptions)

    def number(self, stem):
        return f"{stem}_{next(self.numbers):04d}"

    def there(self, name, pk):
        """The stored object, to be changed in place."""
        return self.mock.store[name][pk]

    def change(self, thing, **fields):
        """Change what is stored of an object; returns it as it is now."""
        stored = self.mock.store[thing["object"]][thing["id"]]
        stored.update(fields)
        return stored

    # What Stripe answers with where an echo of the request is not enough

    def _customer(self, seen, body):
        return body

    def _price(self, seen, body):
        body["id"] = f"price_{seen.params['lookup_key']}"
        if not seen.params.get("recurring"):
            body.update(type="one_time", recurring=None)
        self.mock.store["price"][body["id"]] = body
        return body

    def _prices(self, seen, body):
        keys = seen.params.get("lookup_keys")
        rows = self.mock.store.get("price", {}).values()
        body["data"] = [r for r in rows if not keys or r["lookup_key"] in keys]
        return body

    def _subscriptions(self, seen, body):
        rows = list(self.mock.store.get("subscription", {}).values())
        body["data"] = rows if seen.params.get("status") == "all" else body["data"]
        return body

    def _open(self, seen, body):
        params = seen.params
        body.update(
            url=f"https://checkout.example/{body['id']}",
            status="open",
            payment_status="unpaid",
            customer=params["customer"],
            subscription=None,
            invoice=None,
            payment_intent=None,
            amount_total=None,
            currency="eur",
            expires_at=self.now + DAY,
            total_details=None,
        )
        return body

    def _refund(self, seen, body):
        body.update(
            currency="eur",
            payment_intent=seen.params.get("payment_intent"),
            charge=self.charge_of(seen.params.get("payment_intent")),
            status=self.refund_status,
            balance_transaction=self.balance(-body["amount"], kind="refund"),
        )
        return body

    refund_status = "succeeded"

    def _refunds(self, seen, body):
        rows = list(self.mock.store.get("refund", {}).values())
        if seen.params.get("charge"):
            rows = [r for r in rows if r["charge"] == seen.params["charge"]]
        body["data"] = rows
        return body

    def charge_of(self, intent):
        found = self.mock.store["payment_intent"][intent]["latest_charge"]
        return found["id"] if isinstance(found, dict) else found

    # Objects

    def balance(self, amount, fee=0, kind="charge", currency="eur"):
        body = self.mock.make(
            "balance_transaction",
            id=self.number("txn"),
            amount=amount,
            fee=fee,
            net=amount - fee,
            currency=currency,
            type=kind,
        )
        return body["id"]

    def payment(self, amount, fee=45, *, status="succeeded", currency="eur", settled=None):
        """A payment intent with its charge; returns the intent's id."""
        intent, charge = self.number("pi"), self.number("ch")
        got, settled_in = settled or (amount, currency)
        self.mock.make(
            "charge",
            id=charge,
            amount=amount,
            currency=currency,
            payment_intent=intent,
            balance_transaction=self.balance(got, fee, currency=settled_in),
            amount_refunded=0,
            disputed=False,
        )
        self.mock.make(
            "payment_intent",
            id=intent,
            amount=amount,
            currency=currency,
            latest_charge=charge if status == "succeeded" else None,
            status=status,
        )
        return intent

    def items(self, *prices, start=None, end=None, quantity=1):
        base = self.mock.fixture("subscription")["items"]
        made = copy.deepcopy(base)
        row = made["data"][0]
        made["data"] = []
        for price in prices:
            item = copy.deepcopy(row)
            item["id"] = self.number("si")
            item["price"]["id"] = price
            item["price"]["lookup_key"] = None
            item["quantity"] = quantity
            item["current_period_start"] = start if start is not None else self.now
            item["current_period_end"] = end if end is not None else self.now + 30 * DAY
            made["data"].append(item)
        return made

    def subscription(self, account, price, status="active", *, pk=None, order=None, **more):
        pk = pk or self.number("sub")
        metadata = {"tf_account": str(account.pk)}
        if order is not None:
            metadata["tf_order"] = str(order.pk)
        fields = {
            "customer": account.customer_id or "cus_none",
            "status": status,
            "items": self.items(
                price.provider_id if hasattr(price, "provider_id") else price,
                start=more.pop("start", None),
                end=more.pop("end", None),
            ),
            "cancel_at_period_end": False,
            "cancel_at": None,
            "canceled_at": None,
            "ended_at": None,
            "trial_end": None,
            "trial_start": None,
            "latest_invoice": None,
            "schedule": None,
            "pending_update": None,
            "pause_collection": None,
            "default_payment_method": None,
            "metadata": metadata,
            **more,
        }
        self.mock.store.setdefault("subscription", {}).pop(pk, None)
        return self.mock.make("subscription", id=pk, **fields)

    def invoice(self, account, subscription, amount, *, status="paid", reason=None, **more):
        pk = more.pop("pk", None) or self.number("in")
        tax = more.pop("tax", 0)
        intent = more.pop("intent", None) or (
            self.payment(amount, **more.pop("payment", {})) if amount and status == "paid" else None
        )
        payments = []
        if intent:
            payments.append(
                self.mock.make(
                    "invoice_payment",
                    id=self.number("inpay"),
                    invoice=pk,
                    amount_paid=amount,
                    amount_requested=amount,
                    currency="eur",
                    status="paid",
                    payment={"type": "payment_intent", "payment_intent": intent},
                )
            )
        steps = {
            "finalized_at": self.now,
            "marked_uncollectible_at": None,
            "paid_at": self.now if status == "paid" else None,
            "voided_at": None,
        }
        taxes = [self.tax(tax)] if tax else []
        return self.mock.make(
            "invoice",
            id=pk,
            customer=account.customer_id or "cus_none",
            status=status,
            total=amount,
            amount_due=amount,
            amount_paid=amount if status == "paid" else 0,
            amount_paid_off_stripe=0,
            currency="eur",
            number=self.number("TF"),
            billing_reason=reason or "subscription_cycle",
            parent={
                "type": "subscription_details",
                "quote_details": None,
                "subscription_details": {
                    "metadata": subscription["metadata"],
                    "subscription": subscription["id"],
                },
            },
            payments={"object": "list", "data": payments, "has_more": False, "url": "/v1/x"},
            status_transitions=steps,
            total_taxes=taxes,
            hosted_invoice_url=f"https://invoice.example/{pk}",
            invoice_pdf=f"https://invoice.example/{pk}.pdf",
            **more,
        )

    def tax(self, amount):
        schema = self.mock.spec.doc["components"]["schemas"]["invoice"]["properties"]["total_taxes"]
        items = schema.get("items") or next(b for b in schema["anyOf"] if b.get("items"))["items"]
        return {**self.mock.spec.sample(items), "amount": amount}

    def complete(self, order, *, subscription=None, invoice=None, intent=None, **more):
        """The buyer paid: the session of the order is complete."""
        session = self.there("checkout.session", order.session_id)
        session.update(
            status="complete",
            payment_status=more.pop("payment_status", "paid"),
            subscription=subscription["id"] if subscription else None,
            invoice=invoice["id"] if invoice else None,
            payment_intent=intent,
            amount_total=order.amount,
            url=None,
            **more,
        )
        return session

    def dispute(self, intent, amount, status="needs_response", *balances, pk=None):
        rows = [self.there("balance_transaction", b) for b in balances]
        return self.mock.make(
            "dispute",
            id=pk or self.number("dp"),
            amount=amount,
            currency="eur",
            charge=self.charge_of(intent),
            payment_intent=intent,
            status=status,
            balance_transactions=rows,
        )

    # The bell

    def event(self, kind, obj, **more):
        return self.mock.event(
            kind, copy.deepcopy(obj), id=more.pop("id", self.number("evt")), **more
        )

    def ring(self, client, kind, obj, *, secret=SECRET, timestamp=None, **more):
        return self.send(client, self.event(kind, obj, **more), secret=secret, timestamp=timestamp)

    def send(self, client, event, *, secret=SECRET, timestamp=None):
        body, headers = self.mock.signed(event, secret, timestamp=timestamp)
        return post(client, body, headers["Stripe-Signature"])


def post(client, body, signature=""):
    return client.post(
        reverse("threadflow_billing:webhook"),
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": signature},
    )
