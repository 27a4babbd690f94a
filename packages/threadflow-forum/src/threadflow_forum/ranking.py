"""Ranks as pure functions of votes and time. They are stored on each vote, so none of them decays."""

from __future__ import annotations

from datetime import datetime
from math import log10, sqrt

EPOCH = (
    1_134_028_003  # seconds; the constant of the published formula, kept so that vectors compare
)
Z = 1.281551565545  # standard normal quantile of a one-sided 90 % bound (80 % two-sided)


def hot(score: int, posted: datetime) -> float:
    """Time-anchored hot rank: ten times the votes outweigh 12.5 hours of age. Higher is hotter.

    Reddit, `_sorts.pyx`, 2008: sign(s) · log10(max(|s|, 1)) + (t − EPOCH) / 45000, 7 decimals.
    """
    sign = (score > 0) - (score < 0)
    return round(sign * log10(max(abs(score), 1)) + (posted.timestamp() - EPOCH) / 45_000, 7)


def best(up: int, down: int) -> float:
    """Lower bound of the Wilson score interval of the share of upvotes, 0 ≤ best < 1.

    Wilson, 1927, with z = 1.2816 as in Reddit's `_sorts.pyx`; 0 without votes.
    """
    n = up + down
    if n == 0:
        return 0.0
    share = up / n
    centre = share + Z * Z / (2 * n)
    spread = Z * sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return round((centre - spread) / (1 + Z * Z / n), 7)


def controversy(up: int, down: int) -> float:
    """Many votes, evenly split: (up + down) ^ (smaller / larger); 0 if one side has none.

    Reddit, `_sorts.pyx`.
    """
    if up <= 0 or down <= 0:
        return 0.0
    return round(float((up + down) ** (min(up, down) / max(up, down))), 7)
