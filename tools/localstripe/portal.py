"""Billing portal: configurations, sessions, and what its page lets a customer do."""

from __future__ import annotations

from . import changes, pausing, shapes, subscriptions
from .customers import attach, default_method, new_method
from .errors import refused
from .params import metadata, need
from .wire import route

DEEP = (
    "subscription_cancel",
    "subscription_update",
    "subscription_update_confirm",
    "subscription_pause",
)
FEATURES = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {
        "enabled": True, "mode": "at_period_end", "proration_behavior": "none",
        "cancellation_reason": {"enabled": False, "options": []},
    },
    "subscription_pause": {"enabled": False, "duration": {"type": "indefinite", "interval_options": []}},
    "subscription_update": {
        "enabled": True, "default_allowed_updates": ["price"], "proration_behavior": "always_invoice",
        "products": None, "schedule_at_period_end": {"conditions": []}, "trial_update_behavior": "end_trial",
        "billing_cycle_anchor": None,
    },
}  # fmt: skip


@route("POST", "/v1/billing_portal/configurations")
def create_configuration(w, p):
    return _configuration(w, p.get("features") or {}, metadata(None, p.get("metadata")),
                          p.get("default_return_url"), default=False)  # fmt: skip


def _configuration(w, sent, meta, return_url, *, default):
    features = {
        name: {**shapes.copy.deepcopy(blank), **({"enabled": False} if not default and name not in sent else {}),
               **sent.get(name, {})}
        for name, blank in FEATURES.items()
    }  # fmt: skip
    return w.new(
        "billing_portal.configuration", active=True, is_default=default, metadata=meta, features=features,
        business_profile={"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        login_page={"enabled": False, "url": None}, updated=w.now(), default_return_url=return_url,
    )  # fmt: skip


@route("POST", "/v1/billing_portal/sessions")
def create_session(w, p):
    customer = w.get("customer", need(p, "customer"), "customer")
    if "configuration" in p:
        config = w.get("billing_portal.configuration", p["configuration"], "configuration")
    else:
        found = w.find("billing_portal.configuration", is_default=True)
        config = found[0] if found else _configuration(w, {}, {}, None, default=True)
    return_url = p.get("return_url") or config["default_return_url"]
    oid = w.new_id("billing_portal.session")
    session = w.new(
        "billing_portal.session", id=oid, configuration=config["id"], customer=customer["id"],
        return_url=return_url, url=f"{w.base_url}/portal/{oid}", flow=_flow(w, p.get("flow_data"), customer),
        locale=p.get("locale"),
    )  # fmt: skip
    w.emit("billing_portal.session.created", session)
    return session


def _flow(w, sent, customer):
    if not sent:
        return None
    kind = sent["type"]
    flow = {
        "type": kind, "after_completion": {"hosted_confirmation": None, "redirect": None, "type": "portal_homepage",
                                           **(sent.get("after_completion") or {})},
        **dict.fromkeys(("subscription_cancel", "subscription_update", "subscription_update_confirm")),
    }  # fmt: skip
    if kind in DEEP:
        detail = sent.get(kind)
        if not detail:
            raise refused(f"Missing required param: flow_data[{kind}].", param=f"flow_data[{kind}]",
                          code="parameter_missing")  # fmt: skip
        where = f"flow_data[{kind}][subscription]"
        sub = w.get("subscription", detail["subscription"], where)
        if sub["customer"] != customer["id"]:
            raise refused("The subscription does not belong to this customer.", param=where)
        if kind == "subscription_cancel" and (
            sub["cancel_at_period_end"] or sub["status"] in subscriptions.OVER
        ):
            raise refused("The subscription is already set to be canceled.", param=where)
        blank = {
            "subscription_cancel": {"retention": None},
            "subscription_update_confirm": {"discounts": None},
        }
        flow[kind] = {**blank.get(kind, {}), **detail}
    return flow


# What the page does


def owned(w, session, oid):
    sub = w.get("subscription", oid)
    if sub["customer"] != session["customer"]:
        raise refused("The subscription does not belong to this customer.")
    return sub


def change_card(w, session, number):
    """A new card becomes the customer's and each subscription's default."""
    customer = w.get("customer", session["customer"])
    pm = attach(
        w,
        new_method(w, number, details={"email": customer["email"], "name": customer["name"]}),
        customer,
    )
    pm["_authenticated"] = True  # the page stands for the authentication that comes with saving
    w.update(customer, "customer.updated", invoice_settings={
        **customer["invoice_settings"], "default_payment_method": pm["id"]})  # fmt: skip
    for sub in w.find("subscription", lambda s: s["status"] not in subscriptions.OVER and s["default_payment_method"],
                      customer=customer["id"]):  # fmt: skip
        w.update(sub, "customer.subscription.updated", default_payment_method=pm["id"])
    return pm


def cancel(w, session, oid, choice="yes"):
    changes.update(w, {"cancel_at_period_end": choice == "yes"}, owned(w, session, oid)["id"])


def pause(w, session, oid):
    pausing.pause(w, {}, owned(w, session, oid)["id"])


def switch(w, session, oid, price_id):
    """Another plan, at once and prorated, as the default configuration says; unpaid, nothing changes."""
    sub = owned(w, session, oid)
    item = subscriptions.items_of(sub)[0]
    changes.update(
        w, {"items": [{"id": item["id"], "price": price_id}], "proration_behavior": "always_invoice",
            "payment_behavior": "pending_if_incomplete"}, oid,
    )  # fmt: skip
    return w.get("subscription", oid)


def plans(w, sub):
    """Prices that the page offers: recurring, active, in the subscription's currency."""
    return w.find(
        "price",
        lambda p: p["type"] == "recurring" and p["active"]
        and (w.store.get("product", p["product"]) or {}).get("active"),
        currency=sub["currency"],
    )  # fmt: skip


def card(w, session):
    return default_method(w, w.get("customer", session["customer"]))
