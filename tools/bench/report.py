"""A table for people and JSON for programs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """One figure: what, how much, what it must reach, whether it does (None: only told)."""

    name: str
    value: float
    unit: str
    must: str = ""
    holds: bool | None = None
    note: str = ""


class Report:
    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(
        self,
        name: str,
        value: float,
        unit: str,
        *,
        least: float | None = None,
        most: float | None = None,
        note: str = "",
    ) -> None:
        must = f"≥ {least:g}" if least is not None else f"≤ {most:g}" if most is not None else ""
        holds: bool | None = None
        if least is not None:
            holds = value >= least
        elif most is not None:
            holds = value <= most
        row = Row(name, round(value, 4), unit, must, holds, note)
        self.rows.append(row)
        sign = {True: "ok ", False: "NO ", None: "   "}[holds]
        print(f"{sign} {name:<72} {value:>10.3f} {unit:<8} {must:<8} {note}", flush=True)

    def save(self, path: Path) -> None:
        path.write_text(json.dumps([asdict(row) for row in self.rows], indent=1))

    @property
    def holds(self) -> bool:
        return all(row.holds is not False for row in self.rows)
