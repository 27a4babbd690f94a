"""The shared views themselves: preview, appearance, keyboard help, component page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import View

from . import logging, markup
from .exceptions import NotFound, SignInRequired
from .idempotency import FIELD, form_key
from .limits import Limit, spend
from .page import APPEARANCE, safe_url
from .views import Context, FormPage, PageMixin, PageView

YEAR = 365 * 24 * 3600
#: Rendering costs CPU; people press Preview often, programs should not.
PREVIEW = Limit("core.preview", "60/m")
LONGEST_PREVIEW = 100_000


class PreviewView(PageMixin, View):
    """What a text will look like, from the one renderer: a fragment for htmx, a page without.

    POST `tf_field` names the field that holds the text (default `text`). Without scripts the
    page shows a composer again, whose `tf_action` leads on to where the form was going.
    """

    http_method_names = ["post", "options"]

    def check_access(self) -> None:
        if not self.page.signed_in:
            raise SignInRequired()

    def post(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        spend(PREVIEW, request)
        name = request.POST.get("tf_field") or "text"
        text = request.POST.get(name, "")[:LONGEST_PREVIEW]
        html = markup.render(text).html if text.strip() else ""
        if self.is_htmx:
            return self.respond("threadflow/_preview.html", {"html": html})
        action = safe_url(request, request.POST.get("tf_action"))
        if not action:
            raise NotFound()
        skipped = {name, "tf_field", "tf_action", "csrfmiddlewaretoken", FIELD}
        kept = [
            (key, value)
            for key, values in request.POST.lists()
            if key not in skipped
            for value in values
        ]
        context = {
            "title": _("Preview"),
            "html": html,
            "id": "preview",
            "action": action,
            "name": name,
            "initial": text,
            "once": form_key(request),
            "preview_url": request.path,
            "kept": kept,
            "extra_template": "threadflow/_preview_kept.html",
        }
        return self.respond("threadflow/preview_page.html", context)


class AppearanceForm(forms.Form):
    """How pages look in this browser. Kept in cookies, so that it also works signed out."""

    theme = forms.ChoiceField(
        label=gettext_lazy("Theme"),
        choices=[
            ("", gettext_lazy("As the system")),
            ("light", gettext_lazy("Paper (light)")),
            ("dark", gettext_lazy("Ink (dark)")),
        ],
        required=False,
        widget=forms.RadioSelect,
    )
    density = forms.ChoiceField(
        label=gettext_lazy("Rows"),
        choices=[("", gettext_lazy("Comfortable")), ("compact", gettext_lazy("Compact"))],
        required=False,
        widget=forms.RadioSelect,
    )
    keys = forms.ChoiceField(
        label=gettext_lazy("Keyboard shortcuts"),
        choices=[("", gettext_lazy("On")), ("off", gettext_lazy("Off"))],
        required=False,
        widget=forms.RadioSelect,
    )


class AppearanceView(FormPage):
    """Theme, density and shortcuts. A post may hold some of the fields: the others stay."""

    form_class = AppearanceForm
    title = gettext_lazy("Appearance")
    submit_label = gettext_lazy("Save")
    form_id = "tf-appearance"

    def get_initial(self) -> dict[str, Any]:
        return {name: getattr(self.page, name) for name in APPEARANCE}

    def act(self, form: AppearanceForm) -> Context:
        return {"chosen": {n: form.cleaned_data[n] for n in APPEARANCE if n in self.request.POST}}

    def answer_success(self, context: Context) -> HttpResponse:
        response = super().answer_success(context)
        for name, value in context["chosen"].items():
            cookie = APPEARANCE[name][0]
            if value:
                secure = self.request.is_secure()
                response.set_cookie(
                    cookie, value, max_age=YEAR, samesite="Lax", secure=secure, httponly=True
                )
            else:
                response.delete_cookie(cookie, samesite="Lax")
        if self.is_htmx:  # what changes is the <html> element, which only a new page has
            del response["HX-Redirect"]
            response["HX-Refresh"] = "true"
        return response


class KeyboardView(PageView):
    """All shortcuts, as a page and as a dialog; the script adds those of the page beneath."""

    template_name = "threadflow/dialog_page.html"
    parts: ClassVar[Mapping[str, str]] = {"dialog": "threadflow/components/_dialog.html"}

    def get_context(self) -> Context:
        return {
            "title": _("Shortcuts"),
            "body_template": "threadflow/_keyboard.html",
            "groups": shortcuts(),
        }


class StyleGuideView(PageView):
    """Every component in every state, on paper and on ink. For developers and staff."""

    template_name = "threadflow/styleguide.html"

    def check_access(self) -> None:
        if not (settings.DEBUG or getattr(self.page.person, "is_staff", False)):
            raise NotFound()

    def get_context(self) -> Context:
        from .styleguide import samples

        return samples()


def shortcuts() -> list[tuple[str, list[tuple[list[str], str]]]]:
    """The keyboard map, as it is shown to people."""
    return [
        (
            _("Reading"),
            [
                (["j", "k"], _("Next and previous")),
                (["o"], _("Open")),
                (["u"], _("Up to the list or the comment above")),
                (["x"], _("Fold or unfold")),
                (["n", "p"], _("Next and previous new one")),
                (["."], _("Show what is new")),
            ],
        ),
        (
            _("Acting"),
            [
                (["a", "z"], _("Upvote, downvote")),
                (["r"], _("Reply")),
                (["q"], _("Reply with a quote")),
                (["s"], _("Save")),
                (["c"], _("New post")),
            ],
        ),
        (
            _("Going"),
            [
                (["g", "h"], _("Home")),
                (["g", "a"], _("All")),
                (["g", "m"], _("Your profile")),
                (["g", "s"], _("Saved")),
                (["Ctrl", "Enter"], _("Send what you wrote")),
                (["?"], _("This page")),
            ],
        ),
    ]


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: the page of a bug. It asks neither the session nor the database."""
    html = render_to_string("threadflow/errors/500.html", {"request_id": logging.current()})
    return HttpResponse(html, status=500)
