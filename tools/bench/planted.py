"""A thread of any size, written once by bulk means and kept for the next run."""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import Any

SLUG = "bench-planted-"


def thread(size: int) -> Any:
    """The thread with `size` comments or more, in a public sub of its own."""
    from threadflow_forum.swaps import get_thread_model

    found = get_thread_model().objects.filter(slug=f"{SLUG}{size}").select_related("sub").first()
    return found or _plant(size)


def _plant(size: int) -> Any:
    from django.contrib.auth import get_user_model
    from django.db import connection, transaction

    from threadflow_forum import seeding
    from threadflow_forum.models import CommentMark
    from threadflow_forum.swaps import get_comment_model, get_sub_model, get_thread_model

    people = list(get_user_model()._default_manager.values_list("pk", flat=True)[:500])
    with transaction.atomic():
        sub = get_sub_model().objects.create(slug="bench_planted", title="Planted")
        seeder = seeding.Seeder(seeding.SIZES["small"], 7)
        first, now = seeding.next_pk(get_comment_model()), dt.datetime.now(dt.UTC)
        made = get_thread_model().objects.create(
            sub=sub, author_id=people[0], title=f"{size} comments", slug=f"{SLUG}{size}",
            comment_count=size, last_number=size,
        )  # fmt: skip
        tree = seeding.shape(Random(7), size, roots=size // 5)
        rows = [
            seeder.comment(first + n, made.pk, n, branch, tree, now, people)
            for n, branch in enumerate(tree)
        ]
        seeding.write(get_comment_model(), seeding.COMMENT_COLUMNS, [row for row, _cast in rows])
        columns = (*seeding.MARK_COLUMNS, "comment_id")
        seeding.write(CommentMark, columns, [mark for _row, cast in rows for mark in cast])
        seeding.reset_sequences(get_comment_model())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return made
