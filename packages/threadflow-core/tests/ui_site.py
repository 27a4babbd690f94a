"""A small site around the shell, for the tests of views, middleware and the browser."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from django import forms
from django.contrib.auth import get_user_model, login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path

from threadflow_core import exceptions
from threadflow_core.limits import Limit
from threadflow_core.views import Context, FormPage, PageView, ServiceView

VOTES = {"value": 0, "score": 41}
RAISES = {
    "sign-in": lambda: exceptions.SignInRequired(),
    "not-allowed": lambda: exceptions.NotAllowed("This thread is locked.", code="thread_locked"),
    "not-found": lambda: exceptions.NotFound(),
    "gone": lambda: exceptions.Gone(),
    "conflict": lambda: exceptions.Conflict(),
    "stale": lambda: exceptions.PreconditionFailed(current="the other version"),
    "invalid": lambda: exceptions.Invalid(fields={"text": ["Say more."], "unknown": ["And this."]}),
    "limit": lambda: exceptions.LimitExceeded(30),
    "too-large": lambda: exceptions.TooLarge(),
    "unavailable": lambda: exceptions.Unavailable(),
}


def templates(settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The TEMPLATES setting with this site's own templates in front."""
    return [{**settings[0], "DIRS": [Path(__file__).parent / "templates"]}]


class TextForm(forms.Form):
    text = forms.CharField(widget=forms.Textarea, max_length=200)


class Home(PageView):
    template_name = "ui_site/home.html"
    parts = {"more": "ui_site/_more.html"}

    def get_context(self) -> Context:
        return {
            "title": "Home",
            "votes": VOTES,
            "numbers": range(1, 4),
            "people": [{"name": "ada", "hue": 1}],
        }


class Broken(PageView):
    template_name = "ui_site/home.html"

    def get_context(self) -> Context:
        raise RAISES[self.kwargs["error"]]()


class Vote(ServiceView):
    template_name = "threadflow/components/_vote.html"

    def act(self, form: Any) -> Context:
        time.sleep(float(self.request.GET.get("sleep", 0)))
        if self.request.GET.get("refuse"):
            raise exceptions.NotAllowed("This thread is locked.")
        value = int(self.request.POST["value"])
        VOTES["score"] += value - VOTES["value"]
        VOTES["value"] = value
        return self.state()

    def current_state(self, error: exceptions.ThreadflowError) -> Context:
        return self.state()

    def get_anchor(self, context: Context) -> str:
        return "vote-one"

    def state(self) -> Context:
        return {"id": "one", "url": self.request.get_full_path(), **VOTES, "keys": True}


class Act(ServiceView):
    """Raises what its URL says, for the matrix of refusals."""

    form_class = TextForm
    template_name = "ui_site/_said.html"
    form_id = "say"
    title = "Say something"
    success_url = "/?back=1"
    success_message = "Said."

    def act(self, form: Any) -> Context:
        error = self.kwargs.get("error")
        if error:
            raise RAISES[error]()
        return {"text": form.cleaned_data["text"]}

    def get_anchor(self, context: Context) -> str:
        return "said"


class NoForm(ServiceView):
    def act(self, form: Any) -> None:
        raise RAISES[self.kwargs["error"]]()


class Limited(Act):
    limit = Limit("tests.ui", "2/h")


class Page(FormPage):
    form_class = TextForm
    title = "Report this"
    form_id = "report"
    success_url = "/"
    success_message = "Thank you."

    def act(self, form: Any) -> Context:
        if name := self.request.GET.get("raise"):
            raise RAISES[name]()
        return {}


class Reply(ServiceView):
    form_class = TextForm
    template_name = "ui_site/_said.html"

    def act(self, form: Any) -> Context:
        return {"text": form.cleaned_data["text"]}


def sign_in_as(request: HttpRequest, name: str) -> HttpResponse:
    staff = name == "admin"
    person, _made = get_user_model().objects.get_or_create(
        username=name, defaults={"is_staff": staff}
    )
    login(request, person, backend="django.contrib.auth.backends.ModelBackend")
    return HttpResponse("signed in")


def broken(request: HttpRequest) -> HttpResponse:
    return HttpResponse("<!doctype html><html><body>A bug</body></html>", status=500)


def state(request: HttpRequest) -> HttpResponse:
    """The votes as the server has them; a POST starts anew."""
    if request.GET.get("reset"):
        VOTES.update(value=0, score=41)
    return JsonResponse(VOTES)


def cookie(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("x")
    response.set_cookie("other", "1")
    return response


urlpatterns = [
    path("", Home.as_view()),
    path("broken/<error>/", Broken.as_view()),
    path("vote/", Vote.as_view()),
    path("act/", Act.as_view()),
    path("act/<error>/", Act.as_view()),
    path("no-form/<error>/", NoForm.as_view()),
    path("limited/", Limited.as_view()),
    path("page/", Page.as_view()),
    path("reply/", Reply.as_view()),
    path("bug/", broken),
    path("cookie/", cookie),
    path("state/", state),
    path("data/", lambda request: JsonResponse({})),
    path("as/<name>/", sign_in_as),
    path("threadflow/", include("threadflow_core.urls")),
]
