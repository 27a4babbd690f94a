"""All subs of the demo, in the order in which they are written down."""

from __future__ import annotations

from importlib import import_module

from .model import S

NAMES = (
    *("breadmaking", "citycycling", "django", "filmphoto", "homeserver", "mending", "birding"),
    *("smallboats", "typography", "foraging", "synths", "pens", "cellar", "almanac", "paper_maps"),
)

SUBS: list[S] = [import_module(f"{__package__}.subs.{name}").SUB for name in NAMES]
