"""The neighbour `vendormock`, loaded from its folder: tools are nowhere installed."""

from __future__ import annotations

import collections
import contextlib
import functools
import hashlib
import importlib.util
import json
import sys
from pathlib import Path

REMEMBERED = 5000
FOLDER = Path(__file__).parents[1] / "vendormock" / "vendormock"


def _load():
    name = "localstripe_vendormock"
    if name not in sys.modules:
        found = importlib.util.spec_from_file_location(
            name, FOLDER / "__init__.py", submodule_search_locations=[str(FOLDER)]
        )
        module = importlib.util.module_from_spec(found)
        sys.modules[name] = module
        found.loader.exec_module(module)
    return sys.modules[name]


vendormock = _load()
Invalid, StripeMock = vendormock.Invalid, vendormock.StripeMock


class Checked(vendormock.Spec):
    """Remembers what was found valid: an event and the answer after it often carry the same object."""

    def __init__(self, doc):
        super().__init__(doc)
        self.valid = collections.OrderedDict()

    def check(self, value, schema):
        if set(schema) != {"$ref"}:
            super().check(value, schema)
            return
        key = (schema["$ref"], hashlib.sha256(json.dumps(value).encode()).digest())
        if key not in self.valid:
            super().check(value, schema)
            self.valid[key] = True
            while len(self.valid) > REMEMBERED:
                with contextlib.suppress(KeyError):  # another thread was faster
                    self.valid.popitem(last=False)


@functools.cache
def description():
    """Stripe's description at the pinned version; a third of a second to read, so once a process."""
    return Checked.load("stripe.json")
