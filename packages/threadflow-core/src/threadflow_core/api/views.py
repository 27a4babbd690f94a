"""The base of API views: limits spent, idempotency kept, errors in one shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import idempotency, limits
from ..exceptions import SignInRequired
from ..limits import Limit
from .exceptions import exception_handler

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class ServiceAPIView(APIView):
    """An API view that parses, calls a service and answers.

    `limit` is spent on each unsafe request, before any transaction; give a dict for limits by
    method. An `Idempotency-Key` header is honoured on unsafe requests: the same key and body
    again are answered from store with `Idempotency-Replayed: true`. With
    `idempotency_required` a request without one is refused (400).
    """

    limit: ClassVar[Limit | dict[str, Limit] | None] = None
    idempotency_required: ClassVar[bool] = False

    def person(self, request: Request) -> Any:
        """The signed-in person; raises SignInRequired."""
        if not request.user.is_authenticated:
            raise SignInRequired()
        return request.user

    def parse(self, serializer: type[serializers.Serializer[Any]], request: Request) -> Any:
        """The checked input; raises DRF's ValidationError (422)."""
        form = serializer(data=request.data)
        form.is_valid(raise_exception=True)
        return form.validated_data

    def get_exception_handler(self) -> Callable[..., Any]:
        return exception_handler

    def get_parsers(self) -> list[Any]:
        return [_shallow(parser) for parser in super().get_parsers()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        limit = self.limit.get(request.method or "") if isinstance(self.limit, dict) else self.limit
        if limit is not None and (request.method in UNSAFE or isinstance(self.limit, dict)):
            limits.spend(limit, request)
        self._repeatable(request)

    def _repeatable(self, request: Request) -> None:
        """Run the handler of a request that carries a key under `idempotency.run`."""
        key = request.headers.get(idempotency.HEADER)
        name = (request.method or "").lower()
        handler = getattr(self, name, None)
        if handler is None or request.method not in UNSAFE:
            return
        if key is None and not self.idempotency_required:
            return

        def run(request: Request, *args: Any, **kwargs: Any) -> Response | HttpResponse:
            answer = idempotency.run(
                key or "",
                f"{request.method} {request.path}",
                idempotency.fingerprint(_asked(request)),
                lambda: self._answer(handler(request, *args, **kwargs)),
                owner=idempotency.owner_of(request),
            )
            return _replayed(answer) if answer.replayed else self._fresh

        setattr(self, name, run)

    def _answer(self, response: Response) -> idempotency.Answer:
        """What to remember of a response: its data as JSON, rendered anew when replayed."""
        self._fresh = response
        data = "" if response.data is None else json.dumps(response.data, cls=_encoder())
        return idempotency.Answer(response.status_code, data, dict(response.items()))


def _shallow(parser: BaseParser) -> BaseParser:
    """The parser, refusing a body that is nested deeper than Python can read (400, not a crash)."""
    parse = parser.parse

    def parsed(*args: Any, **kwargs: Any) -> Any:
        try:
            return parse(*args, **kwargs)
        except RecursionError as error:
            raise ParseError("Too deeply nested.") from error

    parser.parse = parsed  # type: ignore[method-assign]
    return parser


def _replayed(answer: idempotency.Answer) -> Response:
    data = json.loads(answer.body) if answer.body else None
    headers = {k: v for k, v in answer.headers.items() if k != "Content-Type"}
    return Response(data, status=answer.status, headers={**headers, idempotency.REPLAYED: "true"})


def _asked(request: Request) -> Any:
    data = request.data
    lists = getattr(data, "lists", None)
    return [sorted(lists()) if lists else data, sorted(request.query_params.lists())]


def _encoder() -> type[json.JSONEncoder]:
    from rest_framework.utils.encoders import JSONEncoder

    return JSONEncoder
