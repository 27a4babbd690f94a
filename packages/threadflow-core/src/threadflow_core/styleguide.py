"""What the component page shows: sample people, forms and states. No database is touched."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.safestring import mark_safe

PEOPLE = [
    {"name": "mirela_k", "initials": "MK", "hue": 5, "url": "#mirela_k", "avatar_url": ""},
    {"name": "hanneke", "initials": "H", "hue": 2, "url": "#hanneke", "avatar_url": ""},
    {"name": "oyelaran", "initials": "O", "hue": 6, "url": "#oyelaran", "avatar_url": ""},
]
SWATCHES = [
    "canvas",
    "surface",
    "sunken",
    "line",
    "rail",
    "ink",
    "ink2",
    "ink3",
    "accent",
    "link",
    "up",
    "down",
    "unread",
    "premium",
    "ai",
    "danger",
]
VOTES = [
    ("plain", 41, 0, ""),
    ("up", 42, 1, ""),
    ("down", 40, -1, ""),
    ("v", 7, 0, "v"),
    ("vup", 1204, 1, "v"),
]
BADGES = [
    ("", "Member"),
    ("op", "OP"),
    ("mod", "Mod"),
    ("ai", "AI bot"),
    ("pre", "Patron"),
    ("new", "New"),
    ("ok", "Solved"),
    ("warn", "Held"),
    ("bad", "Removed"),
]
TABS = [("#hot", "Hot", True), ("#new", "New", False), ("#mentions", "Mentions", False, 3)]
CRUMBS = [("#subs", "Subs"), ("#breadmaking", "breadmaking"), ("", "Rules")]
PROSE = mark_safe(
    "<p>Post bodies are read, so they get the serif, and a <a href='#x'>link</a> looks like one.</p>"
    "<blockquote><p>Change the clock, not the flour.</p></blockquote>"
    "<ul><li>Dough at 26 °C</li><li>Six hours</li></ul><pre tabindex='0'><code>hydration = water / flour</code></pre>"
)


class SampleForm(forms.Form):
    title = forms.CharField(
        max_length=120, help_text="Up to 120 characters.", initial="A rye that stands up"
    )
    link = forms.URLField(assume_scheme="https")
    flair = forms.ChoiceField(choices=[("r", "Recipe"), ("h", "Help")])
    about = forms.CharField(widget=forms.Textarea, required=False)
    sort = forms.ChoiceField(choices=[("b", "Best"), ("n", "Newest")], widget=forms.RadioSelect)
    follow = forms.BooleanField(required=False, initial=True, help_text="Replies, grouped")


def samples() -> dict[str, Any]:
    """Context of the component page: the same on paper and on ink, with different ids."""
    return {
        "title": "Components",
        "sides": [side("paper", "light", "Paper (light)"), side("ink", "dark", "Ink (dark)")],
    }


def side(name: str, theme: str, label: str) -> dict[str, Any]:
    """One half of the page: every component under one theme, with ids of its own."""
    return {
        "name": name,
        "theme": theme,
        "label": label,
        "swatches": SWATCHES,
        "refused": ["Not sent. Your text is kept."],
        "people": PEOPLE,
        "form": SampleForm(auto_id=f"{name}-%s"),
        "bad_form": refused_form(name),
        "votes": VOTES,
        "badges": BADGES,
        "own_badges": [("op", "OP"), ("mod", "Mod")],
        "when": timezone.now() - timedelta(hours=4),
        "tabs": TABS,
        "crumbs": CRUMBS,
        "prose": PROSE,
    }


def refused_form(name: str) -> SampleForm:
    """A form as it comes back: what was typed is kept, what is wrong is named."""
    bad = SampleForm(
        {
            "title": "A rye that stands up",
            "link": "kerbside",
            "flair": "r",
            "about": "Typed and kept.",
        },
        auto_id=f"{name}-bad-%s",
    )
    bad.is_valid()
    return bad
