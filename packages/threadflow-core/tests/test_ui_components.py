"""Components render with the keys they document and nothing else; tags, filters and slots."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Engine, RequestContext, Template
from django.template.loader import render_to_string
from django.test import RequestFactory, override_settings
from django.urls import NoReverseMatch
from django.utils import timezone, translation

import threadflow_core
from threadflow_core import slots
from threadflow_core.shortcuts import core_reverse
from threadflow_core.styleguide import SampleForm
from threadflow_core.templatetags import threadflow as tags

pytestmark = pytest.mark.urls("tests.ui_site")

TEMPLATES = Path(threadflow_core.__file__).parent / "templates"
COMPONENTS = sorted((TEMPLATES / "threadflow/components").glob("_*.html"))
ADA = {"name": "ada", "initials": "A", "hue": 3, "url": "/u/ada/", "avatar_url": ""}
BAD = SampleForm({"title": "", "link": "kerbside"})
SAMPLES = {
    "_avatar": {"card": ADA, "size": 40},
    "_breadcrumbs": {"crumbs": [("/", "Home"), ("", "Here")]},
    "_byline": {"card": ADA, "when": timezone.now(), "badges": [("op", "OP")], "avatar": True},
    "_composer": {
        "id": "c",
        "action": "/reply/",
        "preview_url": "/preview/",
        "once": "k",
        "errors": ["No."],
    },
    "_confirm": {"title": "Sure?", "action": "/x/", "submit_label": "Yes", "fields": [("a", "1")]},
    "_dialog": {"title": "Report", "form": SampleForm(), "action": "/x/"},
    "_empty": {"title": "Nothing", "action_url": "/", "action_label": "Home", "request_id": "01"},
    "_error": {"retry_url": "/again/"},
    "_field": {"field": BAD["link"]},
    "_field_error": {"field": BAD["link"]},
    "_form": {"form": BAD, "action": "/x/", "hx": True, "form_id": "f"},
    "_form_errors": {"form": BAD, "error": SimpleNamespace(message="No."), "error_url": "/login/"},
    "_messages": {"messages": [SimpleNamespace(level_tag="error", __str__=lambda: "m")]},
    "_notice": {
        "kind": "warn",
        "title": "Slow",
        "text": "Wait.",
        "action_url": "/",
        "action_label": "Go",
    },
    "_pager": {"next_url": "?after=1"},
    "_paywall": {"title": "Premium", "text": "€4", "action_url": "/premium/"},
    "_skeleton": {},
    "_sub_icon": {"name": "breadmaking", "icon": "wheat"},
    "_tabs": {"tabs": [("/", "Hot", True), ("/new/", "New", False, 3)], "label": "Sort"},
    "_toast": {"text": "Deleted", "action_url": "/undo/", "action_label": "Undo"},
    "_toasts": {"toasts": [{"text": "Saved"}], "alerts": [{"text": "No", "level": "error"}]},
    "_vote": {"id": "one", "url": "/vote/", "score": 1204, "value": 1},
}


def strict(name: str, keys: dict) -> str:
    """Render with an engine that shouts at every variable nobody passed or documented."""
    return render_to_string(f"threadflow/components/{name}.html", keys)


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_every_component_lists_its_keys_and_renders_with_them_alone(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("{#"), "the first line is the list of context keys"
    html = strict(path.stem, SAMPLES[path.stem])
    assert html.strip()
    assert "None" not in html


@pytest.mark.parametrize("path", COMPONENTS, ids=lambda path: path.stem)
def test_the_list_of_keys_is_complete(path):
    text = path.read_text()
    comment = re.match(r"\{#(.*?)#\}", text).group(1)
    body = text[text.index("#}") + 2 :]
    local = set(re.findall(r"\bas (\w+)", body))
    for names in re.findall(r"\{% for ([\w, ]+) in", body):
        local |= set(re.split(r",\s*", names))
    local |= set(re.findall(r"\{% with (\w+)=", body))
    used = set(re.findall(r"\{\{ (\w+)", body)) | set(re.findall(r"\{% if (?:not )?(\w+)", body))
    used |= set(re.findall(r"\bin (\w+) %\}", body))
    unknown = {
        name for name in used - local - {"forloop"} if not re.search(rf"\b{name}\b", comment)
    }
    assert not unknown


def test_names_of_people_are_escaped_everywhere():
    evil = {**ADA, "name": '"><script>x</script>', "initials": "<i>"}
    for name in ("_avatar", "_byline"):
        assert "<script>" not in strict(name, {**SAMPLES[name], "card": evil, "plain": True})
    assert "<script>" not in strict("_toast", {"text": "<script>"})


def test_icons_come_from_the_sprite_and_are_silent():
    html = tags.tf_icon("bell", "s")
    assert html == (
        '<svg class="tf-i tf-i--s" aria-hidden="true"><use href="/static/threadflow/sprite.svg#i-bell"/></svg>'
    )


def test_every_icon_that_a_template_names_is_in_the_sprite():
    sprite = (TEMPLATES.parent / "static/threadflow/sprite.svg").read_text()
    named = set()
    for path in TEMPLATES.rglob("*.html"):
        named |= set(re.findall(r"tf_icon \"([\w-]+)\"", path.read_text()))
    assert named
    assert not {name for name in named if f'id="i-{name}"' not in sprite}


def test_the_sprite_may_live_elsewhere(settings):
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "SPRITE_URL": "/own/sprite.svg"}
    assert "/own/sprite.svg#i-bell" in tags.tf_icon("bell")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (987, "987"),
        (1000, "1k"),
        (1204, "1.2k"),
        (1999, "1.9k"),
        (34_567, "34k"),
        (1_250_000, "1.2M"),
        (-12, "−12"),
        (-1500, "−1.5k"),
        (None, ""),
    ],
)
def test_numbers_are_short_and_never_claim_too_much(value, text):
    assert tags.tf_number(value) == text


def test_numbers_follow_the_language():
    with translation.override("de"):
        assert tags.tf_number(1204) == "1,2k"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=5), "now"),
        (timedelta(minutes=6), "6 min"),
        (timedelta(hours=4), "4 h"),
        (timedelta(days=3), "3 d"),
    ],
)
def test_ages_are_short_and_machine_readable(ago, text):
    moment = timezone.now() - ago
    html = tags.tf_when(moment)
    assert f">{text}</time>" in html
    assert (
        f'datetime="{timezone.localtime(moment).isoformat()}"' in html or moment.isoformat() in html
    )
    assert "data-tf-when" in html


def test_old_things_show_their_date():
    assert "d</time>" not in tags.tf_when(timezone.now() - timedelta(days=90))


def test_hues_stay_with_a_name():
    assert tags.tf_hue("ada") == tags.tf_hue("ada")
    assert {tags.tf_hue(f"person {n}") for n in range(100)} == set(range(1, 9))


def render(text: str, user=None, **more) -> str:
    request = RequestFactory().get("/threads/abc/?sort=new")
    request.user = user or AnonymousUser()
    return Template("{% load threadflow %}" + text).render(
        RequestContext(request, {"request": request, **more})
    )


def test_the_form_of_actions_is_there_once_and_for_members_only():
    ada = get_user_model()(username="ada", pk=1)
    assert render("{% tf_act_form %}{% tf_body_end %}", ada).count('id="tf-act"') == 1
    assert render("{% tf_body_end %}", ada).count("csrfmiddlewaretoken") == 1
    assert "csrfmiddlewaretoken" not in render("{% tf_act_form %}{% tf_body_end %}")


def test_sign_in_links_lead_back_to_the_place():
    assert render('{% tf_login_url "c42" %}').endswith("?next=/threads/abc/%3Fsort%3Dnew%23c42")


def test_live_is_only_sent_to_members_where_there_is_realtime(settings):
    ada = get_user_model()(username="ada", pk=1)
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "REALTIME_ENABLED": True}
    assert 'data-tf-live="/ws/v1/"' in render("{% tf_body_end %}", ada)
    assert "tf-live.js" in render("{% tf_body_end %}", ada)
    assert "tf-live.js" not in render("{% tf_body_end %}")
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "REALTIME_ENABLED": False}
    assert "tf-live.js" not in render("{% tf_body_end %}", ada)


def test_a_host_with_its_own_htmx_gets_no_second_one(settings):
    assert "htmx-4.0.1.min.js" in render("{% tf_head %}")
    settings.THREADFLOW_CORE = {**settings.THREADFLOW_CORE, "HTMX": "host"}
    assert "htmx-4.0.1.min.js" not in render("{% tf_head %}")


@pytest.fixture
def clean_slots(monkeypatch):
    monkeypatch.setattr(slots, "_slots", {})


def test_slots_hold_templates_and_callables_in_order(clean_slots):
    slots.register("post_actions", lambda context, obj: f"<b>{obj}</b>", order=20, key="late")
    slots.register("post_actions", "threadflow/components/_skeleton.html", order=10)
    html = render('{% tf_slot "post_actions" thing %}', thing="x&y")
    assert html.index("tf-stack") < html.index("&lt;b&gt;")
    assert "x&amp;y" in html


def test_a_slot_entry_is_replaced_by_its_key_and_can_go(clean_slots):
    slots.register("aside", lambda context, obj: "old", key="box")
    slots.register("aside", lambda context, obj: "new", key="box")
    assert render('{% tf_slot "aside" %}') == "new"
    slots.unregister("aside", "box")
    assert render('{% tf_slot "aside" %}') == ""


def test_a_callable_may_say_nothing(clean_slots):
    slots.register("aside", lambda context, obj: None, key="quiet")
    assert render('{% tf_slot "aside" %}') == ""


def test_shared_urls_are_found_wherever_they_are_mounted(settings):
    assert core_reverse("preview") == "/threadflow/preview/"


@pytest.mark.urls("tests.ui_nested")
def test_shared_urls_are_found_under_a_package():
    assert core_reverse("preview") == "/forum/-/preview/"


@pytest.mark.urls("tests.ui_bare")
def test_without_shared_urls_pages_still_render():
    with pytest.raises(NoReverseMatch):
        core_reverse("preview")
    assert render('{% tf_url "preview" %}') == ""
    assert "tf-toasts" in render("{% tf_body_end %}")


@pytest.mark.parametrize("name", ["500", "503"])
def test_the_last_resort_pages_need_nothing(name):
    html = Engine.get_default().get_template(f"threadflow/errors/{name}.html").render(Context())
    assert "<h1" in html


@pytest.mark.parametrize("name", ["403", "404", "410", "429", "error"])
def test_error_pages_serve_as_the_sites_handlers(name):
    request = RequestFactory().get("/")
    html = render_to_string(f"threadflow/errors/{name}.html", {}, request=request)
    assert "<h1" in html
    assert "tf-top" in html


def test_a_field_ties_help_and_errors_to_its_input():
    class F(forms.Form):
        name = forms.CharField(help_text="As on your card")

    html = strict("_field", {"field": F({})["name"]})
    assert 'aria-describedby="id_name_help id_name_error"' in html
    assert 'id="id_name_help"' in html
    assert 'id="id_name_error"' in html
    assert 'aria-invalid="true"' in html


# ---------------------------------------------------------------------- what is kept


def test_what_does_not_depend_on_the_request_is_rendered_once() -> None:
    """`tf_keep` renders once for each value, language and change of settings."""
    seen: list[str] = []

    class Counted:
        def __str__(self) -> str:
            seen.append("rendered")
            return "x"

    template = Template(
        "{% load threadflow %}{% tf_keep who %}{{ who }}{{ thing }}{% endtf_keep %}"
    )

    def render(who: str) -> str:
        return template.render(Context({"who": who, "thing": Counted()}))

    assert [render("a"), render("a"), render("b")] == ["ax", "ax", "bx"]
    assert len(seen) == 2
    with translation.override("de"):
        render("a")
    with override_settings(THREADFLOW_CORE={"SITE_NAME": "Elsewhere"}):
        render("a")
    assert len(seen) == 4
    with override_settings(DEBUG=True):
        render("a"), render("a")
    assert len(seen) == 6


def test_a_place_keeps_so_many_and_then_begins_anew() -> None:
    template = Template("{% load threadflow %}{% tf_keep who %}{{ who }}{% endtf_keep %}")
    node = next(iter(template.nodelist.get_nodes_by_type(tags.KeepNode)))
    for n in range(tags.KeepNode.MOST + 1):
        assert template.render(Context({"who": n})) == str(n)
    assert len(node.kept) == 1
