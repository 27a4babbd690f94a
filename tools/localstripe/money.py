"""Arithmetic in integer minor units and calendar time. Pure."""

from __future__ import annotations

import calendar
from datetime import UTC, datetime, timedelta

DAY = 86_400
FEE_PER_MILLE, FEE_FIXED = 29, 30  # Stripe's list price for cards: 2.9 % and 30 minor units
DISPUTE_FEE = 1500
# Standard rates in ten-thousandths for automatic tax: enough to see a tax line, no tax advice.
TAX = {"AT": 2000, "DE": 1900, "ES": 2100, "FR": 2000, "GB": 2000, "IT": 2200, "NL": 2100}


def ratio(amount: int, part: int, whole: int) -> int:
    """`amount` × `part` / `whole`, half away from zero."""
    sign = -1 if (amount < 0) != (part < 0) else 1
    return sign * ((2 * abs(amount) * abs(part) + whole) // (2 * whole))


def fee(amount: int) -> int:
    return ratio(amount, FEE_PER_MILLE, 1000) + FEE_FIXED


def percent(amount: int, value: float) -> int:
    """`value` per cent of `amount`; Stripe allows two decimals, so count in ten-thousandths."""
    return ratio(amount, round(value * 100), 10_000)


def spread(total: int, weights: list[int]) -> list[int]:
    """`total` in parts like `weights`, the sum exact: largest remainders get the odd units."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in order[: total - sum(parts)]:
        parts[i] += 1
    return parts


def tax_rate(country: str | None) -> int:
    return TAX.get((country or "").upper(), 0)


def step(anchor: int, interval: str, count: int, times: int) -> int:
    """The anchor moved by `times` periods; the day of the month is cut, never carried over."""
    if interval in ("day", "week"):
        return anchor + times * count * (7 if interval == "week" else 1) * DAY
    at = datetime.fromtimestamp(anchor, UTC)
    months = at.year * 12 + at.month - 1 + times * count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(at.day, calendar.monthrange(year, month + 1)[1])
    return int(at.replace(year=year, month=month + 1, day=day).timestamp())


def period_after(anchor: int, start: int, interval: str, count: int) -> int:
    """End of the period that begins at `start`, on the grid of `anchor`."""
    times = 1
    if start > anchor:
        shortest = {"day": DAY, "week": 7 * DAY, "month": 28 * DAY, "year": 365 * DAY}[interval]
        times = max(1, int((start - anchor) // (shortest * count * 1.12)) - 1)
    while step(anchor, interval, count, times) <= start:
        times += 1
    return step(anchor, interval, count, times)


def text(amount: int, currency: str) -> str:
    """An amount for people: `$12.00`, `12.00 CHF`."""
    sign, amount = ("-" if amount < 0 else ""), abs(amount)
    if currency.lower() in ("jpy", "krw", "vnd", "clp"):
        number = f"{amount:,}"
    else:
        number = f"{amount // 100:,}.{amount % 100:02}"
    symbol = {"usd": "$", "eur": "€", "gbp": "£"}.get(currency.lower())
    return f"{sign}{symbol}{number}" if symbol else f"{sign}{number} {currency.upper()}"


def day(at: int | None) -> str:
    return (
        "" if at is None else f"{datetime.fromtimestamp(at, UTC) + timedelta():%d %b %Y %H:%M} UTC"
    )
