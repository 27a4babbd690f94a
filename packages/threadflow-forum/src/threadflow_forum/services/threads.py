"""Posting, changing and taking back threads; what a reader keeps of them."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from threadflow_core import jobs, realtime
from threadflow_core.exceptions import Invalid, PreconditionFailed
from threadflow_core.limits import Limit
from threadflow_core.lookups import one

from .. import policies, signals
from ..abstract_models import AbstractSub, AbstractThread, State, ThreadKind
from ..adapter import adapter
from ..app_settings import app_settings
from ..models import ThreadMark
from ..swaps import get_thread_model
from . import states, texts
from .locks import lock_sub, lock_thread, used_elsewhere, writing_once

POST_LIMIT = Limit.parse("forum.thread", "8/10m")
MARK_LIMIT = Limit.parse("forum.mark", "120/10m")


def post_thread(
    *,
    author: Any,
    sub: AbstractSub,
    title: str,
    body: str = "",
    url: str = "",
    flair: str = "",
    nonce: str | None = None,
) -> AbstractThread:
    """Open a thread: a link when `url` is given, a text otherwise.

    The same `nonce` of the same author again returns the first thread. Raises NotAllowed,
    Invalid, TooLarge, Conflict.
    """
    clean_title = texts.title(title)
    address, domain = texts.link(url) if url else ("", "")
    text = texts.body(body, required=False)
    with writing_once(nonce):
        locked = lock_sub(sub.pk)
        earlier = _earlier(author, nonce, locked, clean_title)
        if earlier is not None:
            return earlier
        policies.require(policies.may_post(author, locked))
        if flair and locked.flair_of(flair) is None:
            raise Invalid(fields={"flair": [_("This sub has no such flair.")]})
        thread = get_thread_model()(
            sub=locked,
            author=author,
            kind=ThreadKind.LINK if url else ThreadKind.TEXT,
            title=clean_title,
            slug=texts.slug(clean_title),
            body=text.source,
            body_html=text.html,
            excerpt=text.excerpt[:300],
            url=address,
            domain=domain,
            flair=flair,
            nonce=nonce or None,
            state=adapter().initial_state(author=author, sub=locked, body=text.source),
        )
        thread.active_at = thread.created_at
        thread.rank()
        thread.save(force_insert=True)
        if thread.is_visible:
            _announce(locked, thread)
    return thread


def _earlier(author: Any, nonce: str | None, sub: Any, title: str) -> Any:
    if not nonce or not author.is_authenticated:
        return None
    found = one(get_thread_model().objects.filter(author=author, nonce=nonce))
    if found is not None and (found.sub_id != sub.pk or found.title != title):
        raise used_elsewhere()
    return found


def _announce(sub: Any, thread: Any) -> None:
    type(sub).objects.filter(pk=sub.pk).update(
        thread_count=F("thread_count") + 1, active_at=thread.created_at
    )
    realtime.hint(f"sub:{sub.slug}", "thread.new", id=thread.public_id)
    if not sub.is_private:
        realtime.hint("feed:all", "thread.new", id=thread.public_id)
    jobs.emit("forum.thread_posted", thread_id=thread.pk)
    transaction.on_commit(lambda: signals.thread_posted.send_robust(type(thread), thread=thread))


def edit_thread(
    *,
    editor: Any,
    thread: AbstractThread,
    title: str | None = None,
    body: str | None = None,
    flair: str | None = None,
    version: int | None = None,
) -> AbstractThread:
    """Change what is given, leave the rest. Raises PreconditionFailed on a stale `version`."""
    text = None if body is None else texts.body(body, required=False)
    with transaction.atomic():
        locked = lock_thread(thread.pk)
        policies.require(policies.may_edit(editor, locked, locked))
        if not texts.same_version(locked, version):
            raise PreconditionFailed(current=locked)
        if title is not None:
            locked.title = texts.title(title)
        if text is not None:
            locked.body, locked.body_html = text.source, text.html
            locked.excerpt = text.excerpt[:300]
        if flair is not None:
            if flair and locked.sub.flair_of(flair) is None:
                raise Invalid(fields={"flair": [_("This sub has no such flair.")]})
            locked.flair = flair
        locked.edited_at = timezone.now()
        locked.version += 1
        states.touch(
            locked, "title", "body", "body_html", "excerpt", "flair", "edited_at", "version"
        )
        states.announce_thread(locked, "thread.edited")
        jobs.emit("forum.thread_edited", thread_id=locked.pk)
        transaction.on_commit(
            lambda: signals.thread_edited.send_robust(type(locked), thread=locked)
        )
    return locked


@transaction.atomic
def delete_thread(*, author: Any, thread: AbstractThread) -> AbstractThread:
    """Take back one's own thread. The discussion below stays readable under a stub."""
    sub = lock_sub(thread.sub_id)
    locked = lock_thread(thread.pk)
    if locked.author_id == author.pk and locked.state == State.DELETED:
        return locked
    policies.require(policies.may_delete(author, locked))
    return states.set_thread_state(sub, locked, State.DELETED)


@transaction.atomic
def undelete_thread(*, author: Any, thread: AbstractThread) -> AbstractThread:
    """Undo an own deletion within UNDO_SECONDS."""
    sub = lock_sub(thread.sub_id)
    locked = lock_thread(thread.pk)
    if locked.author_id == author.pk and locked.state == State.VISIBLE:
        return locked
    policies.require(policies.may_undelete(author, locked, app_settings.UNDO_SECONDS))
    return states.set_thread_state(sub, locked, State.VISIBLE)


def mark_read(*, reader: Any, thread: AbstractThread, number: int) -> None:
    """Remember that `reader` has seen the comments up to `number`. Never goes back."""
    mine = ThreadMark.objects.filter(person=reader, thread_id=thread.pk)
    older = Q(read_number=None) | Q(read_number__lt=number)
    if not mine.filter(older).update(read_number=number):
        ThreadMark.objects.bulk_create(
            [ThreadMark(person=reader, thread_id=thread.pk, read_number=number)],
            ignore_conflicts=True,
        )


@transaction.atomic
def save_thread(*, reader: Any, thread: AbstractThread, saved: bool) -> ThreadMark:
    """Put the thread on the reader's list of saved things, or take it off."""
    mark: ThreadMark = ThreadMark.objects.of(reader, lock_thread(thread.pk))
    mark.saved_at = timezone.now() if saved else None
    mark.save()
    return mark


@transaction.atomic
def hide_thread(*, reader: Any, thread: AbstractThread, hidden: bool) -> ThreadMark:
    """Keep the thread out of the reader's feeds, or let it back in."""
    mark: ThreadMark = ThreadMark.objects.of(reader, lock_thread(thread.pk))
    mark.hidden_at = timezone.now() if hidden else None
    mark.save()
    return mark
