"""The chat with every subset of its models replaced: it migrates, writes, reads and adds up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from threadflow_chat.swaps import SWAP_POINTS
from threadflow_core import swaps
from threadflow_core.testing import SiteMatrix, subsets

SCRIPT = """
from django.contrib.auth import get_user_model
from threadflow_chat.models import RoomMember
from threadflow_chat.reconcile import find
from threadflow_chat.services import history, membership, messages, pins, reactions, rooms
from threadflow_chat.swaps import get_message_model, get_room_model

users = get_user_model().objects
ada, bo = (users.create_user(name, f"{name}@example.org", "x") for name in ("ada", "bo"))
group = rooms.open_group(person=ada, title="Lunch", people=[bo])
assert rooms.direct(person=bo, other=ada) == rooms.direct(person=ada, other=bo)
top = messages.send_message(author=bo, room=group, text="Soup @ada", nonce="1")
messages.send_message(author=ada, room=group, text="No", reply_to=top)
messages.edit_message(editor=bo, message=top, text="Stew @ada")
reactions.react(person=ada, message=top, emoji="👍", on=True)
pins.set_pinned(person=ada, message=top, on=True)
assert [m.mno for m in history.stretch(group).messages] == [1, 2]
membership.leave(person=bo, room=group)
assert list(find()) == [], list(find())
models = (get_room_model, get_message_model)
print("in force:", *(get()._meta.label for get in models))
for get in models:
    if get()._meta.app_label == "matrix_site":
        get().objects.filter(site_note=None)[0]
users.filter(pk=bo.pk).delete()
get_room_model().objects.all().delete()
assert not get_message_model().objects.exists() and not RoomMember.objects.exists()
"""
SETTINGS = """
THREADFLOW_CORE = {"JOBS_DRIVER": "inline", "LIMITS": {"*": None}}
"""
QUICK = {(), tuple(sorted(SWAP_POINTS))}

pytestmark = pytest.mark.skipif(
    swaps.is_swapped("threadflow_chat", "Room"),
    reason="the matrix builds its own sites, beside a plain one",
)


def parameters() -> list[Any]:
    return [
        pytest.param(
            subset,
            id="+".join(subset) or "none",
            marks=() if subset in QUICK else pytest.mark.slow,
        )
        for subset in subsets(SWAP_POINTS)
    ]


@pytest.mark.parametrize("subset", parameters())
def test_every_subset_works(subset: tuple[str, ...], tmp_path: Path) -> None:
    output = SiteMatrix("threadflow_chat", SWAP_POINTS, settings=SETTINGS, script=SCRIPT).run(
        subset, tmp_path
    )
    (told,) = [line for line in output.splitlines() if line.startswith("in force:")]
    labels = [
        f"matrix_site.Own{name}" if name in subset else f"threadflow_chat.{name}"
        for name in ("Room", "Message")
    ]
    assert told.split()[2:] == labels
