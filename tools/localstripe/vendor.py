"""The neighbour `vendormock`, loaded from its file: it is a folder of tools, not a package."""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path

FILE = Path(__file__).parents[1] / "vendormock" / "vendormock.py"


def _load():
    name = "localstripe_vendormock"
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(name, FILE)
        module = importlib.util.module_from_spec(found)
        sys.modules[name] = module
        found.loader.exec_module(module)
    return sys.modules[name]


vendormock = _load()
Invalid, StripeMock = vendormock.Invalid, vendormock.StripeMock


@functools.cache
def description():
    """Stripe's description at the pinned version; a third of a second to read, so once a process."""
    return vendormock.Spec.load("stripe.json")
