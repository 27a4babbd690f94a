"""Checkout sessions: made by the site, filled in on the page `/pay/<id>`."""

from __future__ import annotations

import re

from . import cards, catalog, discounts, invoices, money, payments, shapes, subscriptions
from .customers import attach, create_customer, default_method, new_method
from .errors import card_error, refused
from .lines import compute, line, rate_for
from .params import at_most_one, metadata, need, unsupported
from .wire import plain, route

HANDLED = {
    "mode", "customer", "customer_email", "customer_creation", "client_reference_id", "metadata", "line_items",
    "success_url", "cancel_url", "allow_promotion_codes", "discounts", "subscription_data",
    "payment_intent_data", "payment_method_collection", "automatic_tax", "customer_update", "expires_at",
    "locale", "submit_type", "ui_mode", "currency", "payment_method_types", "billing_address_collection",
    "tax_id_collection", "saved_payment_method_options", "consent_collection",
    "invoice_creation",
}  # fmt: skip


@route("POST", "/v1/checkout/sessions")
def create_session(w, p):
    unsupported(p, HANDLED)
    mode = p.get("mode", "payment")
    customer = w.get("customer", p["customer"], "customer") if "customer" in p else None
    auto_tax = p.get("automatic_tax", {}).get("enabled", False)
    _rules(p, mode, customer, auto_tax)
    prices = _prices(w, p.get("line_items") or [], mode, customer)
    expires = _expiry(w, p)
    oid = w.new_id("checkout.session")
    session = w.new(
        "checkout.session", id=oid, mode=mode, status="open", expires_at=expires, ui_mode="hosted_page",
        url=f"{w.base_url}/pay/{oid}", success_url=p["success_url"], cancel_url=p.get("cancel_url"),
        customer=customer and customer["id"], customer_email=p.get("customer_email"),
        client_reference_id=p.get("client_reference_id"), metadata=metadata(None, p.get("metadata")),
        customer_creation=None if customer or mode != "payment" else p.get("customer_creation", "if_required"),
        allow_promotion_codes=p.get("allow_promotion_codes"), payment_method_types=["card"],
        payment_method_collection=p.get("payment_method_collection", "always"),
        payment_status="no_payment_required" if mode == "setup" else "unpaid",
        payment_method_options={"card": {"request_three_d_secure": "automatic"}}, locale=p.get("locale"),
        automatic_tax={"enabled": auto_tax, "liability": {"type": "self"} if auto_tax else None,
                       "provider": "stripe" if auto_tax else None,
                       "status": "requires_location_inputs" if auto_tax else None},
        customer_details=_details(customer, p.get("customer_email")), billing_address_collection=p.get(
            "billing_address_collection"), submit_type=p.get("submit_type"),
        custom_text=dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        phone_number_collection={"enabled": False}, currency=prices[0][0]["currency"] if prices else p.get("currency"),
        _prices=[[price["id"], quantity] for price, quantity in prices], _items=[], _error=None,
        _data=p.get(f"{'subscription' if mode == 'subscription' else 'payment_intent'}_data") or {},
        _save={**(p.get("customer_update") or {})}, _invoice=(p.get("invoice_creation") or {}).get("enabled", False),
    )  # fmt: skip
    if "discounts" in p:
        discounts.make(
            w, p["discounts"], customer=p.get("customer"), amount=_sum(prices), stored=False
        )
        session["discounts"] = [
            {"coupon": d.get("coupon"), "promotion_code": d.get("promotion_code")}
            for d in p["discounts"]
        ]
    reckon(w, session)
    return session


def _expiry(w, p):
    now = w.now()
    expires = p.get("expires_at", now + money.DAY)
    if not now + 1790 <= expires <= now + money.DAY + 10:  # "from 30 minutes to 24 hours"
        raise refused(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours from now.",
            param="expires_at",
        )
    return expires


def _rules(p, mode, customer, auto_tax):
    """Stripe's rules across fields; the words of its reference beside those that need them."""
    at_most_one(p, "customer", "customer_email")  # "You may only specify one of …"
    at_most_one(p, "allow_promotion_codes", "discounts")
    if p.get("ui_mode", "hosted_page") != "hosted_page":
        raise refused("This stand-in has the hosted page only.", param="ui_mode")
    need(p, "success_url", "It is required for the hosted page.")
    for name in ("success_url", "cancel_url"):
        if name in p and not re.fullmatch(r"https?://[^\s]+", p[name]):
            raise refused("Not a valid URL", param=name, code="url_invalid")
    _rules_of_mode(p, mode)
    _rules_of_tax(p, customer, auto_tax)


