"""A loopback stand-in for a vendor's HTTP API that holds every request to the vendor's own description.

* request: path, method, auth, path/query params, required/unknown/enum/type of every nested field;
* response: the vendor's example object, pruned/completed so it validates against the response schema;
* small state: what was POSTed can be GET, updated, listed; idempotency keys replay;
* faults on demand: status codes, delays, dropped connections; every request recorded.

Only `jsonschema` is needed.  Binds 127.0.0.1 only.
"""
from .server import Seen, VendorMock
from .spec import Invalid, Spec
from .vendors import OpenAIMock, StripeMock, TwilioMock

__all__ = ["Invalid", "OpenAIMock", "Seen", "Spec", "StripeMock", "TwilioMock", "VendorMock"]
