"""REST of billing. A site mounts it at its own place: `path("api/v1/", include(…))`."""

from __future__ import annotations

from django.urls import path

from . import views

app_name = "threadflow_billing_api"
sub = "billing/subscription/"
urlpatterns = [
    path("billing/plans/", views.PlansView.as_view(), name="plans"),
    path("billing/checkout/", views.CheckoutView.as_view(), name="checkout"),
    path("billing/checkout/<uuid:id>/", views.CheckoutStateView.as_view(), name="checkout_state"),
    path("billing/commands/<uuid:id>/", views.CommandView.as_view(), name="command"),
    path("billing/portal/", views.PortalView.as_view(), name="portal"),
    path(sub, views.SubscriptionView.as_view(), name="subscription"),
    path(f"{sub}preview/", views.PreviewView.as_view(), name="preview"),
    path(f"{sub}change/", views.ChangeView.as_view(), name="change"),
    path(f"{sub}cancel/", views.CancelView.as_view(), name="cancel"),
    path(f"{sub}resume/", views.ResumeView.as_view(), name="resume"),
    path(f"{sub}pause/", views.PauseView.as_view(), name="pause"),
    path(f"{sub}keep/", views.KeepView.as_view(), name="keep"),
    path(f"{sub}history/", views.HistoryView.as_view(), name="history"),
    path("billing/invoices/", views.InvoicesView.as_view(), name="invoices"),
    path("billing/invoices/<uuid:id>/link/", views.InvoiceLinkView.as_view(), name="invoice_link"),
    path("billing/usage/", views.UsageView.as_view(), name="usage"),
    path("billing/gifts/", views.GiftsView.as_view(), name="gifts"),
    path("billing/gifts/redeem/", views.RedeemView.as_view(), name="redeem"),
]
