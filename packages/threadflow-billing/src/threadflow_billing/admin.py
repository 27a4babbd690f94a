"""Admin of billing. Money is looked at here; what changes something goes through the services.

A plan that a site has swapped is the site's to register.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from threadflow_core import ports
from threadflow_core.exceptions import ThreadflowError
from threadflow_core.swaps import is_swapped

from . import dashboard, models, policies
from .machines import By
from .services import accounts, grants, plans, refunds, subscriptions, webhooks
from .swaps import APP, get_plan_model
from .templatetags.threadflow_billing import money


class ReasonForm(ActionForm):
    """A reason beside every action: it ends in the history."""

    reason = forms.CharField(required=False, max_length=300, label=gettext_lazy("Reason"))


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Rows are looked at, never made, changed or deleted by hand."""

    show_full_result_count = False
    ordering = ("-pk",)
    action_form = ReasonForm

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def reason(self, request: HttpRequest) -> str:
        """The reason of an action; "" after a message when there is none."""
        text = request.POST.get("reason", "").strip()
        if not text:
            self.message_user(
                request, _("Say why, in the field beside the action."), messages.ERROR
            )
        return text

    def each(self, request: HttpRequest, rows: Any, act: Any) -> None:
        """Do `act` for every row; what is refused is told, the rest is done."""
        done = 0
        for row in rows:
            try:
                act(row)
                done += 1
            except ThreadflowError as error:
                self.message_user(request, f"{row}: {error.message}", messages.WARNING)
        if done:
            self.message_user(request, _("%(n)s done.") % {"n": done})


