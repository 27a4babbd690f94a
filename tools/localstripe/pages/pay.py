"""`/pay/<session>`: the checkout; `/3ds/…`: the cardholder's authentication."""

from __future__ import annotations

from .. import checkout, customers, money, payments
from ..errors import StripeError, missing
from . import Redirect, page
from .pieces import alert, button, card_fields, e, field, layout, select

COUNTRIES = [("", "Choose a country"), ("AT", "Austria"), ("FR", "France"), ("DE", "Germany"), ("IT", "Italy"),
             ("NL", "Netherlands"), ("ES", "Spain"), ("GB", "United Kingdom"), ("US", "United States")]  # fmt: skip


def _session(desk, oid):
    found = desk.world.store.get("checkout.session", oid)
    if found is None:
        raise missing("checkout.session", oid)
    return found


def _done(session):
    return Redirect(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]))


@page("GET", r"/pay/([^/]+)")
def show(desk, form, oid):
    session = _session(desk, oid)
    if session["status"] == "complete":
        return _done(session)
    if session["status"] == "expired":
        back = _back(session)
        return 410, layout("This checkout has expired", f"<p>Nothing was bought.</p>{back}")
    return layout("Checkout", _page(desk.world, session, form))


def _back(session):
    if not session["cancel_url"]:
        return ""
    url = session["cancel_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return f'<p><a href="{e(url)}">Cancel and go back</a></p>'


def _page(w, session, form, error=""):
    here = f"/pay/{session['id']}"
    email = (session["customer_details"] or {}).get("email")
    who = f"<p>For <strong>{e(email)}</strong></p>" if email else field(
        "email", "E-mail", form.get("email", ""), type="email", required="required", autocomplete="email")  # fmt: skip
    card = checkout.needs_card(w, session)
    verb = {"subscription": "Start trial" if checkout.trial_end_of(w, session) else "Subscribe", "payment": "Pay",
            "setup": "Save card"}[session["mode"]]  # fmt: skip
    country = ""
    if session["automatic_tax"]["enabled"] or session["billing_address_collection"] == "required":
        country = select("country", "Country", COUNTRIES, form.get("country", ""))
    fields = (card_fields(form.get("card", ""), error) if card else alert(error)) + (
        field("name", "Name on card", form.get("name", ""), autocomplete="cc-name") if card else ""
    )
    return f"""<div class="narrow">{_sums(w, session)}{_code(session, here)}
<form method="post" action="{here}"><input type="hidden" name="seen" value="{session["amount_total"] or ""}">
{who}{fields}{country}
<p><button class="go">{verb}</button></p></form>{_back(session)}</div>"""


def _sums(w, session):
    if session["mode"] == "setup":
        return "<p>Save a card for later payments.</p>"
    currency, parts = session["currency"], session["total_details"]
    rows = []
    for item in session["_items"]:
        recurring = item["price"]["recurring"]
        each = money.text(item["price"]["unit_amount"], currency) + (
            f" / {recurring['interval']}" if recurring else "")  # fmt: skip
        rows.append(
            (
                f"{item['quantity']} × {item['description']} ({each})",
                money.text(item["amount_subtotal"], currency),
            )
        )
    if parts["amount_discount"]:
        rows.append(("Discount", money.text(-parts["amount_discount"], currency)))
    if parts["amount_tax"]:
        rows.append(("Tax", money.text(parts["amount_tax"], currency)))
    if at := checkout.trial_end_of(w, session):
        rows.append(("Free trial until", money.day(at)))
    body = "".join(f"<dt>{e(name)}</dt><dd>{e(value)}</dd>" for name, value in rows)
    total = money.text(session["amount_total"], currency)
    return f'<dl class="sum">{body}<dt class="total">Due today</dt><dd class="total">{e(total)}</dd></dl>'


def _code(session, here):
    if not session["allow_promotion_codes"]:
        return ""
    if session["discounts"]:
        return button("Remove the code", f"{here}/code", code="")
    return (
        f'<form method="post" action="{here}/code">{field("code", "Promotion code", "")}'
        "<p><button>Apply the code</button></p></form>"
    )


@page("POST", r"/pay/([^/]+)/code")
def code(desk, form, oid):
    session = _session(desk, oid)
    try:
        checkout.apply_code(desk.world, session, form.get("code", ""))
    except StripeError as exc:
        exc.page = layout("Checkout", alert(str(exc)) + _page(desk.world, session, form))
        raise
    return Redirect(f"/pay/{oid}")


@page("POST", r"/pay/([^/]+)")
def submit(desk, form, oid):
    return _try(desk, _session(desk, oid), form)


def _try(desk, session, form, authenticated=None):
    if session["status"] == "complete":  # sent twice: bought once
        return _done(session)
    try:
        result = checkout.pay(desk.world, session, form, authenticated=authenticated)
    except StripeError as exc:
        if session["status"] == "open":  # the page stays, with what was typed
            exc.page = layout("Checkout", _page(desk.world, session, form, str(exc)))
        raise
    if result == "authenticate":
        return Redirect(f"/pay/{session['id']}/3ds")
    return _done(session)


@page("GET", r"/pay/([^/]+)/3ds")
def challenge(desk, form, oid):
    session = _session(desk, oid)
    if session["status"] == "complete":
        return _done(session)
    if "_waiting" not in session:
        return Redirect(f"/pay/{oid}")
    return _challenge(f"/pay/{oid}/3ds")


def _challenge(action):
    return layout(
        "3-D Secure 2: your bank asks",
        "<p>At a real bank you would confirm this payment in an app or with a code.</p>"
        + button("Complete authentication", action, kind="go", result="pass")
        + button("Fail authentication", action, kind="bad", result="fail"),
    )


@page("POST", r"/pay/([^/]+)/3ds")
def challenged(desk, form, oid):
    session = _session(desk, oid)
    if "_waiting" not in session:
        return Redirect(f"/pay/{oid}")
    return _try(desk, session, session.pop("_waiting"), authenticated=form.get("result") == "pass")


@page("GET", r"/3ds/([^/]+)")
def intent_challenge(desk, form, oid):
    intent = _intent(desk, oid)
    if intent["status"] != "requires_action":
        return layout("Nothing to confirm", f"<p>The payment is: {e(intent['status'])}.</p>")
    return _challenge(f"/3ds/{oid}")


def _intent(desk, oid):
    return desk.world.get("setup_intent" if oid.startswith("seti_") else "payment_intent", oid)


@page("POST", r"/3ds/([^/]+)")
def intent_challenged(desk, form, oid):
    """Pass: the payment goes on. Fail: it is refused. Then back to where it came from."""
    w, intent = desk.world, _intent(desk, oid)
    if intent["status"] == "requires_action":
        back = intent["next_action"]["redirect_to_url"]["return_url"]
        pm = w.get("payment_method", intent["payment_method"])
        if form.get("result") != "pass":
            if oid.startswith("pi_"):
                payments.fail(w, intent, pm, "authentication")
            else:
                intent.update(status="requires_payment_method", next_action=None)
                w.emit("setup_intent.setup_failed", intent)
        else:
            pm["_authenticated"] = True
            if oid.startswith("pi_"):
                payments.tell_invoice(w, intent, payments.charge(w, intent, pm, present=True))
            else:
                customers.settle_setup(w, intent, pm)
        if back:
            return Redirect(back)
    return layout("Done", f"<p>The payment is: {e(intent['status'])}.</p>")
