"""People as the forum knows them: a profile page each, and who blocked whom."""

from __future__ import annotations

from functools import lru_cache
from itertools import chain
from typing import Any

from django.contrib.auth import get_user_model
from django.db.models import Q
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.functional import cached_property

from threadflow_core.exceptions import NotFound
from threadflow_core.people import People

from .models import Block


def find_person(name: str) -> Any:
    """The active person with this user name; raises NotFound."""
    users = get_user_model()
    rows = users._default_manager.filter(**{users.USERNAME_FIELD: name}, is_active=True)
    # PostgreSQL refuses a NUL even in a comparison.
    found = rows.first() if name.isprintable() else None
    if found is None:
        raise NotFound()
    return found


class ForumPeople(People):
    """For `THREADFLOW_CORE["PEOPLE"]`, in sites where the forum's profiles are the profiles."""

    def url(self, user: Any) -> str:
        return _profile(user.get_username(), *self._place)

    @cached_property
    def _place(self) -> tuple[str | None, str]:
        # An object of this class lives as long as one list of cards.
        return get_urlconf(), get_script_prefix()

    def blocked_ids(self, user: Any) -> frozenset[Any]:
        rows = Block.objects.filter(Q(person=user) | Q(blocked=user))
        pairs = rows.values_list("person_id", "blocked_id")
        return frozenset(chain.from_iterable(pairs)) - {user.pk}


@lru_cache(maxsize=4096)  # lists show the same few people again and again
def _profile(name: str, urlconf: str | None, prefix: str) -> str:
    try:
        return reverse("threadflow_forum:profile", args=[name])
    except NoReverseMatch:  # a name that the site lets through but a path does not
        return ""
