"""What operations share in the OpenAPI schema: cursor pages, the error body and when it comes.

`SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"]` takes `threadflow_core.api.schema.document_errors`
after the defaults.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, inline_serializer
from rest_framework import serializers

#: What lists take that `pagination` cuts.
CURSOR = OpenApiParameter("cursor", OpenApiTypes.STR, description="From `next` or `previous`.")
LIMIT = OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 100.")

ERROR = {
    "type": "object",
    "required": ["code", "detail"],
    "properties": {
        "code": {"type": "string", "description": "For programs: stable."},
        "detail": {"type": "string", "description": "For people: translated."},
        "fields": {
            "type": "object",
            "description": "Messages by the name of the input.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}

_UNSAFE = {"post", "put", "patch", "delete"}
_METHODS = _UNSAFE | {"get"}


@cache
def page_schema(prefix: str, serializer: type[serializers.Serializer[Any]]) -> OpenApiResponse:
    """A cursor page of what `serializer` describes; its component is `<prefix>PageOf<Name>`."""
    name = serializer.__name__.removesuffix("Serializer")
    fields = {
        "next": serializers.URLField(allow_null=True),
        "previous": serializers.URLField(allow_null=True),
        "results": serializer(many=True),
    }
    return OpenApiResponse(inline_serializer(f"{prefix}PageOf{name}", fields))


def document_errors(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add the `Error` component and the 4xx answers that an operation can give.

    Answers that a view documents itself are kept.
    """
    result.setdefault("components", {}).setdefault("schemas", {})["Error"] = ERROR
    for path, item in result.get("paths", {}).items():
        for method, operation in item.items():
            if method in _METHODS:
                _document(path, method, operation)
    return result


def _document(path: str, method: str, operation: dict[str, Any]) -> None:
    responses = operation.setdefault("responses", {})
    for status, text in _errors(path, method, operation).items():
        responses.setdefault(
            str(status),
            {
                "description": text,
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
                **_headers(status),
            },
        )
    if method in _UNSAFE:
        parameters = operation.setdefault("parameters", [])
        if not any(p.get("name") == "Idempotency-Key" for p in parameters):
            parameters.append(_KEY)


def _errors(path: str, method: str, operation: dict[str, Any]) -> dict[int, str]:
    found = {400: _("Malformed request"), 429: _("Too many requests")}
    if operation.get("security"):
        found[401] = _("Not signed in")
        found[403] = _("Not allowed")
    if "{" in path:
        found[404] = _("Not found, or not visible to you")
    if method in _UNSAFE:
        found[409] = _("In conflict with what happened meanwhile")
        found[413] = _("Too large")
        found[415] = _("Content type not supported")
        found[422] = _("Well formed, but not acceptable")
    elif any(p.get("in") == "query" for p in operation.get("parameters", [])):
        found[422] = _("Well formed, but not acceptable")
    return found


def _headers(status: int) -> dict[str, Any]:
    if status != 429:
        return {}
    seconds = {"description": "Seconds to wait.", "schema": {"type": "integer"}}
    return {"headers": {"Retry-After": seconds}}


_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "schema": {"type": "string", "maxLength": 200},
    "description": "Repeating a request with its key takes effect once and answers alike.",
}
