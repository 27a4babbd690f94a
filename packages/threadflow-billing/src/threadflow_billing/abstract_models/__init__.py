"""Abstract models: fields, Meta and domain methods. `models` holds the concrete shells."""

from .plans import AbstractPlan

__all__ = ["AbstractPlan"]
