"""What goes back: refunds and disputes."""

from __future__ import annotations

from . import cards, money, shapes
from .errors import refused
from .params import metadata, one_of
from .payments import balance_entry
from .wire import list_filter, plain, route

# Refunds


@route("POST", "/v1/refunds")
def create_refund(w, p):
    source = one_of(p, "payment_intent", "charge")
    if source == "payment_intent":
        intent = w.get("payment_intent", p["payment_intent"], "payment_intent")
        if intent["status"] != "succeeded":
            raise refused(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.",
                          param="payment_intent")  # fmt: skip
        made = w.get("charge", intent["latest_charge"])
    else:
        made = w.get("charge", p["charge"], "charge")
    amount = _refundable(w, made, p.get("amount"))
    return refund(
        w, made, amount, reason=p.get("reason"), metadata=metadata(None, p.get("metadata"))
    )


def _refundable(w, made, amount):
    """The amount that may go back, or Stripe's refusal.

    Only "nothing left" and "disputed" have a code at Stripe; asking for too much has a message
    and a param.
    """
    left = made["amount"] - made["amount_refunded"]
    if not made["paid"]:
        raise refused(
            f"Charge {made['id']} was not successful; there is nothing to refund.", param="charge"
        )
    if any(d["status"] != "won" for d in w.find("dispute", charge=made["id"])):
        raise refused(f"Charge {made['id']} has been charged back; cannot issue a refund.",
                      code="charge_disputed")  # fmt: skip
    if left == 0:
        raise refused(
            f"Charge {made['id']} has already been refunded.", code="charge_already_refunded"
        )
    amount = left if amount is None else amount
    if amount < 1:
        raise refused("Invalid positive integer", param="amount", code="parameter_invalid_integer")
    if amount > left:
        asked, rest = (money.text(n, made["currency"]) for n in (amount, left))
        raise refused(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge ({rest})",
            param="amount",
        )
    return amount


def refund(w, made, amount, *, reason=None, metadata=None):
    row = w.new(
        "refund", amount=amount, charge=made["id"], currency=made["currency"], metadata=metadata or {},
        payment_intent=made["payment_intent"], reason=reason, status="succeeded",
        destination_details={"type": "card", "card": {
            "type": "refund", "reference_status": "pending", "reference_type": "acquirer_reference_number",
        }},
    )  # fmt: skip
    row["balance_transaction"] = balance_entry(w, -amount, made["currency"], "refund", row["id"])[
        "id"
    ]
    before = {k: made[k] for k in ("amount_refunded", "refunded")}
    made["amount_refunded"] += amount
    made["refunded"] = made["amount_refunded"] == made["amount"]
    w.emit("refund.created", row)
    w.emit("charge.refunded", made, {k: v for k, v in before.items() if made[k] != v})
    if cards.NUMBERS[made["_number"]][1] == "refund_fails":
        row["_fails_at"] = w.now() + 60
    return row


def fail_refund(w, row):
    """The bank sends the money back: the balance and the charge have it again."""
    if row["status"] != "succeeded":
        raise refused(f"Refund {row['id']} is {row['status']}.")
    made = w.get("charge", row["charge"])
    back = balance_entry(
        w, row["amount"], row["currency"], "refund_failure", row["id"], description="REFUND FAILURE"
    )
    made["amount_refunded"] -= row["amount"]
    made["refunded"] = False
    row.pop("_fails_at", None)
    row.update(status="failed", failure_reason="expired_or_canceled_card",
               failure_balance_transaction=back["id"])  # fmt: skip
    w.emit("refund.failed", row)
    w.emit("refund.updated", row, {"status": "succeeded"})
    w.emit("charge.updated", made)
    return row


@route("POST", "/v1/refunds/{refund}")
def update_refund(w, p, oid):
    row = w.get("refund", oid)
    with w.changing(row, "refund.updated"):
        row["metadata"] = metadata(row["metadata"], p.get("metadata"))
    return row


