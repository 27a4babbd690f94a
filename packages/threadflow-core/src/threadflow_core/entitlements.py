"""The entitlements of a site that sells nothing: what each app declares as free."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.utils import timezone

from .ports import Decision, Feature, declared_features
from .records import FeatureHold, FeatureUse


class DeclaredEntitlements:
    """Grants the `free` value of every declared feature, and everything that is not declared."""

    def check(self, person: Any, feature: str) -> Decision:
        spec = declared_features().get(feature)
        if spec is None:
            return Decision(True)
        if spec.kind != "quota":
            return _flat(spec)
        period, reset_at = _period(spec)
        return _quota(spec, self._used(person, feature, period), reset_at, wanted=1)

    def consume(self, person: Any, feature: str, n: int = 1, key: str | None = None) -> Decision:
        spec = declared_features().get(feature)
        if spec is None or spec.kind != "quota" or not _known(person):
            return self.check(person, feature)
        period, reset_at = _period(spec)
        with transaction.atomic():
            if key is not None and not _hold(key, person, feature, period, n):
                return _quota(spec, self._used(person, feature, period), reset_at, wanted=0)
            used = _take(person, feature, period, n, _bound(spec))
            if used is None:
                if key is not None:
                    FeatureHold.objects.filter(pk=key).delete()
                state = _quota(spec, self._used(person, feature, period), reset_at, wanted=n)
                # Somebody may have given back meanwhile: nothing was taken all the same.
                return replace(state, allowed=False, reason="quota_used_up")
        return _quota(spec, used, reset_at, wanted=0)

    def settle(self, key: str, actual: int) -> None:
        self._close(key, FeatureHold.State.SETTLED, actual)

    def release(self, key: str) -> None:
        self._close(key, FeatureHold.State.RELEASED, 0)

    def snapshot(self, person: Any) -> dict[str, Decision]:
        specs = declared_features()
        used: dict[tuple[str, str], int] = {}
        if _known(person):
            rows = FeatureUse.objects.filter(person_id=person.pk, feature__in=specs)
            used = {(row.feature, row.period): row.used for row in rows}
        found: dict[str, Decision] = {}
        for code, spec in specs.items():
            if spec.kind != "quota":
                found[code] = _flat(spec)
                continue
            period, reset_at = _period(spec)
            found[code] = _quota(spec, used.get((code, period), 0), reset_at, wanted=1)
        return found

    def _used(self, person: Any, feature: str, period: str) -> int:
        if not _known(person):
            return 0
        rows = FeatureUse.objects.filter(person_id=person.pk, feature=feature, period=period)
        return rows.values_list("used", flat=True).first() or 0

    @transaction.atomic
    def _close(self, key: str, state: str, actual: int) -> None:
        hold = FeatureHold.objects.select_for_update().filter(pk=key).first()
        if hold is None or hold.state != FeatureHold.State.HELD:
            return
        FeatureUse.objects.filter(
            person_id=hold.person_id, feature=hold.feature, period=hold.period
        ).update(used=F("used") + actual - hold.amount)
        hold.state, hold.amount = state, actual
        hold.save(update_fields=["state", "amount"])


def _known(person: Any) -> bool:
    return getattr(person, "pk", None) is not None


def _bound(spec: Feature) -> int | None:
    """A quota's free amount; True means no bound, False none at all."""
    if spec.free is None or spec.free is True:
        return None
    return int(spec.free)


def _flat(spec: Feature) -> Decision:
    if spec.kind == "bool":
        return Decision(bool(spec.free), reason="" if spec.free else "not_included")
    bound = _bound(spec)
    return Decision(bound is None or bound > 0, limit=bound, remaining=bound)


def _quota(spec: Feature, used: int, reset_at: datetime | None, *, wanted: int) -> Decision:
    bound = _bound(spec)
    if bound is None:
        return Decision(True, used=used, reset_at=reset_at)
    allowed = used + wanted <= bound
    return Decision(
        allowed=allowed,
        limit=bound,
        used=used,
        remaining=max(0, bound - used),
        reset_at=reset_at,
        reason="" if allowed else "quota_used_up",
    )


def _period(spec: Feature) -> tuple[str, datetime | None]:
    """Name of the running period (UTC) and when the next one begins."""
    now = timezone.now().astimezone(UTC)
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if spec.period == "day":
        return f"{day:%Y-%m-%d}", day + timedelta(days=1)
    if spec.period == "month":
        return f"{day:%Y-%m}", (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return "ever", None


def _hold(key: str, person: Any, feature: str, period: str, n: int) -> bool:
    """Claim the key; False when it was claimed before."""
    try:
        with transaction.atomic():
            FeatureHold.objects.create(
                key=key, person_id=person.pk, feature=feature, period=period, amount=n
            )
    except IntegrityError:
        return False
    return True


def _take(person: Any, feature: str, period: str, n: int, bound: int | None) -> int | None:
    """Add `n` unless that passes the bound, in one statement; the new count or None."""
    table = connection.ops.quote_name(FeatureUse._meta.db_table)
    if bound is not None and n > bound:
        return None
    guard = "" if bound is None else "WHERE t.used + excluded.used <= %s"
    sql = (
        f"INSERT INTO {table} AS t (person_id, feature, period, used) VALUES (%s, %s, %s, %s) "  # noqa: S608
        f"ON CONFLICT (person_id, feature, period) DO UPDATE SET used = t.used + excluded.used "
        f"{guard} RETURNING used"
    )
    pk = FeatureUse._meta.get_field("person").get_db_prep_value(person.pk, connection)
    params = [pk, feature, period, n, *([] if bound is None else [bound])]
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        row = cursor.fetchone()
    return None if row is None else int(row[0])
