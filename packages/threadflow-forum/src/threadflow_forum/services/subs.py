"""Opening subs, joining and leaving them."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from threadflow_core import jobs, realtime
from threadflow_core.exceptions import Invalid, NotAllowed, PreconditionFailed
from threadflow_core.limits import Limit

from .. import blocks, policies, signals
from ..abstract_models import AbstractSub, Visibility
from ..abstract_models.subs import SLUG, slug_rule
from ..app_settings import app_settings
from ..models import INSIDE, Membership, ModAction, Role
from ..swaps import get_sub_model
from . import modlog, texts
from .locks import lock_membership, lock_sub

OPEN_LIMIT = Limit.parse("forum.sub", "3/d")
JOIN_LIMIT = Limit.parse("forum.join", "60/h")

#: Names that would read like a part of the site.
RESERVED = frozenset(
    [
        "about",
        "account",
        "accounts",
        "admin",
        "all",
        "api",
        "chat",
        "dev",
        "faq",
        "health",
        "help",
        "home",
        "login",
        "logout",
        "mod",
        "moderator",
        "moderators",
        "new",
        "notifications",
        "popular",
        "premium",
        "rules",
        "s",
        "search",
        "settings",
        "static",
        "sub",
        "subs",
        "submit",
        "support",
        "system",
        "threadflow",
        "threads",
        "u",
        "user",
        "users",
    ]
)


def open_sub(
    *,
    founder: Any,
    slug: str,
    title: str,
    description: str = "",
    sidebar: str = "",
    visibility: str = Visibility.PUBLIC,
) -> AbstractSub:
    """Open a sub; the founder becomes its owner. Raises NotAllowed, Invalid."""
    policies.require(policies.may_open_sub(founder))
    slug = _free_name(slug)
    heading = texts.title(title)
    text = texts.body(sidebar, required=False)
    try:
        with transaction.atomic():
            sub = get_sub_model().objects.create(
                slug=slug,
                title=heading[:100],
                description=description.strip()[:300],
                sidebar=text.source,
                sidebar_html=text.html,
                visibility=visibility,
                founder=founder,
                member_count=1,
                hue=sum(slug.encode()) % 8 + 1,
            )
            Membership.objects.create(
                sub_id=sub.pk, person=founder, role=Role.OWNER, is_approved=True
            )
            jobs.emit("forum.sub_opened", sub_id=sub.pk)
    except IntegrityError as error:
        raise Invalid(fields={"slug": [_("This name is taken.")]}) from error
    return sub


def _free_name(slug: str) -> str:
    clean = slug.strip().lower()
    if re.search(SLUG, clean) is None:
        raise Invalid(fields={"slug": [slug_rule.message]})
    if clean in RESERVED or clean in app_settings.RESERVED_SUB_NAMES:
        raise Invalid(fields={"slug": [_("This name is reserved.")]})
    if get_sub_model().objects.filter(slug=clean).exists():
        raise Invalid(fields={"slug": [_("This name is taken.")]})
    return clean


@transaction.atomic
def edit_sub(
    *, editor: Any, sub: AbstractSub, version: int | None = None, **changes: Any
) -> AbstractSub:
    """Change settings of a sub (title, description, sidebar, rules, flairs, visibility)."""
    locked = lock_sub(sub.pk)
    policies.require(policies.may_edit_sub(editor, locked))
    if not texts.same_version(locked, version):
        raise PreconditionFailed(current=locked)
    narrowed = changes.get("visibility") == Visibility.PRIVATE and not locked.is_private
    for name, value in changes.items():
        setattr(locked, name, value)
    if "sidebar" in changes:
        text = texts.body(locked.sidebar, required=False)
        locked.sidebar, locked.sidebar_html = text.source, text.html
    locked.version += 1
    locked.save()
    modlog.write(sub=locked, actor=editor, action=ModAction.EDIT_SUB, fields=sorted(changes))
    if narrowed:
        signals.audience_narrowed.send(type(locked), sub=locked)
        blocks.expire_all()
        # Open sockets of people outside must fall silent at once.
        realtime.control(None, "recheck")
    return locked


@transaction.atomic
def join(*, person: Any, sub: AbstractSub) -> Membership:
    """Join a sub, or ask to be let in where it is private. Joining twice changes nothing."""
    locked = lock_sub(sub.pk)
    if not person.is_authenticated:
        policies.require(policies.standing(person, locked))
    mine = lock_membership(person, locked)
    if mine.is_banned():
        raise NotAllowed(policies.ban_text(mine), code="banned")
    if mine.is_inside:
        return mine
    mine.role = Role.REQUESTED if locked.is_private else Role.MEMBER
    mine.save(update_fields=["role"])
    if mine.is_inside:
        _count_in(locked, mine, 1)
    return mine


@transaction.atomic
def leave(*, person: Any, sub: AbstractSub) -> Membership:
    """Leave a sub, or take back a request. The last owner can't leave."""
    locked = lock_sub(sub.pk)
    mine = lock_membership(person, locked)
    if not mine.is_inside and mine.role != Role.REQUESTED:
        return mine
    others = Membership.objects.filter(sub=locked, role=Role.OWNER).exclude(person=person)
    if mine.role == Role.OWNER and not others.exists():
        raise NotAllowed(_("Hand the sub over before you leave it."), code="last_owner")
    was_inside = mine.role in INSIDE
    mine.role = Role.GUEST
    mine.save(update_fields=["role"])
    if was_inside:
        _count_in(locked, mine, -1)
        realtime.control(person.pk, "recheck")
    return mine


def _count_in(sub: Any, membership: Membership, by: int) -> None:
    type(sub).objects.filter(pk=sub.pk).update(member_count=F("member_count") + by)
    sub.member_count += by
    if by > 0:
        transaction.on_commit(
            lambda: signals.member_joined.send_robust(Membership, membership=membership)
        )
