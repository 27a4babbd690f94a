"""Pages of billing. A site mounts them under any prefix: `path("premium/", include(…))`.

The webhook is among them. A site that wants it elsewhere adds
`path("webhooks/", include("threadflow_billing.webhook_urls"))`.
"""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from threadflow_core.urls import shared_urls

from .views import manage, plans, records
from .views.webhooks import StripeWebhookView

app_name = "threadflow_billing"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", plans.PlansView.as_view(), name="plans"),
    path("checkout/", plans.CheckoutView.as_view(), name="checkout"),
    path("checkout/<uuid:id>/", plans.ReturnView.as_view(), name="returned"),
    path("commands/<uuid:id>/", plans.CommandPage.as_view(), name="command"),
    path("manage/", manage.ManageView.as_view(), name="manage"),
    path("manage/change/", manage.ChangeView.as_view(), name="change"),
    path("manage/preview/<uuid:id>/", manage.PreviewView.as_view(), name="preview"),
    path("manage/apply/", manage.ApplyView.as_view(), name="apply"),
    path("manage/downgrade/", manage.DowngradeView.as_view(), name="downgrade"),
    path("manage/keep/", manage.KeepPlanView.as_view(), name="keep_plan"),
    path("manage/cancel/", manage.CancelView.as_view(), name="cancel"),
    path("manage/resume/", manage.ResumeView.as_view(), name="resume"),
    path("manage/pause/", manage.PauseView.as_view(), name="pause"),
    path("manage/portal/", manage.PortalView.as_view(), name="portal"),
    path("manage/pay/", manage.PayView.as_view(), name="pay"),
    path("invoices/", records.InvoicesView.as_view(), name="invoices"),
    path("invoices/open/", records.InvoiceOpenView.as_view(), name="open_invoice"),
    path("usage/", records.UsageView.as_view(), name="usage"),
    path("gifts/", records.GiftsView.as_view(), name="gifts"),
    path("gifts/buy/", records.GiftBuyView.as_view(), name="buy_gift"),
    path("gifts/redeem/", records.RedeemView.as_view(), name="redeem"),
    path("history/", records.HistoryView.as_view(), name="history"),
    path("webhooks/stripe/", StripeWebhookView.as_view(), name="webhook"),
    *shared_urls(),
]
