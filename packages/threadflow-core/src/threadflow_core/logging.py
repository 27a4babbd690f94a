"""JSON lines with a request id that follows the work from the request into jobs and frames."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponse

from .ids import uuid7

HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")
_SECRET = re.compile(
    r"pass|token|secret|authorization|cookie|otp|card|phone|api_?key|session", re.IGNORECASE
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

_request_id: ContextVar[str] = ContextVar("threadflow_request_id", default="")
_fields: ContextVar[dict[str, Any]] = ContextVar("threadflow_log_fields", default={})  # noqa: B039

log = logging.getLogger("threadflow.request")


def current() -> str | None:
    """The id of the request that this work began with, None outside of one."""
    return _request_id.get() or None


@contextmanager
def bind(request_id: str | None = None, **fields: Any) -> Iterator[None]:
    """Put the request id and further fields on every line logged inside the block."""
    tokens = []
    if request_id:
        tokens.append((_request_id, _request_id.set(request_id)))
    tokens.append((_fields, _fields.set({**_fields.get(), **fields})))  # type: ignore[arg-type]
    try:
        yield
    finally:
        for variable, token in reversed(tokens):
            variable.reset(token)  # type: ignore[arg-type]


class JSONFormatter(logging.Formatter):
    """One JSON object per line: `ts`, `level`, `logger`, `event`, `request_id`, then extras.

    Extras whose name sounds like a secret are blanked.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": _utc(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if _request_id.get():
            line["request_id"] = _request_id.get()
        extras = {k: v for k, v in vars(record).items() if k not in _STANDARD}
        line.update(scrubbed({**_fields.get(), **extras}))
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def _utc(seconds: float) -> str:
    at = datetime.fromtimestamp(seconds, tz=UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def scrubbed(values: dict[str, Any]) -> dict[str, Any]:
    """`values` without what belongs in no log, to any depth."""
    return {
        key: "[removed]"
        if _SECRET.search(str(key))
        else scrubbed(value)
        if isinstance(value, dict)
        else value
        for key, value in values.items()
        if key != "request"
    }


class RequestIDMiddleware:
    """Gives each request an id, answers with it, and logs one line when the request is done.

    An id that came in is kept if it is well formed. Put it first in MIDDLEWARE. Works in sync
    and async stacks.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponse | Awaitable[HttpResponse]:
        if self._is_async:
            return self._acall(request)
        began = time.perf_counter()
        with bind(request_id_of(request)):
            response: HttpResponse = self.get_response(request)
            _done(request, response, began)
        return response

    async def _acall(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        with bind(request_id_of(request)):
            response: HttpResponse = await self.get_response(request)
            _done(request, response, began)
        return response


def request_id_of(request: Any) -> str:
    """The well-formed id that a request brought, else a new one."""
    given = request.META.get("HTTP_X_REQUEST_ID", "")
    return given if _GIVEN.fullmatch(given) else uuid7().hex


def _done(request: HttpRequest, response: HttpResponse, began: float) -> None:
    response[HEADER] = _request_id.get()
    match = request.resolver_match
    log.info(
        "request",
        extra={
            "method": request.method,
            # The template of the path, never the path: addresses hold names and keys.
            "route": match.route if match else "",
            "status": response.status_code,
            "ms": round((time.perf_counter() - began) * 1000, 1),
        },
    )
