"""The forum with every subset of its models replaced: it migrates, writes, reads and adds up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from threadflow_core import swaps
from threadflow_core.testing import MatrixFailed, SiteMatrix, subsets
from threadflow_forum.swaps import SWAP_POINTS

SCRIPT = """
from django.contrib.auth import get_user_model
from django.test import Client
from threadflow_forum.models import ThreadMark
from threadflow_forum.reconcile import find
from threadflow_forum.seeding import Seeder, Size
from threadflow_forum.services import comments, moderation, subs, threads, votes
from threadflow_forum.swaps import get_comment_model, get_sub_model, get_thread_model
from threadflow_forum.tree import CommentSort, read

users = get_user_model().objects
ada, bo = (users.create_user(name, f"{name}@example.org", "x") for name in ("ada", "bo"))
sub = subs.open_sub(founder=ada, slug="baking", title="Baking")
subs.join(person=bo, sub=sub)
thread = threads.post_thread(author=ada, sub=sub, title="My loaf", body="Why?")
top = comments.add_comment(author=bo, thread=thread, body="Heat")
reply = comments.add_comment(author=ada, thread=thread, body="No", parent=top)
votes.cast_vote(voter=bo, thread=thread, value=votes.Vote.UP)
votes.cast_comment_vote(voter=ada, comment=top, value=votes.Vote.DOWN)
moderation.remove_comment(moderator=ada, comment=top, reason="Rule 1")
thread = get_thread_model().objects.get(pk=thread.pk)
assert [c.number for c in read(thread, sort=CommentSort.BEST).comments()] == [1, 2]
Seeder(Size(2, 12, 6, 60, 30, 6), 1).run()
assert list(find()) == [], list(find())
client = Client()
client.force_login(bo)
for path in ("", "all/", "subs/", "s/baking/", "u/ada/", f"threads/{thread.public_id}/x/"):
    assert client.get(f"/community/{path}").status_code == 200, path
assert client.post(f"/community/comments/{reply.public_id}/-/vote/", {"value": 1}).status_code == 303
ThreadMark.objects.filter(person=ada).delete()
users.filter(pk=bo.pk).delete()
get_sub_model().objects.get(slug="baking").delete()
assert not get_comment_model().objects.filter(thread_id=thread.pk).exists()
models = (get_sub_model, get_thread_model, get_comment_model)
print("in force:", *(get()._meta.label for get in models))
for get in models:
    if get()._meta.app_label == "matrix_site":
        get().objects.filter(site_note=None)[0]
"""
SETTINGS = """
ROOT_URLCONF = "tests.urls"
ALLOWED_HOSTS = ["testserver"]
THREADFLOW_CORE = {"JOBS_DRIVER": "inline", "LIMITS": {"*": None}}
"""
#: Nothing, one in the middle of all relations, and all: the others run in the long suite.
QUICK = {(), ("Thread",), tuple(sorted(SWAP_POINTS))}

pytestmark = pytest.mark.skipif(
    swaps.is_swapped("threadflow_forum", "Sub"),
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
    output = SiteMatrix("threadflow_forum", SWAP_POINTS, settings=SETTINGS, script=SCRIPT).run(
        subset, tmp_path
    )
    (told,) = [line for line in output.splitlines() if line.startswith("in force:")]
    labels = [
        f"matrix_site.Own{name}" if name in subset else f"threadflow_forum.{name}"
        for name in ("Sub", "Thread", "Comment")
    ]
    assert told.split()[2:] == labels


def test_the_matrix_would_show_a_broken_replacement(tmp_path: Path) -> None:
    """A replacement that is not of our kind is refused by a check that says so."""
    extra = SETTINGS + 'THREADFLOW_FORUM_SUB_MODEL = "auth.Group"\n'
    with pytest.raises(MatrixFailed, match=r"threadflow_forum\.E102"):
        SiteMatrix("threadflow_forum", SWAP_POINTS, settings=extra).run((), tmp_path)
