"""The door of uploads: who asks is checked on every fetch."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_cache_control
from django.views import View

from ..app_settings import app_settings
from ..exceptions import NotFound
from .kinds import IMAGE_TYPES
from .services import get_visible

#: An uploaded file can do nothing even when it is opened by itself.
CSP = "default-src 'none'; sandbox"


class UploadView(View):
    """The file under its id, 404 for whoever may not see it. Browsers ask again each time."""

    http_method_names = ["get", "head", "options"]

    def get(self, request: HttpRequest, id: UUID, *args: Any, **kwargs: Any) -> Any:
        try:
            upload = get_visible(getattr(request, "user", None), id)
        except NotFound as error:
            raise Http404 from error
        etag = f'"{upload.sha256[:32]}"'
        if etag in request.headers.get("If-None-Match", ""):
            return self._guard(HttpResponseNotModified(), etag)
        inline = upload.content_type in IMAGE_TYPES
        if app_settings.UPLOAD_ACCEL_PREFIX:
            response: Any = HttpResponse()
            response["X-Accel-Redirect"] = app_settings.UPLOAD_ACCEL_PREFIX + upload.file.name
            response["Content-Disposition"] = "inline" if inline else "attachment"
        else:
            try:
                file = upload.file.open("rb")
            except FileNotFoundError as error:
                raise Http404 from error
            response = FileResponse(file, filename=upload.name, as_attachment=not inline)
        response["Content-Type"] = upload.content_type
        return self._guard(response, etag)

    def _guard(self, response: Any, etag: str) -> Any:
        response["ETag"] = etag
        response["X-Content-Type-Options"] = "nosniff"
        response["Content-Security-Policy"] = CSP
        response["Cross-Origin-Resource-Policy"] = "same-origin"
        patch_cache_control(response, private=True, no_cache=True)
        return response
