"""Base classes of all pages: what a view of any package need not do itself.

A page needs no middleware and no context processor of ours: `PageMixin` brings the base
template, the object `tf` (see `page.Page`) and the right caching headers. `ServiceView` is one
action: the same URL answers a form post, an htmx post and a retry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import urldefrag

from django import forms
from django.contrib import messages
from django.contrib.messages import get_messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template.response import TemplateResponse
from django.utils.cache import patch_cache_control, patch_vary_headers
from django.utils.translation import gettext_lazy as _
from django.views.generic import View

from .app_settings import app_settings
from .exceptions import (
    Invalid,
    LimitExceeded,
    NotFound,
    PreconditionFailed,
    SignInRequired,
    ThreadflowError,
)
from .idempotency import form_key, new_form_key
from .limits import Limit, spend
from .page import Page, here, login_url, page_for, safe_url
from .toasts import toasts_html

Context = dict[str, Any]


class PageMixin:
    """Context, headers and errors of every page. Mix it in before a Django view."""

    request: HttpRequest
    #: Fragments with URLs of their own: `?part=name` answers with the template named here.
    parts: ClassVar[Mapping[str, str]] = {}

    @property
    def page(self) -> Page:
        return page_for(self.request)

    @property
    def is_htmx(self) -> bool:
        return self.page.is_htmx

    def check_access(self) -> None:
        """Raise SignInRequired, NotAllowed or NotFound before anything else is done."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            self.check_access()
            response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        except ThreadflowError as error:
            response = self.answer_error(error)
        return self.finish(response)

    def finish(self, response: HttpResponseBase) -> HttpResponseBase:
        """Only an answer to a request without cookies may be shared; all others are private."""
        patch_vary_headers(response, ["Cookie"])
        if (self.request.COOKIES or self.page.signed_in) and not response.has_header(
            "Cache-Control"
        ):
            patch_cache_control(response, private=True, no_store=True)
        return response

    def base_context(self) -> Context:
        """What every template of ours may rely on, also in a site without context processors."""
        return {
            "request": self.request,
            "tf": self.page,
            "tf_base": self.page.base,
            "messages": get_messages(self.request),
        }

    def respond(
        self, template: str | list[str], context: Context, status: int = 200
    ) -> TemplateResponse:
        """A rendered template with the base context."""
        return TemplateResponse(
            self.request, template, {**self.base_context(), **context}, status=status
        )

    def part_template(self) -> str | None:
        """Template of the fragment asked for by `?part=`, None for the page; unknown ones are 404."""
        part = self.request.GET.get("part")
        if not part:
            return None
        if part not in self.parts:
            raise NotFound()
        return self.parts[part]

    def answer_error(self, error: ThreadflowError) -> HttpResponseBase:
        """The answer to an error that nobody in the view dealt with: sign-in, toast or page."""
        if isinstance(error, SignInRequired):
            return self.to_sign_in(error)
        if self.is_htmx:
            return self.with_headers(self.toast_response(error), error)
        return self.with_headers(self.error_page(error), error)

    def to_sign_in(self, error: ThreadflowError) -> HttpResponse:
        """Send the person to the sign-in page and back to where they were."""
        url = login_url(here(self.request))
        if not self.is_htmx:
            return HttpResponseRedirect(url)
        response = HttpResponse(status=error.status)
        response["HX-Redirect"] = url
        return response

    def toast_response(self, error: ThreadflowError) -> HttpResponse:
        """Nothing but the toast, out of band: htmx leaves the target as it is."""
        return HttpResponse(toasts_html(self.request, [error.message]), status=error.status)

    def error_page(self, error: ThreadflowError) -> TemplateResponse:
        names = [f"threadflow/errors/{error.status}.html", "threadflow/errors/error.html"]
        return self.respond(names, {"error": error}, error.status)

    def with_headers(self, response: HttpResponse, error: ThreadflowError) -> HttpResponse:
        if isinstance(error, LimitExceeded):
            response["Retry-After"] = str(error.retry_after)
        return response


class PageView(PageMixin, View):
    """A page that is only read. Implement `get_context`; `?part=` fragments use the same context."""

    template_name: str

    def get_context(self) -> Context:
        """What the template needs beyond the base context."""
        return {}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        template = self.part_template() or self.template_name
        return self.respond(template, self.get_context())