def _rules_of_mode(p, mode):
    if mode != "setup" and not p.get("line_items"):
        # "line_items is required for payment and subscription mode"
        raise refused(f"Missing required param: line_items. It is required in `{mode}` mode.",
                      param="line_items", code="parameter_missing")  # fmt: skip
    if mode != "subscription":
        for name in ("subscription_data", "payment_method_collection"):
            if name in p:
                raise refused(f"You can only use `{name}` in `subscription` mode.", param=name)
    if mode != "payment":
        for name in ("payment_intent_data", "invoice_creation", "submit_type", "customer_creation"):
            if name in p:
                raise refused(f"You can only use `{name}` in `payment` mode.", param=name)
    data = p.get("subscription_data") or {}
    at_most_one(data, "trial_end", "trial_period_days")
    if "trial_period_days" in data and data["trial_period_days"] < 1:
        raise refused(
            "The minimum number of trial period days is 1.",
            param="subscription_data[trial_period_days]",
        )


def _rules_of_tax(p, customer, auto_tax):
    if "customer_update" in p and customer is None:
        raise refused(
            "`customer_update` can only be used with `customer`.", param="customer_update"
        )
    if (
        auto_tax
        and customer
        and not (customer["address"] or {}).get("country")
        and ((p.get("customer_update") or {}).get("address") != "auto")
    ):
        # "Automatic tax calculation in Checkout requires a valid address on the Customer …"
        raise refused(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the"
            " Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto'.",
            param="customer_update[address]", code="customer_tax_location_invalid",
        )  # fmt: skip


def _prices(w, entries, mode, customer):
    made = []
    for n, entry in enumerate(entries):
        where = f"line_items[{n}]"
        if "price_data" in entry:
            entry = {**entry, "price": catalog.create_price(w, entry["price_data"])["id"]}
        price = w.get("price", need(entry, "price"), f"{where}[price]")
        quantity = entry.get("quantity")
        if quantity is None:
            raise refused("Quantity is required. Add `quantity` to the line item.", param=f"{where}[quantity]",
                          code="parameter_missing")  # fmt: skip
        if quantity < 1:
            raise refused("This value must be greater than or equal to 1.", param=f"{where}[quantity]",
                          code="parameter_invalid_integer")  # fmt: skip
        if not price["active"]:
            raise refused("The price specified is inactive. This field only accepts active prices.",
                          param=f"{where}[price]")  # fmt: skip
        if mode == "payment" and price["type"] == "recurring":
            raise refused("You specified `payment` mode but passed a recurring price. Either switch to `subscription`"
                          " mode or use only one-time prices.", param=f"{where}[price]")  # fmt: skip
        made.append((price, quantity))
    if mode == "subscription" and not any(price["type"] == "recurring" for price, _ in made):
        raise refused("You must provide at least one recurring price in `subscription` mode when using prices.",
                      param="line_items")  # fmt: skip
    if mode == "subscription" and any(price["type"] != "recurring" for price, _ in made):
        raise refused(
            "This stand-in takes recurring prices only in `subscription` mode.", param="line_items"
        )
    currencies = {price["currency"] for price, _ in made}
    if customer and customer["currency"] and mode == "subscription":
        currencies.add(customer["currency"])
    if len(currencies) > 1:
        raise refused("All prices on a Checkout session must have the same currency, which is also the customer's.",
                      param="line_items")  # fmt: skip
    return made


def _sum(prices):
    return sum(price["unit_amount"] * quantity for price, quantity in prices)


def _details(customer, email):
    if customer is None and email is None:
        return None
    customer = customer or {}
    return {
        "address": customer.get("address"), "email": customer.get("email") or email, "name": customer.get("name"),
        "phone": customer.get("phone"), "tax_exempt": "none", "tax_ids": [],
    }  # fmt: skip


def reckon(w, session, country=None):
    """Set the session's sums and its line items, as the invoice will have them."""
    if session["mode"] == "setup":
        return
    prices = [(w.get("price", oid), quantity) for oid, quantity in session["_prices"]]
    trial = trial_end_of(w, session) is not None
    customer = w.store.get("customer", session["customer"]) or {}
    country = country or (customer.get("address") or {}).get("country")
    rows = [line(w, price, quantity, w.now(), w.now()) for price, quantity in prices]
    for row in rows:
        if trial:
            row.update(amount=0, subtotal=0)
    made = discounts.make(w, session["discounts"], customer=session["customer"], stored=False)
    discounts.currency_fits(made, session["currency"])
    bill = {"lines": {"data": rows}, "starting_balance": 0, "amount_paid": 0}
    enabled = session["automatic_tax"]["enabled"]
    compute(bill, [] if trial else made, rate_for(w, {"address": {"country": country}}, enabled))
    off = sum(d["amount"] for d in bill["total_discount_amounts"])
    tax = sum(t["amount"] for t in bill["total_taxes"])
    session.update(
        amount_subtotal=bill["subtotal"], amount_total=bill["total"],
        total_details={"amount_discount": off, "amount_shipping": 0, "amount_tax": tax},
    )  # fmt: skip
    if enabled:
        status = "complete" if country else "requires_location_inputs"
        session["automatic_tax"] = {**session["automatic_tax"], "status": status}
    session["_items"] = [_item(w, row, price) for row, (price, _) in zip(rows, prices, strict=True)]