@admin.register(models.BillingAccount)
class BillingAccountAdmin(ReadOnlyAdmin):
    list_display = ("id", "owner", "customer_id", "currency", "livemode", "deleted_at")
    search_fields = ("=id", "=customer_id", "=email")
    list_select_related = ("owner",)
    actions = ("close",)

    @admin.action(description=gettext_lazy("Close (its numbers stay)"), permissions=["close"])
    def close(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        if reason := self.reason(request):
            by = By.user(request.user, "close", reason)
            self.each(request, queryset, lambda row: accounts.close(account=row, by=by))

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{APP}.change_billingaccount")

    def get_urls(self) -> list[Any]:
        own = [
            path(
                "dashboard/", self.admin_site.admin_view(self.dashboard), name="billing_dashboard"
            ),
            path("matrix/", self.admin_site.admin_view(self.matrix), name="billing_matrix"),
        ]
        return own + super().get_urls()

    def dashboard(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm(f"{APP}.view_ledgertransaction"):
            raise PermissionDenied
        context = {**self.admin_site.each_context(request), "title": _("Billing")}
        return TemplateResponse(
            request, "admin/threadflow_billing/dashboard.html", {**context, **dashboard.figures()}
        )

    def matrix(self, request: HttpRequest) -> HttpResponse:
        """Every plan against every feature, in one form."""
        if not request.user.has_perm(f"{APP}.change_planfeature"):
            raise PermissionDenied
        form = MatrixForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            count = plans.set_features(staff=request.user, values=form.values())
            self.message_user(request, _("%(n)s values changed.") % {"n": count})
            return HttpResponseRedirect(request.path)
        context = {**self.admin_site.each_context(request), "title": _("Plans and features")}
        return TemplateResponse(
            request,
            "admin/threadflow_billing/matrix.html",
            {**context, "form": form, "rows": form.rows(), "plans": form.plans},
            status=422 if form.errors else 200,
        )


class MatrixForm(forms.Form):
    """One field per plan and feature: a box for yes and no, text for amounts (`∞`: no bound)."""

    ENDLESS = ("∞", "unlimited", "*")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plans: list[Any] = list(get_plan_model()._default_manager.order_by("tier", "pk"))
        self.specs = ports.declared_features()
        known = {
            (row.plan_id, row.feature): row
            for row in models.PlanFeature.objects.filter(plan__in=self.plans)
        }
        for code, spec in self.specs.items():
            for plan in self.plans:
                row = known.get((plan.pk, code))
                free = plan.is_default and bool(spec.free)
                self.fields[f"{plan.code}|{code}"] = self._field(spec, row, free)

    def _field(
        self, spec: ports.Feature, row: models.PlanFeature | None, free: bool
    ) -> forms.Field:
        if spec.kind == "bool":
            initial = row.allowed if row is not None else free
            return forms.BooleanField(required=False, initial=initial)
        shown = (
            ""
            if row is None
            else "0"
            if not row.allowed
            else str("∞" if row.amount is None else row.amount)
        )
        return forms.CharField(
            required=False, initial=shown, max_length=12, widget=forms.TextInput({"size": 6})
        )

    def rows(self) -> list[tuple[str, Any, list[Any]]]:
        return [
            (code, spec, [self[f"{plan.code}|{code}"] for plan in self.plans])
            for code, spec in self.specs.items()
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name, value in list(data.items()):
            code = name.partition("|")[2]
            if self.specs[code].kind == "bool" or not value or value in self.ENDLESS:
                continue
            if not (value.isascii() and value.isdigit()):
                self.add_error(name, _("A whole number, or ∞."))
        return data

    def values(self) -> dict[tuple[str, str], tuple[bool, int | None]]:
        """What is to be written; empty amounts are left as they are (the plan names none)."""
        found: dict[tuple[str, str], tuple[bool, int | None]] = {}
        for name in self.changed_data:
            value = self.cleaned_data[name]
            plan, _bar, code = name.partition("|")
            if self.specs[code].kind == "bool":
                found[plan, code] = (value, None)
            elif value in self.ENDLESS:
                found[plan, code] = (True, None)
            elif value:
                found[plan, code] = (int(value) > 0, int(value))
        return found


@admin.register(models.Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    list_display = (
        "provider_id", "account", "status", "price", "period_end", "cancel_at_period_end", "anomaly",
    )  # fmt: skip
    list_filter = ("status", "cancel_at_period_end")
    search_fields = ("=provider_id", "=account__customer_id", "=account__id")
    list_select_related = ("account", "price")
    actions = ("end_now", "look_again")

    @admin.action(description=gettext_lazy("End at once"), permissions=["end"])
    def end_now(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        if reason := self.reason(request):
            self.each(request, queryset, lambda row: subscriptions.cancel_for(
                staff=request.user, subscription=row, when="now", reason=reason))  # fmt: skip

    @admin.action(description=gettext_lazy("Fetch from Stripe"), permissions=["end"])
    def look_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        from .services import sync

        self.each(request, queryset, lambda row: sync.mark(f"subscription:{row.provider_id}"))

    def has_end_permission(self, request: HttpRequest) -> bool:
        return bool(policies.may_end_now(request.user))


@admin.register(models.PaymentOrder)
class PaymentOrderAdmin(ReadOnlyAdmin):
    list_display = ("id", "account", "purpose", "state", "shown", "refunded", "dispute", "paid_at")
    list_filter = ("state", "purpose", "dispute")
    search_fields = ("=id", "=invoice_id", "=parts__intent_id", "=parts__charge_id", "=number")
    list_select_related = ("account",)
    date_hierarchy = "created_at"
    actions = ("refund_rest",)

    @admin.display(description=gettext_lazy("amount"))
    def shown(self, row: models.PaymentOrder) -> str:
        return money(row.amount, row.currency)

    @admin.action(description=gettext_lazy("Refund what is left"), permissions=["refund"])
    def refund_rest(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        if reason := self.reason(request):
            self.each(request, queryset, lambda row: refunds.request(
                staff=request.user, order=row, amount=refunds.left(row), reason=reason))  # fmt: skip

    def has_refund_permission(self, request: HttpRequest) -> bool:
        return bool(policies.may_refund(request.user))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.refund_part)
        own = [path("<uuid:pk>/refund/", view, name="billing_refund")]
        return own + super().get_urls()

    def refund_part(self, request: HttpRequest, pk: Any) -> HttpResponse:
        """Give a part of one payment back, with a reason."""
        if not policies.may_refund(request.user):
            raise PermissionDenied
        order = models.PaymentOrder.objects.get(pk=pk)
        form = RefundForm(request.POST or None, initial={"amount": refunds.left(order)})
        if request.method == "POST" and form.is_valid():
            try:
                refunds.request(staff=request.user, order=order, **form.cleaned_data)
            except ThreadflowError as error:
                fields = getattr(error, "fields", {})
                texts = [str(text) for found in fields.values() for text in found]
                form.add_error(None, texts or [str(error.message)])
            else:
                self.message_user(request, _("Stripe is being asked."))
                back = f"admin:{APP}_paymentorder_change"
                return HttpResponseRedirect(reverse(back, args=[order.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Refund"),
            "form": form,
            "order": order,
            "left": money(refunds.left(order), order.currency),
        }
        return TemplateResponse(request, "admin/threadflow_billing/refund.html", context)

    change_form_template = "admin/threadflow_billing/order.html"


class RefundForm(forms.Form):
    amount = forms.IntegerField(min_value=1, label=gettext_lazy("Amount in minor units (cents)"))
    reason = forms.CharField(max_length=300, label=gettext_lazy("Reason"))


@admin.register(models.WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ("event_id", "type", "object_key", "state", "note", "received_at")
    list_filter = ("state", "type")
    search_fields = ("=event_id", "=object_key")
    exclude = ("body",)  # it holds names and addresses; support looks at Stripe
    actions = ("replay",)

    @admin.action(description=gettext_lazy("Look again"), permissions=["replay"])
    def replay(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self.each(request, queryset, lambda row: webhooks.replay(event=row, staff=request.user))

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(policies.may_replay(request.user))


@admin.register(models.Grant)
class GrantAdmin(ReadOnlyAdmin):
    list_display = ("account", "plan", "source", "starts_at", "ends_at", "revoked_at", "reason")
    list_filter = ("source",)
    search_fields = ("=account__id", "=account__customer_id")
    list_select_related = ("account", "plan")
    actions = ("take_back",)

    @admin.action(description=gettext_lazy("Take back"), permissions=["give"])
    def take_back(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        if reason := self.reason(request):
            self.each(request, queryset, lambda row: grants.take_back(
                staff=request.user, grant=row, reason=reason))  # fmt: skip

    def has_give_permission(self, request: HttpRequest) -> bool:
        return bool(policies.may_give(request.user))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_give_permission(request)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else GiveForm

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None:
            return super().get_fieldsets(request, obj)
        return [(None, {"fields": ("account", "plan", "days", "reason")})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        data = form.cleaned_data
        made = grants.give(
            staff=request.user,
            account=data["account"],
            plan=data["plan"],
            days=data["days"],
            reason=data["reason"],
        )
        obj.pk = made.pk
        obj._state.adding = False


class GiveForm(forms.ModelForm):  # type: ignore[type-arg]
    """A plan as a favour, with its reason."""

    days = forms.IntegerField(min_value=1, required=False, help_text=gettext_lazy("Empty: no end."))
    reason = forms.CharField(max_length=300)

    class Meta:
        model = models.Grant
        fields = ("account", "plan", "reason")


@admin.register(models.LedgerTransaction)
class LedgerTransactionAdmin(ReadOnlyAdmin):
    list_display = ("posting_key", "kind", "currency", "entries_text", "happened_at")
    list_filter = ("kind", "currency")
    search_fields = ("=posting_key", "=order_id")
    date_hierarchy = "happened_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("entries__ledger_account")

    @admin.display(description=gettext_lazy("entries"))
    def entries_text(self, row: models.LedgerTransaction) -> str:
        return ", ".join(
            f"{entry.ledger_account.code} {money(entry.amount, row.currency)}"
            for entry in row.entries.all()
        )


def _register(model: Any, columns: tuple[str, ...], **more: Any) -> None:
    admin.site.register(model, type(f"{model.__name__}Admin", (ReadOnlyAdmin,),
                                    {"list_display": columns, **more}))  # fmt: skip


_register(models.Refund, ("id", "order", "state", "amount", "currency", "reason", "failure"),
          list_filter=("state",), search_fields=("=provider_id",))  # fmt: skip
_register(models.Dispute, ("provider_id", "order", "status", "reason", "amount", "currency"),
          list_filter=("status",))  # fmt: skip
_register(models.GiftCode, ("hint", "account", "price", "state", "expires_at", "redeemed_at"),
          list_filter=("state",), exclude=("code_hash",))  # fmt: skip
_register(models.Command, ("id", "kind", "account", "state", "attempts", "error_code", "created_at"),
          list_filter=("state", "kind"), exclude=("result",))  # fmt: skip
_register(models.Transition, ("created_at", "entity", "before", "after", "actor_kind", "actor",
                              "cause", "reason", "is_anomaly"),
          list_filter=("entity", "is_anomaly"), search_fields=("=entity_id",))  # fmt: skip
_register(models.ObjectSync, ("key", "dirty_seq", "done_seq", "fetched_at", "result", "error"),
          ordering=("-changed_at",), search_fields=("=key",))  # fmt: skip
_register(models.Drift, ("kind", "object_key", "detail", "found_at", "fixed_at"),
          list_filter=("kind",))  # fmt: skip
_register(models.Price, ("lookup_key", "plan", "interval", "amount", "currency", "is_active",
                         "provider_id"), list_filter=("is_active", "interval"))  # fmt: skip
_register(models.UsageCounter, ("account", "feature", "period", "used"), list_filter=("feature",))
_register(models.ReminderSent, ("account", "kind", "period", "created_at", "sent_at"),
          list_filter=("kind",))  # fmt: skip


@admin.register(models.Override)
class OverrideAdmin(ReadOnlyAdmin):
    """Overrides are set here, through the service."""

    list_display = ("account", "feature", "allowed", "amount", "removed", "ends_at", "reason")
    fields = ("account", "feature", "allowed", "amount", "removed", "ends_at", "reason")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(policies.may_give(request.user))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        made = grants.override(staff=request.user, **form.cleaned_data)
        obj.pk = made.pk
        obj._state.adding = False

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return super().get_form(request, obj, change, **kwargs) if obj else OverrideForm


class OverrideForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = models.Override
        fields = ("account", "feature", "allowed", "amount", "removed", "ends_at", "reason")

    def clean_feature(self) -> str:
        code = str(self.cleaned_data["feature"])
        if code not in ports.declared_features():
            raise forms.ValidationError(_("No installed app declares this feature."))
        return code


class PlanAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A plan changed here is no longer followed in the settings."""

    list_display = ("name", "code", "tier", "is_default", "is_active", "trial_days", "product_id")
    readonly_fields = ("code", "product_id", "version")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.metadata = {**obj.metadata, "by_hand": True}
        super().save_model(request, obj, form, change)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("code", "product_id", "version") if obj else ("product_id", "version")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # grants and prices refer to it; make it inactive instead


if not is_swapped(APP, "Plan"):
    admin.site.register(get_plan_model(), PlanAdmin)
