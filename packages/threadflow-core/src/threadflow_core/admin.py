"""Admin pages of the ground floor; each room keeps its own."""

from __future__ import annotations

from . import utility_admin  # noqa: F401
from .jobs import admin as jobs_admin  # noqa: F401