@route("POST", "/v1/refunds/{refund}/cancel")
def cancel_refund(w, p, oid):
    raise refused("You can only cancel refunds that have a `status` of `requires_action`.")


@list_filter("refund")
def refunds(w, p):
    return w.find("refund", lambda row: plain(row, p))


# Disputes

REASON_CODE = {"fraudulent": "10.4", "product_not_received": "13.1", "general": "12.6"}


def open_dispute(w, made, reason="fraudulent"):
    if made["disputed"]:
        raise refused(f"Charge {made['id']} is disputed already.")
    code = REASON_CODE.get(reason, "12.6")
    spec = shapes.description()
    evidence = spec.fit(
        {"enhanced_evidence": {}}, shapes._schema("dispute")["properties"]["evidence"]
    )
    amount = made["amount"] - made["amount_refunded"]
    dispute = w.new(
        "dispute", amount=amount, charge=made["id"], currency=made["currency"], evidence=evidence,
        payment_intent=made["payment_intent"], reason=reason, status="needs_response", network_reason_code=code,
        evidence_details={
            "due_by": w.now() + 9 * money.DAY, "enhanced_eligibility": {}, "has_evidence": False,
            "past_due": False, "submission_count": 0, "submission_method": "not_submitted",
        },
        payment_method_details={"type": "card", "card": {
            "brand": made["payment_method_details"]["card"]["brand"], "case_type": "chargeback",
            "network": made["payment_method_details"]["card"]["brand"], "network_reason_code": code,
        }},
    )  # fmt: skip
    taken = balance_entry(
        w, -amount, made["currency"], "adjustment", dispute["id"], fee=money.DISPUTE_FEE,
        description=f"Chargeback withdrawal for {made['id']}",
    )  # fmt: skip
    dispute["balance_transactions"] = [shapes.public(taken)]
    w.emit("charge.dispute.created", dispute)
    w.update(made, "charge.updated", disputed=True)
    w.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def close_dispute(w, dispute, status):
    """`won` brings the money back (not the fee), `lost` keeps it gone."""
    if status not in ("won", "lost"):
        raise refused("A dispute ends won or lost.", param="status")
    if dispute["status"] in ("won", "lost"):
        raise refused(f"Dispute {dispute['id']} is closed.")
    previous = {"status": dispute["status"]}
    dispute["status"] = status
    if status == "won":
        back = balance_entry(
            w, dispute["amount"], dispute["currency"], "adjustment", dispute["id"],
            description=f"Chargeback reversal for {dispute['charge']}", category="dispute_reversal",
        )  # fmt: skip
        dispute["balance_transactions"] = [*dispute["balance_transactions"], shapes.public(back)]
        dispute["is_charge_refundable"] = True
    w.emit("charge.dispute.updated", dispute, previous)
    if status == "won":
        w.emit("charge.dispute.funds_reinstated", dispute)
    w.emit("charge.dispute.closed", dispute)
    return dispute


@route("POST", "/v1/disputes/{dispute}")
def update_dispute(w, p, oid):
    dispute = w.get("dispute", oid)
    if dispute["status"] in ("won", "lost"):
        raise refused("This dispute is closed.", param="evidence")
    with w.changing(dispute, "charge.dispute.updated"):
        dispute["metadata"] = metadata(dispute["metadata"], p.get("metadata"))
        if p.get("evidence"):
            sent = p["evidence"]
            dispute["evidence"] = {
                **dispute["evidence"],
                **{k: v for k, v in sent.items() if isinstance(v, str)},
            }
            details = {**dispute["evidence_details"], "has_evidence": True}
            if p.get("submit", True):
                details.update(
                    submission_count=details["submission_count"] + 1, submission_method="manual"
                )
                dispute["status"] = "under_review"
            dispute["evidence_details"] = details
    return dispute


@route("POST", "/v1/disputes/{dispute}/close")
def concede_dispute(w, p, oid):
    """Accepting a dispute loses it."""
    return close_dispute(w, w.get("dispute", oid), "lost")
