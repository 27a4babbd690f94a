"""`/_local/`: the clock, what there is, what was sent, and buttons for what Stripe's own side would do."""

from __future__ import annotations

import json

from .. import disputes, money, shapes
from ..errors import missing, refused
from . import page
from .pieces import button, e, field, layout, select, table

STEPS = [
    ("1 hour", 3600),
    ("1 day", money.DAY),
    ("1 week", 7 * money.DAY),
    ("1 month", 31 * money.DAY),
]
SHOWN = ("customer", "subscription", "invoice", "charge", "refund", "dispute", "checkout.session")


@page("GET", r"/_local/?")
def show(desk, form):
    return layout(
        "The stand-in's desk",
        _clock(desk) + _webhooks(desk) + _charges(desk) + _events(desk) + _objects(desk),
    )


def _clock(desk):
    rows = [(money.day(c["at"]), e(c["what"]), _link(c["id"])) for c in desk.clockwork.coming()]
    steps = "".join(button(f"+ {name}", "/_local/clock", advance=n) for name, n in STEPS)
    chosen = desk.world.settings["dunning_end"]
    follows = " The site goes by this clock, too." if desk.clockwork.companion else ""
    return f"""<h2>Clock</h2><p>It is <strong>{money.day(desk.world.now())}</strong> here.{follows}</p>
<p>{button("To what is due next", "/_local/clock", kind="go", next=1)}{steps}</p>{table(("When", "What", "Object"), rows)}
<form method="post" action="/_local/settings" class="narrow">
{select("dunning_end", "After the last failed retry", [("cancel", "Cancel"), ("unpaid", "Leave unpaid")], chosen)}
<p><button>Save</button></p></form>"""


def _link(oid):
    return f'<a href="/_local/objects/{e(oid)}"><code>{e(oid)}</code></a>'


def _webhooks(desk):
    knobs = desk.world.meta("webhooks")
    fields = "".join(
        field(name, label, str(knobs[name]), type="number", min="-1")
        for name, label in (
            ("lose", "Lose the next … (−1: all)"), ("duplicate", "Send the next … twice (−1: all)"),
            ("reorder", "Reorder the next … (−1: all)"), ("delay", "Delay by … seconds"),
        )
    )  # fmt: skip
    return f'<h2>Webhooks</h2><form method="post" action="/_local/webhooks" class="narrow">{fields}<p><button>Save</button></p></form>'


def _charges(desk):
    w, rows = desk.world, []
    for made in w.find("charge", status="succeeded")[:-21:-1]:
        act = ""
        dispute = next((d for d in w.find("dispute", charge=made["id"])), None)
        if dispute and dispute["status"] not in ("won", "lost"):
            where = f"/_local/disputes/{dispute['id']}/close"
            act = button("Win", where, status="won") + button("Lose", where, status="lost")
        elif not dispute:
            act = button("Dispute", f"/_local/charges/{made['id']}/dispute", kind="bad")
        if not made["refunded"] and not (dispute and dispute["status"] != "won"):
            act += button("Refund", f"/_local/charges/{made['id']}/refund")
        amount = money.text(made["amount"], made["currency"])
        back = money.text(made["amount_refunded"], made["currency"])
        rows.append(
            (_link(made["id"]), e(amount), e(back), e(dispute["status"] if dispute else ""), act)
        )
    for row in w.find("refund", status="succeeded")[:-6:-1]:
        rows.append((_link(row["id"]), "refund", e(money.text(row["amount"], row["currency"])), "",
                     button("The bank sends it back", f"/_local/refunds/{row['id']}/fail")))  # fmt: skip
    return "<h2>Payments</h2>" + table(("Charge", "Amount", "Refunded", "Dispute", "Actions"), rows)


def _events(desk):
    w, states = desk.world, {}
    for row in w.store.peek("_delivery"):
        states.setdefault(row["event"], []).append(
            f"{row['state']} ({row['answer'] or 'not tried'}, {row['attempts']}×)"
        )
    rows = [
        (money.day(ev["created"]), e(ev["type"]), _link(ev["id"]), e("; ".join(states.get(ev["id"], ["no endpoint"]))),
         button("Send again", f"/_local/events/{ev['id']}/send"))
        for ev in w.store.peek("event")[:-41:-1]
    ]  # fmt: skip
    return "<h2>Events</h2>" + table(("When", "Type", "Event", "Delivery", "Actions"), rows)