class ServiceView(PageMixin, View):
    """One action: parse the form, spend the limit, call the service in `act`, answer.

    The service opens its own transaction; the view runs outside of one even under
    `ATOMIC_REQUESTS`, so that a refused try stays counted. An answer to htmx is
    `template_name` with what `act` returned, otherwise a 303 to `get_success_url`. Errors keep
    what was typed and carry the same status in both worlds.
    """

    http_method_names = ["post", "options"]
    #: Partial that shows the new state; empty answers htmx with toasts alone.
    template_name: str = ""
    form_class: type[forms.BaseForm] = forms.Form
    #: What a try costs; declared beside the service.
    limit: Limit | None = None
    #: URL name or path to go to without htmx; empty: back to the page one came from.
    success_url: str = ""
    #: Status of a htmx answer after success.
    success_status: int = 200
    #: Said in a toast (htmx) or a message (page) after success.
    success_message: Any = ""
    #: Partial with the form itself, for a refusal under htmx, and the page around it without.
    form_template_name: str = "threadflow/components/_form.html"
    page_template_name: str = "threadflow/form_page.html"
    #: Id of the form on the page: a refused form replaces it, wherever success would have gone.
    form_id: str = ""
    title: Any = ""
    submit_label: Any = _("Send")

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., HttpResponseBase]:
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    def answer_error(self, error: ThreadflowError) -> HttpResponseBase:
        if self.request.method == "POST" and not isinstance(error, NotFound):
            return self.answer_refusal(error, self.get_form())
        return super().answer_error(error)

    # What a package implements

    def act(self, form: Any) -> Context | None:
        """Call the service and return the context of the partial. Raises ThreadflowErrors."""
        raise NotImplementedError

    def current_state(self, error: ThreadflowError) -> Context | None:
        """Context of `template_name` with the true state after a refusal; None: leave as it is."""
        return None

    def get_merge_context(self, error: PreconditionFailed, form: forms.BaseForm) -> Context:
        """More for the form's template when somebody else saved in between (`current` is there)."""
        return {}

    @property
    def form_key(self) -> str:
        """The form's one-time key, for services that call `idempotency.once`."""
        return form_key(self.request)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"data": self.request.POST, "files": self.request.FILES}

    def get_form(self) -> Any:
        return self.form_class(**self.get_form_kwargs())

    def get_success_url(self, context: Context) -> str:
        """Where a browser without htmx goes. Default: `success_url`, `next`, the page before."""
        if self.success_url:
            return resolve_url(self.success_url)
        return self.back_url()

    def get_anchor(self, context: Context) -> str:
        """Id on that page to land on, without `#`."""
        return ""

    def get_form_context(self, form: forms.BaseForm) -> Context:
        """What the form's partial and page need."""
        return {
            "form": form,
            "form_id": self.form_id,
            "action": self.action_url(),
            "title": self.title,
            "submit_label": self.submit_label,
            "cancel_url": self.back_url(),
            "once": self.form_key or new_form_key(),
            "hx": self.is_htmx,
            "next": safe_url(
                self.request, self.request.POST.get("next") or self.request.GET.get("next")
            ),
        }

    # The way of a request

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        form = self.get_form()
        try:
            if not form.is_valid():
                raise Invalid()
            if self.limit is not None:
                spend(self.limit, request)
            context = self.act(form) or {}
        except ThreadflowError as error:
            return self.answer_refusal(error, form)
        return self.answer_success(context)

    def answer_success(self, context: Context) -> HttpResponse:
        text = self.get_success_message(context)
        if not self.is_htmx:
            if text:
                messages.success(self.request, text, fail_silently=True)
            url, fragment = urldefrag(self.get_success_url(context))
            anchor = self.get_anchor(context) or fragment
            return see_other(f"{url}#{anchor}" if anchor else url)
        extra = toasts_html(self.request, success=[text] if text else [])
        if not self.template_name:
            return HttpResponse(extra, status=self.success_status)
        response = self.respond(self.template_name, context, self.success_status)
        append_after_render(response, extra)
        return response

    def get_success_message(self, context: Context) -> str:
        return str(self.success_message)

    def answer_refusal(self, error: ThreadflowError, form: forms.BaseForm) -> HttpResponse:
        """Say why, in the right status, without losing a word that was typed."""
        if isinstance(error, Invalid):
            put_errors(form, error)
        if isinstance(error, SignInRequired) and not (has_text(form) and not self.is_htmx):
            return self.to_sign_in(error)
        response = self.refuse_htmx(error, form) if self.is_htmx else self.refuse_page(error, form)
        return self.with_headers(response, error)

    def refuse_htmx(self, error: ThreadflowError, form: forms.BaseForm) -> HttpResponse:
        if isinstance(error, Invalid | PreconditionFailed) and form.fields:
            return self.respond_form(error, form)
        toast = toasts_html(self.request, [error.message])
        state = self.current_state(error) if self.template_name else None
        if state is None:
            return HttpResponse(toast, status=error.status)
        response = self.respond(self.template_name, state, error.status)
        append_after_render(response, toast)
        return response

    def respond_form(self, error: ThreadflowError, form: forms.BaseForm) -> HttpResponse:
        """The form with its errors, into its own place."""
        context = self.refused_context(error, form)
        response = self.respond(self.form_template_name, context, error.status)
        if self.form_id:
            response["HX-Retarget"] = f"#{self.form_id}"
            response["HX-Reswap"] = "outerHTML"
        return response

    def refuse_page(self, error: ThreadflowError, form: forms.BaseForm) -> HttpResponse:
        if not form.fields or isinstance(error, NotFound):
            return self.error_page(error)
        return self.respond(
            self.page_template_name, self.refused_context(error, form), error.status
        )

    def refused_context(self, error: ThreadflowError, form: forms.BaseForm) -> Context:
        context = {
            **self.get_form_context(form),
            "error": None if isinstance(error, Invalid) else error,
        }
        if isinstance(error, SignInRequired):
            context["error_url"] = login_url(here(self.request))
        if isinstance(error, PreconditionFailed):
            context |= {"current": error.current, **self.get_merge_context(error, form)}
        return context

    def action_url(self) -> str:
        """Where the form posts to: this URL, without what only concerns how it was shown."""
        query = self.request.GET.copy()
        for name in ("part", "next"):
            query.pop(name, None)
        return f"{self.request.path}?{query.urlencode()}" if query else self.request.path

    def back_url(self) -> str:
        """`next` of the form, else the page one came from, else home; never another site."""
        given = self.request.POST.get("next") or self.request.GET.get("next")
        came = (
            here(self.request)
            if self.request.method == "POST"
            else self.request.headers.get("Referer")
        )
        return (
            safe_url(self.request, given)
            or safe_url(self.request, came)
            or resolve_url(app_settings.HOME_URL)
        )