def _item(w, row, price):
    off = sum(d["amount"] for d in row["discount_amounts"])
    added = sum(t["amount"] for t in row["taxes"] if t["tax_behavior"] == "exclusive")
    return w.blank(
        "item", amount_discount=off, amount_subtotal=row["amount"], amount_tax=sum(t["amount"] for t in row["taxes"]),
        amount_total=row["amount"] - off + added, currency=price["currency"], price=shapes.public(price),
        quantity=row["quantity"], description=(w.store.get("product", price["product"]) or {}).get("name"),
        discounts=[], taxes=[], metadata={},
    )  # fmt: skip


def trial_end_of(w, session):
    """When the trial of this purchase would end, or None."""
    data = session["_data"]
    if session["mode"] != "subscription":
        return None
    if "trial_end" in data:
        return data["trial_end"]
    days = data.get("trial_period_days")
    return w.now() + days * money.DAY if days else None


@route("GET", "/v1/checkout/sessions")
def sessions(w, p):
    email = (p.get("customer_details") or {}).get("email")
    return w.find(
        "checkout.session",
        lambda row: (
            plain(row, p, skip=("customer_details",))
            and (email is None or (row["customer_details"] or {}).get("email") == email)
        ),
    )


@route("GET", "/v1/checkout/sessions/{session}/line_items")
def line_items(w, p, oid):
    return w.get("checkout.session", oid)["_items"][::-1]


@route("POST", "/v1/checkout/sessions/{session}/expire")
def expire_route(w, p, oid):
    session = w.get("checkout.session", oid)
    if session["status"] != "open":
        raise refused(f"Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a"
                      f" status of \"{session['status']}\".", code="resource_not_expirable")  # fmt: skip
    return expire(w, session)


def expire(w, session):
    session.update(status="expired", url=None)
    w.emit("checkout.session.expired", session)
    return session


@route("POST", "/v1/checkout/sessions/{session}")
def update_session(w, p, oid):
    unsupported(p, {"metadata"})
    session = w.get("checkout.session", oid)
    session["metadata"] = metadata(session["metadata"], p.get("metadata"))
    return session


# What the page does


def needs_card(w, session):
    if session["mode"] == "subscription" and session["payment_method_collection"] == "if_required":
        return session["amount_total"] > 0
    return session["mode"] != "payment" or session["amount_total"] > 0


def apply_code(w, session, code):
    """A promotion code typed on the page; an empty one takes it off."""
    if not session["allow_promotion_codes"]:
        raise refused("This page takes no codes.")
    if not code.strip():
        session["discounts"] = None
    else:
        found = [
            c
            for c in w.find("promotion_code", active=True)
            if c["code"].lower() == code.strip().lower()
        ]
        if not found:
            raise refused("This code is invalid.", code="promotion_code_invalid")
        catalog.usable_code(
            w, found[-1], customer=session["customer"], amount=session["amount_subtotal"]
        )
        session["discounts"] = [{"coupon": None, "promotion_code": found[-1]["id"]}]
    reckon(w, session)


def pay(w, session, form, *, authenticated=None):
    """The form was sent: `complete`, or `authenticate` first. A refused card raises and the page stays.

    `authenticated` is what came out of 3-D Secure.
    """
    if session["status"] != "open":
        raise refused(f"This session is {session['status']}.", code="checkout_session_not_open")
    email = ((session["customer_details"] or {}).get("email") or form.get("email", "")).strip()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+", email):
        raise refused("Enter an e-mail address.", param="email")
    country = form.get("country", "").upper() or None
    reckon(w, session, country)
    if form.get("seen") not in (None, "", str(session["amount_total"])):
        total = money.text(session["amount_total"], session["currency"])
        raise refused(f"With tax it is {total}. Send the form again to agree.", param="country")
    if not needs_card(w, session):
        return _complete(w, session, email, country, None)
    number = cards.digits(form.get("card", ""))
    wants = cards.outcome(number, authenticated=bool(authenticated), present=True)
    if wants == "authenticate" and authenticated is None:
        session["_waiting"] = {
            k: form.get(k, "") for k in ("card", "email", "name", "country", "month", "year")
        }
        return "authenticate"
    if authenticated is False:
        raise card_error(cards.DECLINES["authentication"][2], cards.DECLINES["authentication"][0])
    if wants in cards.DECLINES and session["mode"] != "payment":
        code, decline, message = cards.DECLINES[wants]
        raise card_error(message, code, decline)
    pm = new_method(
        w, number, month=int(form.get("month") or 12), year=int(form.get("year") or 2034),
        details={"email": email, "name": form.get("name"), "address": {"country": country}},
    )  # fmt: skip
    pm["_authenticated"] = bool(authenticated)
    return _complete(w, session, email, country, pm)


