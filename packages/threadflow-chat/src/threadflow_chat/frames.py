"""Messages as clients get them: one form for live frames, pages of history and REST.

All of it is the same for everybody, but for `mine` of reactions where a reader is named.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Min, Q
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse

from threadflow_core import markup, people
from threadflow_core.realtime.kinds import user_key
from threadflow_core.uploads.models import Upload

from . import message_kinds
from .models import Reaction
from .swaps import get_message_model

Frame = dict[str, Any]

#: Characters of an answered message that an answer shows.
EXCERPT = 140


def person(card: people.PersonCard) -> Frame:
    """Somebody as others see them; `id` is the one of `welcome`, None for who is gone."""
    return {
        "id": None if card.is_gone else user_key(card.pk),
        "handle": card.handle,
        "name": str(card.name),
        "url": card.url,
        "avatar": card.avatar_url,
        "initials": card.initials,
        "hue": card.hue,
    }


def room(room: Any) -> Frame:
    """What `room.update` tells of a room."""
    return {
        "room": str(room.pk),
        "kind": room.kind,
        "title": room.title,
        "about": room.topic,
        "visibility": room.visibility,
        "state": room.effective_state,
        "slow_seconds": room.slow_seconds,
        "members": room.member_count,
        "last_mno": room.last_mno,
    }


def tombstone(message: Any) -> Frame:
    """What is left of a message that was taken back."""
    return {
        "room": str(message.room_id),
        "id": str(message.pk),
        "mno": message.mno,
        "ver": message.version,
        "gone": message.state if message.state in ("deleted", "removed") else "deleted",
    }


def messages(found: Iterable[Any], reader: Any = None, *, reactions: bool = True) -> list[Frame]:
    """The frames of messages that came `with_people`, in their order.

    At most two queries: files and reactions, each only where a message has some.
    """
    rows = list(found)
    files = _files(rows)
    marks = _reactions(rows, reader) if reactions else {}
    cards = _cards(rows)
    frames = []
    for row in rows:
        if not row.is_visible:
            frames.append(tombstone(row))
            continue
        frame = _message(row, cards, files.get(str(row.pk), []))
        if reactions:
            frame["reactions"] = marks.get(row.pk, [])
        frames.append(frame)
    return frames


def _message(message: Any, cards: dict[Any, people.PersonCard], files: list[Frame]) -> Frame:
    card = people.card_of(cards, message.author_id)
    frame = {
        "room": str(message.room_id),
        "mno": message.mno,
        "id": str(message.pk),
        "nonce": message.nonce,
        "kind": message.kind,
        "author": person(card),
        "text": message.source,
        "html": html(message, card),
        "reply_to": _answered(message, cards),
        "att": files,
        "previews": message.previews,
        "at": message.created_at.isoformat(),
        "edited": message.edited_at.isoformat() if message.edited_at else None,
        "ver": message.version,
    }
    if message.is_by_bot:
        frame["bot"] = True
        frame["streaming"] = message.is_streaming
    return frame


def html(message: Any, card: people.PersonCard) -> str:
    """Body and byline, the same for everybody: no token, no control, nothing of a reader."""
    kind = message_kinds.kind_named(message.kind)
    template = kind.template or "threadflow_chat/partials/_message.html"
    return render_to_string(template, {"message": message, "card": card, "kind": kind})


def _answered(message: Any, cards: dict[Any, people.PersonCard]) -> Frame | None:
    if message.reply_to_id is None:
        return None
    parent = message.reply_to
    if not parent.is_visible:
        return {"id": str(parent.pk), "mno": parent.mno, "gone": True}
    return {
        "id": str(parent.pk),
        "mno": parent.mno,
        "author": person(people.card_of(cards, parent.author_id)),
        "excerpt": markup.excerpt(parent.html, EXCERPT),
    }


def _cards(rows: list[Any]) -> dict[Any, people.PersonCard]:
    authors = [row.author for row in rows if row.author_id is not None]
    parents = [row.reply_to for row in rows if row.reply_to_id is not None]
    authors += [parent.author for parent in parents if parent.author_id is not None]
    return people.cards(authors)


def _files(rows: list[Any]) -> dict[str, list[Frame]]:
    keys = [str(row.pk) for row in rows if row.attachment_count and row.is_visible]
    if not keys:
        return {}
    uploads = Upload.objects.filter(
        target_type=get_message_model()._meta.label_lower, target_id__in=keys
    ).order_by("id")
    found: dict[str, list[Frame]] = {}
    for upload in uploads:
        found.setdefault(upload.target_id, []).append(attachment(upload))
    return found


def attachment(upload: Upload) -> Frame:
    """A file as a client shows it."""
    return {
        "id": str(upload.pk),
        "name": upload.name,
        "type": upload.content_type,
        "size": upload.size,
        "width": upload.width,
        "height": upload.height,
        "url": upload_url(upload.pk),
    }


def upload_url(pk: Any) -> str:
    """Where a file is fetched; "" in a site without core's shared pages."""
    for name in ("threadflow_core:upload", "threadflow_chat:threadflow_core:upload"):
        try:
            return reverse(name, args=[pk])
        except NoReverseMatch:
            continue
    return ""


def _reactions(rows: list[Any], reader: Any) -> dict[Any, list[Frame]]:
    keys = [row.pk for row in rows if row.reaction_count and row.is_visible]
    if not keys:
        return {}
    own = getattr(reader, "pk", None)
    counted = (
        Reaction.objects.filter(message_id__in=keys)
        .values("message_id", "emoji")
        .annotate(n=Count("pk"), first=Min("pk"), mine=Count("pk", filter=Q(person_id=own)))
        .order_by("first")
    )
    found: dict[Any, list[Frame]] = {}
    for row in counted:
        mark = {"emoji": row["emoji"], "count": row["n"]}
        if own is not None:
            mark["mine"] = bool(row["mine"])
        found.setdefault(row["message_id"], []).append(mark)
    return found
