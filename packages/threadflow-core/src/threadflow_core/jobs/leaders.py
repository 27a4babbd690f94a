"""One process per database does a thing: a lease row that names it."""

from __future__ import annotations

import datetime as dt

from django.db.models import Q

from .clock import Clock
from .models import Leader
from .outbox import using

#: Seconds until the leadership of a process that died is free.
TERM = 15.0


class Leadership:
    """A claim to be the one that does `name`. Not shared between threads."""

    def __init__(self, name: str, owner: str, clock: Clock) -> None:
        self.name = name
        self.owner = owner
        self.clock = clock

    def hold(self) -> bool:
        """Become or stay the leader; False while another holds the row."""
        now = self.clock()
        until = now + dt.timedelta(seconds=TERM)
        leaders = Leader.objects.using(using())
        current = leaders.filter(name=self.name).first()
        if current is None:
            leaders.bulk_create(
                [Leader(name=self.name, owner=self.owner, until=until)], ignore_conflicts=True
            )
            return leaders.filter(name=self.name, owner=self.owner).exists()
        if current.owner != self.owner and current.until > now:
            return False
        free = Q(owner=self.owner) | Q(until__lte=now)
        return leaders.filter(free, name=self.name).update(owner=self.owner, until=until) == 1

    def resign(self) -> None:
        Leader.objects.using(using()).filter(name=self.name, owner=self.owner).delete()