def _customer(w, session, email, country, pm):
    customer = w.store.get("customer", session["customer"]) if session["customer"] else None
    wanted = session["mode"] != "payment" or session["_invoice"]
    if customer is None and (wanted or session["customer_creation"] == "always"):
        customer = create_customer(
            w, {"email": email, **({"name": pm["billing_details"]["name"]} if pm else {})}
        )
        session["customer"] = customer["id"]
    saves = not session["_save"] or session["_save"].get("address") == "auto"
    if customer and country and saves and not (customer["address"] or {}).get("country"):
        blank = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
        w.update(customer, "customer.updated", address={**blank, "country": country})
    return customer


def _complete(w, session, email, country, pm):
    customer = _customer(w, session, email, country, pm)
    session["customer_details"] = {
        **(_details(customer, email) or {}), "email": email,
        "address": pm["billing_details"]["address"] if pm else (customer or {}).get("address"),
        "name": (pm and pm["billing_details"]["name"]) or (customer or {}).get("name"),
    }  # fmt: skip
    {"subscription": _subscribe, "payment": _buy, "setup": _set_up}[session["mode"]](
        w, session, customer, pm
    )
    session.pop("_waiting", None)
    session.update(status="complete", url=None)
    w.emit("checkout.session.completed", session)
    return "complete"


def _subscribe(w, session, customer, pm):
    data = session["_data"]
    if pm:
        attach(w, pm, customer)
    sent = [{k: v for k, v in d.items() if v} for d in session["discounts"] or []]
    sub = subscriptions.make(
        w, customer, [{"price": oid, "quantity": n} for oid, n in session["_prices"]],
        trial_end=trial_end_of(w, session), sent_discounts=sent, meta=data.get("metadata"),
        auto_tax=session["automatic_tax"]["enabled"], trial_settings=data.get("trial_settings"),
        default_pm=pm and pm["id"], description=data.get("description"), session=session["id"],
    )  # fmt: skip
    subscriptions.start(w, sub, customer, "allow_incomplete", pm=pm, present=True)
    invoice = w.get("invoice", sub["latest_invoice"])
    session.update(subscription=sub["id"], invoice=invoice["id"],
                   payment_status="paid" if invoice["amount_due"] else "no_payment_required")  # fmt: skip
    if pm and default_method(w, customer) is None:
        w.update(customer, "customer.updated", invoice_settings={
            **customer["invoice_settings"], "default_payment_method": pm["id"]})  # fmt: skip


def _buy(w, session, customer, pm):
    if not session["amount_total"]:
        session["payment_status"] = "no_payment_required"
        return
    data = session["_data"]
    intent = (
        w.store.get("payment_intent", session["payment_intent"])
        if session["payment_intent"]
        else None
    )
    if intent is None:
        intent = payments.new_intent(
            w, session["amount_total"], session["currency"], customer=customer and customer["id"],
            metadata=metadata(None, data.get("metadata")), description=data.get("description"),
            setup_future_usage=data.get("setup_future_usage"),
            receipt_email=data.get("receipt_email") or session["customer_details"]["email"],
        )  # fmt: skip
    session["payment_intent"] = intent["id"]
    intent["amount"] = session["amount_total"]
    result = payments.charge(w, intent, pm, present=True)
    if result in cards.DECLINES:
        raise payments.declined(intent, result)
    session["payment_status"] = "paid"
    made = []
    for entry in session["discounts"] or []:
        made += discounts.make(
            w,
            [{k: v for k, v in entry.items() if v}],
            customer=session["customer"],
            session=session["id"],
        )
    if session["_invoice"]:
        _bill_purchase(w, session, customer, intent, made)


def _bill_purchase(w, session, customer, intent, made):
    """The invoice that comes after a one-time payment, settled by that payment."""
    rows = [line(w, w.get("price", oid), n, w.now(), w.now()) for oid, n in session["_prices"]]
    invoice = invoices.build(
        w, customer, rows, "manual", discounts=made, auto_tax=session["automatic_tax"]["enabled"]
    )
    session["invoice"] = invoice["id"]
    invoices.finalize(w, invoice, intent)


def _set_up(w, session, customer, pm):
    attach(w, pm, customer)
    intent = w.new(
        "setup_intent", customer=customer["id"], payment_method=pm["id"], status="succeeded", usage="off_session",
        payment_method_types=["card"], metadata={}, client_secret=w.new_id("setup_intent"),
    )  # fmt: skip
    session["setup_intent"] = intent["id"]
    w.emit("setup_intent.created", intent)
    w.emit("setup_intent.succeeded", intent)
