"""One shape for every error: `{"code", "detail", "fields"?}`."""

from __future__ import annotations

import math
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import Http404
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.views import set_rollback

from ..exceptions import Invalid, LimitExceeded, NotFound, ThreadflowError


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn an exception into its answer. The site's `REST_FRAMEWORK["EXCEPTION_HANDLER"]`, and
    that of `ServiceAPIView` wherever it is mounted."""
    if isinstance(error, Http404):
        error = NotFound()
    elif isinstance(error, PermissionDenied):
        error = drf.PermissionDenied()
    elif isinstance(error, DjangoValidationError):
        fields = getattr(error, "message_dict", None)
        error = Invalid(fields=fields) if fields else Invalid("; ".join(error.messages))
    if isinstance(error, ThreadflowError):
        response = _domain(error, context)
    elif isinstance(error, drf.APIException):
        response = _framework(error, context)
    else:
        return None
    if not isinstance(error, LimitExceeded):
        set_rollback()  # a refused try must stay counted, the rest is undone
    return response


def _domain(error: ThreadflowError, context: dict[str, Any]) -> Response:
    body: dict[str, Any] = {"code": error.code, "detail": str(error.message)}
    headers: dict[str, str] = {}
    if isinstance(error, Invalid) and error.fields:
        body["fields"] = {name: [str(m) for m in found] for name, found in error.fields.items()}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    status = error.status
    if status == 401:
        headers["WWW-Authenticate"] = _challenge(context)
    elif status == 503:
        headers.setdefault("Retry-After", "10")
    return Response(body, status=status, headers=headers)


def _framework(error: drf.APIException, context: dict[str, Any]) -> Response:
    headers: dict[str, str] = {}
    status = error.status_code
    if isinstance(error, (drf.NotAuthenticated, drf.AuthenticationFailed)):
        # DRF makes it a 403 where the first way to authenticate is the session.
        status = 401
        headers["WWW-Authenticate"] = _challenge(context)
    if getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(error.wait))  # type: ignore[attr-defined]
    if isinstance(error, drf.ValidationError):
        return Response(_invalid(error), status=422)
    detail = error.detail
    code = detail.code if isinstance(detail, drf.ErrorDetail) else error.default_code
    body = {"code": _CODES.get(str(code), str(code)), "detail": str(_first(detail))}
    return Response(body, status=status, headers=headers)


def _invalid(error: drf.ValidationError) -> dict[str, Any]:
    """All messages by field; nested fields are joined by dots."""
    fields: dict[str, list[str]] = {}
    _collect(error.detail, "", fields)
    general = fields.pop("non_field_errors", [])
    detail = general[0] if general else str(Invalid.message)
    body: dict[str, Any] = {"code": Invalid.code, "detail": detail}
    if fields:
        body["fields"] = fields
    return body


def _collect(detail: Any, name: str, fields: dict[str, list[str]]) -> None:
    if isinstance(detail, dict):
        for key, value in detail.items():
            _collect(value, f"{name}.{key}" if name else str(key), fields)
    elif isinstance(detail, list) and any(isinstance(item, (dict, list)) for item in detail):
        for number, item in enumerate(detail):
            _collect(item, f"{name}.{number}" if name else str(number), fields)
    else:
        messages = detail if isinstance(detail, list) else [detail]
        key = name.removesuffix(".non_field_errors") or "non_field_errors"
        fields.setdefault(key, []).extend(str(message) for message in messages)


def _first(detail: Any) -> Any:
    while isinstance(detail, (dict, list)) and detail:
        detail = next(iter(detail.values())) if isinstance(detail, dict) else detail[0]
    return detail


def _challenge(context: dict[str, Any]) -> str:
    """What a client may authenticate with; a 401 has to name something."""
    view, request = context.get("view"), context.get("request")
    named = view.get_authenticate_header(request) if view and request else None
    return str(named or 'Session realm="api"')


#: DRF's codes under the names that our own errors have.
_CODES = {
    "authentication_failed": "sign_in_required",
    "not_authenticated": "sign_in_required",
    "parse_error": "malformed",
    "permission_denied": "not_allowed",
    "throttled": "rate_limited",
}
