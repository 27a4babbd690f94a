"""Signals for hosts, sent on commit (`send_robust`). The sender is the model class.

Changes of what a person may use come from core: `threadflow_core.ports.entitlements_changed`.
"""

from django.dispatch import Signal

#: order, before. A payment order reached another state (`order.state`).
order_changed = Signal()
#: subscription, before. A subscription reached another status (`subscription.status`).
subscription_changed = Signal()
#: refund, before.
refund_changed = Signal()
#: grant. Access was given, moved or ended.
grant_changed = Signal()
#: dispute. A customer's bank asks for money back, or has decided.
dispute_changed = Signal()
