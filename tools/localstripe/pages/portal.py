"""`/portal/<session>`: what a customer may do alone."""

from __future__ import annotations

from .. import money, portal, subscriptions
from ..errors import StripeError
from . import Redirect, page
from .pieces import alert, button, card_fields, e, layout, select, table


@page("GET", r"/portal/([^/]+)")
def show(desk, form, oid):
    w = desk.world
    return layout("Your subscription", _page(w, w.get("billing_portal.session", oid)))


def _page(w, session, error="", typed=""):
    """A deep link shows its own part only; without one everything is there."""
    flow = session["flow"] or {}
    kind = flow.get("type")
    parts = [alert(error) if kind != "payment_method_update" and not typed else ""]
    subs = w.find(
        "subscription",
        lambda s: s["status"] not in subscriptions.OVER,
        customer=session["customer"],
    )
    if kind in portal.DEEP:
        subs = [s for s in subs if s["id"] == flow[kind]["subscription"]]
    if kind != "payment_method_update":
        parts += [_subscription(w, session, sub, kind, flow) for sub in subs] or [
            "<p>There is no subscription.</p>"
        ]
    if kind in (None, "payment_method_update"):
        parts.append(_card(w, session, error, typed))
    if kind is None:
        parts.append(_invoices(w, session))
    if session["return_url"]:
        parts.append(f'<p><a href="{e(session["return_url"])}">Return</a></p>')
    return "".join(parts)


def _subscription(w, session, sub, kind, flow):
    here = f"/portal/{session['id']}"
    item = subscriptions.items_of(sub)[0]
    end = money.day(subscriptions.period_of(sub)[1])
    name = (w.store.get("product", item["price"]["product"]) or {}).get(
        "name", item["price"]["product"]
    )
    each = f"{money.text(item['price']['unit_amount'], sub['currency'])} / {item['price']['recurring']['interval']}"
    told = f"ends on {end}" if sub["cancel_at_period_end"] else f"next period from {end}"
    body = f"<h2>{e(name)}</h2><p>{e(each)} · <strong>{e(sub['status'])}</strong> · {told}</p>"
    return body + _actions(w, sub, item, here, kind, flow)


def _actions(w, sub, item, here, kind, flow):
    body = ""
    if sub["cancel_at_period_end"]:
        body += button(
            "Resume the subscription",
            f"{here}/cancel",
            kind="go",
            subscription=sub["id"],
            choice="no",
        )
    elif kind in (None, "subscription_cancel"):
        body += button(
            "Cancel at the end of the period",
            f"{here}/cancel",
            kind="bad",
            subscription=sub["id"],
            choice="yes",
        )
    if kind == "subscription_pause" and sub["status"] != "paused":
        body += button(
            "Pause the subscription", f"{here}/pause", kind="bad", subscription=sub["id"]
        )
    if kind == "subscription_update_confirm":
        price = flow[kind]["items"][0].get("price", item["price"]["id"])
        body += button(
            "Confirm the change", f"{here}/plan", kind="go", subscription=sub["id"], price=price
        )
    elif kind in (None, "subscription_update"):
        options = [(p["id"], _label(w, p)) for p in portal.plans(w, sub)]
        body += (
            f'<form method="post" action="{here}/plan" class="narrow"><input type="hidden" name="subscription" '
            f'value="{sub["id"]}">{select("price", "Plan", options, item["price"]["id"])}'
            "<p><button>Switch the plan now</button></p></form>"
        )
    return body


def _label(w, price):
    name = (w.store.get("product", price["product"]) or {}).get("name", "")
    return f"{name}: {money.text(price['unit_amount'], price['currency'])} / {price['recurring']['interval']}"


def _card(w, session, error, typed):
    pm = portal.card(w, session)
    now = (
        f"<p>{e(pm['card']['brand'])} ending in {pm['card']['last4']}</p>"
        if pm
        else "<p>No card yet.</p>"
    )
    return f"""<h2>Card</h2>{now}<form method="post" action="/portal/{session["id"]}/card" class="narrow">
{card_fields(typed, error)}<p><button class="go">Save this card</button></p></form>"""


def _invoices(w, session):
    rows = [
        (f'<a href="/invoice/{i["id"]}">{e(i["number"] or "draft")}</a>', money.day(i["created"]), e(i["status"]),
         e(money.text(i["total"], i["currency"])))
        for i in w.find("invoice", customer=session["customer"])[::-1]
    ]  # fmt: skip
    return "<h2>Invoices</h2>" + table(("Number", "Date", "Status", "Total"), rows)


def _after(session):
    done = (session["flow"] or {}).get("after_completion") or {}
    if done.get("type") == "redirect":
        return Redirect(done["redirect"]["return_url"])
    if done.get("type") == "hosted_confirmation":
        text = (done["hosted_confirmation"] or {}).get("custom_message") or "Done."
        back = (
            f'<p><a href="{e(session["return_url"])}">Return</a></p>'
            if session["return_url"]
            else ""
        )
        return layout("Done", f"<p>{e(text)}</p>{back}")
    return Redirect(f"/portal/{session['id']}")


def _act(desk, oid, do, typed=""):
    session = desk.world.get("billing_portal.session", oid)
    try:
        do(session)
    except StripeError as exc:
        exc.page = layout("Your subscription", _page(desk.world, session, str(exc), typed))
        raise
    return _after(session)


@page("POST", r"/portal/([^/]+)/card")
def card(desk, form, oid):
    number = form.get("card", "")
    return _act(desk, oid, lambda s: portal.change_card(desk.world, s, number), typed=number)


@page("POST", r"/portal/([^/]+)/cancel")
def cancel(desk, form, oid):
    sub, choice = form.get("subscription", ""), form.get("choice", "yes")
    return _act(desk, oid, lambda s: portal.cancel(desk.world, s, sub, choice))


@page("POST", r"/portal/([^/]+)/pause")
def pause(desk, form, oid):
    sub = form.get("subscription", "")
    return _act(desk, oid, lambda s: portal.pause(desk.world, s, sub))


@page("POST", r"/portal/([^/]+)/plan")
def plan(desk, form, oid):
    w, told = desk.world, {}

    def do(session):
        told["sub"] = portal.switch(w, session, form.get("subscription", ""), form.get("price", ""))

    out = _act(desk, oid, do)
    if told["sub"]["pending_update"]:
        session = w.get("billing_portal.session", oid)
        return 402, layout(
            "Your subscription", _page(w, session, "The payment failed: the plan stays as it is.")
        )
    return out
