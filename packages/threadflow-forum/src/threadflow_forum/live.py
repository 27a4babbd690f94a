"""What live frames of the forum show, and who may follow a thread, a sub or a feed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.template.loader import render_to_string

from threadflow_core import people, realtime
from threadflow_core.policies import Verdict
from threadflow_core.realtime import LiveEventData, TopicKind

from .swaps import get_comment_model, get_sub_model, get_thread_model

HIDDEN = Verdict.no("unknown_topic", "")


class Opened(TopicKind):
    """Topics of things that are mostly open to all."""

    def _rows(self) -> Any:
        raise NotImplementedError

    def may_subscribe_each(self, people: list[Any], key: str) -> list[Verdict]:
        """One question for a crowd where strangers may follow, else one for each."""
        if self._rows().all().strangers_see_least and self.may_subscribe(AnonymousUser(), key):
            return [Verdict.yes()] * len(people)
        return super().may_subscribe_each(people, key)


class ThreadTopic(Opened):
    """`thread:<public id>`: new, changed and gone comments, and what happens to the thread."""

    prefix = "thread"

    def _rows(self) -> Any:
        return get_thread_model().objects

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        pk = get_thread_model().public_ids.decode(key)
        rows = get_thread_model().objects.visible_to(person)
        return Verdict.yes() if pk is not None and rows.filter(pk=pk).exists() else HIDDEN

    def render(
        self, key: str, events: list[LiveEventData], instance: Any = None
    ) -> list[realtime.kinds.Frame | None]:
        """Frames from the rows as they are: what was deleted or removed shows no text."""
        comments = self._comments(events, instance)
        return [
            _comment_frame(event, comments.get(str(event.ids["comment"])))
            if "comment" in event.ids
            else dict(event.ids)
            for event in events
        ]

    def _comments(self, events: list[LiveEventData], instance: Any) -> dict[str, Any]:
        model: Any = get_comment_model()
        if isinstance(instance, model):
            if model._meta.get_field("author").is_cached(instance):  # who writes is at hand
                instance.card = people.card(instance.author)
                return {instance.public_id: instance}
            found: list[Any] = [instance]
        else:
            ids = {str(event.ids["comment"]) for event in events if "comment" in event.ids}
            pks = [pk for pk in map(model.public_ids.decode, ids) if pk is not None]
            found = list(model.objects.filter(pk__in=pks).select_related("parent"))
        cards = people.cards_of(comment.author_id for comment in found)
        for comment in found:
            comment.card = people.card_of(cards, comment.author_id)
        return {comment.public_id: comment for comment in found}


def _comment_frame(event: LiveEventData, comment: Any) -> dict[str, Any]:
    frame: dict[str, Any] = dict(event.ids)
    if comment is None or not comment.is_visible:
        return frame | {"gone": True}
    parent = get_comment_model().public_ids.encode(comment.parent_id) if comment.parent_id else None
    return frame | {
        "parent": parent,
        "version": comment.version,
        "author": comment.card.handle,
        "by": {"name": str(comment.card.name), "url": comment.card.url},
        "at": comment.created_at.isoformat(),
        "html": render_to_string(
            "threadflow_forum/partials/_live_comment.html", {"comment": comment}
        ),
    }


class SubTopic(Opened):
    """`sub:<slug>`: hints that something moved in a sub."""

    prefix = "sub"
    sequenced = False

    def _rows(self) -> Any:
        return get_sub_model().objects

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        rows = get_sub_model().objects.visible_to(person).filter(slug=key)
        return Verdict.yes() if rows.exists() else HIDDEN


class FeedTopic(TopicKind):
    """`feed:all`: hints about public threads. There is no other feed."""

    prefix = "feed"
    sequenced = False

    def may_subscribe(self, person: Any, key: str) -> Verdict:
        return Verdict.yes() if key == "all" else HIDDEN


def register() -> None:
    for kind in (ThreadTopic, SubTopic, FeedTopic):
        realtime.register(kind)