def _objects(desk):
    rows = []
    for kind in SHOWN:
        for obj in desk.world.store.peek(kind)[:-11:-1]:
            amount = obj.get("amount", obj.get("total", obj.get("amount_total")))
            shown = "" if amount is None else money.text(amount, obj["currency"] or "usd")
            rows.append((e(kind), _link(obj["id"]), e(str(obj.get("status") or "")), e(shown)))
    return "<h2>Objects</h2>" + table(("Kind", "Id", "Status", "Amount"), rows)


@page("GET", r"/_local/objects/([^/]+)")
def show_object(desk, form, oid):
    store = desk.world.store
    found = store.get(store.kind_of.get(oid, ""), oid)
    if found is None or store.kind_of[oid].startswith("_"):
        raise missing("object", oid)
    return layout(
        oid,
        f"<pre tabindex='0' class='scroll'>{e(json.dumps(shapes.public(found), indent=2))}</pre>",
    )


@page("GET", r"/_local/clock")
def read_clock(desk, form):
    return {
        "now": desk.world.now(),
        "offset": desk.world.meta("clock")["offset"],
        "next": desk.clockwork.coming(),
    }


@page("POST", r"/_local/clock", steps=True)
def move_clock(desk, form):
    """`advance` seconds, `to` an instant, or `next`: to what is due next."""
    if "next" in form:
        done = desk.clockwork.to_next()
    elif "to" in form:
        done = desk.clockwork.travel(to=int(form["to"]))
    elif "advance" in form:
        if int(form["advance"]) < 0:
            raise refused("The clock only moves forward.", param="advance")
        done = desk.clockwork.travel(seconds=int(form["advance"]))
    else:
        raise refused("Say advance, to or next.", param="advance")
    return {
        "now": desk.world.now(),
        "done": [{"at": at, "what": what, "id": oid} for at, what, oid in done],
    }


@page("POST", r"/_local/settings")
def settings(desk, form):
    known = desk.world.settings
    for name, value in form.items():
        if name not in known or name == "id":
            raise refused(f"There is no setting {name}.", param=name)
        if name == "dunning_end" and value not in ("cancel", "unpaid"):
            raise refused("dunning_end is cancel or unpaid.", param=name)
        if name in ("draft_seconds", "upcoming_days"):
            value = int(value)
        if name == "dunning_days":
            value = [int(day) for day in (value.split(",") if isinstance(value, str) else value)]
        known[name] = value
    return {k: v for k, v in known.items() if k != "id"}


@page("GET", r"/_local/webhooks")
def read_webhooks(desk, form):
    rows = desk.world.store.peek("_delivery")
    knobs = {k: v for k, v in desk.world.meta("webhooks").items() if k != "id"}
    return {
        "switches": knobs,
        "deliveries": [
            {k: r[k] for k in ("event", "type", "state", "attempts", "answer")} for r in rows
        ],
    }


@page("POST", r"/_local/webhooks")
def webhooks(desk, form):
    sent = {
        k: v if isinstance(v, bool) else float(v) if k == "delay" else int(v)
        for k, v in form.items()
    }
    return desk.delivery.switch(**sent)


@page("POST", r"/_local/events/([^/]+)/send")
def send(desk, form, oid):
    desk.delivery.send_again(oid)
    return {"sent": oid}


@page("POST", r"/_local/charges/([^/]+)/refund")
def refund(desk, form, oid):
    amount = {"amount": int(form["amount"])} if form.get("amount") else {}
    return shapes.public(disputes.create_refund(desk.world, {"charge": oid, **amount}))


@page("POST", r"/_local/refunds/([^/]+)/fail")
def fail_refund(desk, form, oid):
    return shapes.public(disputes.fail_refund(desk.world, desk.world.get("refund", oid)))


@page("POST", r"/_local/charges/([^/]+)/dispute")
def dispute(desk, form, oid):
    made = desk.world.get("charge", oid)
    if made["status"] != "succeeded":
        raise refused("Only a paid charge can be disputed.")
    return shapes.public(disputes.open_dispute(desk.world, made, form.get("reason", "fraudulent")))


@page("POST", r"/_local/disputes/([^/]+)/close")
def close(desk, form, oid):
    return shapes.public(
        disputes.close_dispute(desk.world, desk.world.get("dispute", oid), form.get("status"))
    )
