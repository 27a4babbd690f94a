from __future__ import annotations

from typing import Any

from django.db.models import Q

from threadflow_core.people import People


class HostedPeople(People):
    def url(self, user: Any) -> str:
        return f"/people/{user.get_username()}/"

    def blocked_ids(self, user: Any) -> frozenset[Any]:
        from .models import Blocking

        pairs = Blocking.objects.filter(Q(person=user) | Q(other=user))
        pks = {pk for pair in pairs.values_list("person_id", "other_id") for pk in pair}
        return frozenset(pks - {user.pk})
