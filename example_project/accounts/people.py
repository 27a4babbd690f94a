"""People of this site as the pages show them."""

from __future__ import annotations

from threadflow_forum.people import ForumPeople


class SitePeople(ForumPeople):
    # A card needs no more of our users; without this lists would read whole accounts.
    fields = ("username",)
