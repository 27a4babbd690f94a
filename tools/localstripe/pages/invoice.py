"""`/invoice/<id>`: the hosted invoice, its PDF, and receipts."""

from __future__ import annotations

from .. import cards, customers, invoices, money, pdf
from ..errors import StripeError, refused
from . import Redirect, page
from .pieces import card_fields, e, layout, table


@page("GET", r"/invoice/([^/]+)")
def show(desk, form, oid):
    return layout("Invoice", _page(desk.world.get("invoice", oid)))


def _page(invoice, form=None, error=""):
    def amount(value):
        return e(money.text(value, invoice["currency"]))

    rows = [
        (
            e(r["description"] or ""),
            money.day(r["period"]["start"]),
            money.day(r["period"]["end"]),
            amount(r["amount"]),
        )
        for r in invoice["lines"]["data"]
    ]
    off = sum(d["amount"] for d in invoice["total_discount_amounts"])
    sums = [("Subtotal", invoice["subtotal"]), ("Discount", -off),
            ("Tax", sum(t["amount"] for t in invoice["total_taxes"])), ("Total", invoice["total"]),
            ("Due", invoice["amount_due"]), ("Paid", invoice["amount_paid"])]  # fmt: skip
    listed = "".join(f"<dt>{name}</dt><dd>{amount(value)}</dd>" for name, value in sums)
    body = f"""<p>{e(invoice["number"] or "Draft")} · <strong>{e(invoice["status"])}</strong> · {money.day(invoice["created"])}</p>
{table(("What", "From", "To", "Amount"), rows)}<dl class="sum">{listed}</dl>
<p><a href="/invoice/{invoice["id"]}/pdf">Download the PDF</a></p>"""
    if invoice["status"] in ("open", "uncollectible"):
        body += f"""<h2>Pay this invoice</h2><form method="post" action="/invoice/{invoice["id"]}" class="narrow">
{card_fields((form or {}).get("card", ""), error)}<p><button class="go">Pay {amount(invoice["amount_remaining"])}</button></p></form>"""
    return body


@page("GET", r"/invoice/([^/]+)/pdf")
def download(desk, form, oid):
    return pdf.of_invoice(desk.world.get("invoice", oid)), "application/pdf"


@page("POST", r"/invoice/([^/]+)")
def pay(desk, form, oid):
    w = desk.world
    invoice = w.get("invoice", oid)
    if invoice["status"] == "paid":
        return Redirect(f"/invoice/{oid}")
    if invoice["status"] not in ("open", "uncollectible"):
        raise refused(f"This invoice is {invoice['status']}.")
    try:
        pm = customers.new_method(w, form.get("card", ""))
        result = invoices.collect(w, invoice, pm, present=True)
    except StripeError as exc:
        exc.page = layout("Invoice", _page(invoice, form, str(exc)))
        raise
    if result == "authenticate":
        return Redirect(f"/3ds/{invoices.intent_of(w, invoice)['id']}")
    if result in cards.DECLINES:
        return 402, layout("Invoice", _page(invoice, form, cards.DECLINES[result][2]))
    if not pm["customer"]:
        customers.attach(w, pm, w.get("customer", invoice["customer"]))
    return Redirect(f"/invoice/{oid}")


@page("GET", r"/receipt/([^/]+)")
def receipt(desk, form, oid):
    made = desk.world.get("charge", oid)
    amount = money.text(made["amount"], made["currency"])
    back = money.text(made["amount_refunded"], made["currency"])
    return layout(
        "Receipt", f"<p>{e(amount)} on {money.day(made['created'])}, refunded: {e(back)}.</p>"
    )