class FormPage(ServiceView):
    """An action whose form is a page, too: GET shows it, POST acts. `?part=dialog` is the dialog."""

    http_method_names = ["get", "head", "post", "options"]
    template_name = ""
    parts: ClassVar[Mapping[str, str]] = {"dialog": "threadflow/components/_dialog.html"}

    def get_initial(self) -> dict[str, Any]:
        return {}

    def get_form_kwargs(self) -> dict[str, Any]:
        kwargs: dict[str, Any] = {"initial": self.get_initial()}
        if self.request.method == "POST":
            kwargs |= super().get_form_kwargs()
        return kwargs

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        part = self.part_template()
        context = self.get_form_context(self.get_form())
        return self.respond(part or self.page_template_name, {**context, "hx": bool(part)})

    def refuse_htmx(self, error: ThreadflowError, form: forms.BaseForm) -> HttpResponse:
        """In the form itself: a toast would lie under the dialog that the form is in."""
        if not form.fields:
            return super().refuse_htmx(error, form)
        return self.respond_form(error, form)

    def answer_success(self, context: Context) -> HttpResponse:
        """Without a partial of its own, a form page answers htmx by going on to its success URL."""
        if not self.is_htmx or self.template_name:
            return super().answer_success(context)
        text = self.get_success_message(context)
        if text:
            messages.success(self.request, text, fail_silently=True)
        url, fragment = urldefrag(self.get_success_url(context))
        anchor = self.get_anchor(context) or fragment
        response = HttpResponse(status=HTTPStatus.OK)
        if resolve_url(url) == self.page.path:  # a new fragment alone would not load anything
            response["HX-Refresh"] = "true"
        else:
            response["HX-Redirect"] = f"{url}#{anchor}" if anchor else url
        return response


def see_other(url: str) -> HttpResponseRedirect:
    """The answer to a post that worked: look there, by GET, and a reload posts nothing."""
    response = HttpResponseRedirect(url)
    response.status_code = HTTPStatus.SEE_OTHER
    return response


def put_errors(form: forms.BaseForm, error: Invalid) -> None:
    """Show what a service refused beside the fields that it named, the rest above the form."""
    for name, texts in error.fields.items():
        for text in texts:
            form.add_error(name if name in form.fields else None, text)
    if not form.errors:
        form.add_error(None, error.message)


def has_text(form: forms.BaseForm) -> bool:
    """True when the form carries prose that would be lost by going to another page."""
    return any(
        isinstance(field.widget, forms.Textarea)
        and str(form.data.get(form.add_prefix(name)) or "").strip()
        for name, field in form.fields.items()
    )


def append_after_render(response: TemplateResponse, html: str) -> None:
    """Add out-of-band parts to a partial once it is rendered."""
    if html:
        response.add_post_render_callback(lambda done: done.write(html))
