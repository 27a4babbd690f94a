"""What all APIs share: one shape of errors, keyset pages, keys that make repeats harmless."""

from __future__ import annotations

import io
import json

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import Http404
from django.test import Client, override_settings
from django.urls import path
from rest_framework import serializers
from rest_framework.exceptions import NotFound as DRFNotFound
from rest_framework.exceptions import Throttled
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response

from threadflow_core import exceptions as errors
from threadflow_core.api.pagination import page_response
from threadflow_core.api.schema import document_errors
from threadflow_core.api.views import ServiceAPIView
from threadflow_core.limits import Limit

RAISED = {
    "not-found": errors.NotFound(),
    "http404": Http404(),
    "drf404": DRFNotFound(),
    "denied": PermissionDenied(),
    "not-allowed": errors.NotAllowed("Not you.", code="banned"),
    "sign-in": errors.SignInRequired(),
    "conflict": errors.Conflict(),
    "gone": errors.Gone(),
    "stale": errors.PreconditionFailed(),
    "large": errors.TooLarge(),
    "invalid": errors.Invalid(fields={"title": ["Too short."]}),
    "django-invalid": ValidationError({"title": ["Too short."]}),
    "django-invalid-plain": ValidationError("Too short."),
    "limit": errors.LimitExceeded(42),
    "throttled": Throttled(wait=41.2),
    "cursor": errors.BadCursor(),
    "unavailable": errors.Unavailable(),
    "drf-invalid": serializers.ValidationError(
        {"title": ["Too short."], "tags": [{}, {"name": ["Bad."]}], "a": {"b": ["Deep."]}}
    ),
}


class RaiseView(ServiceAPIView):
    def get(self, request, name):
        raise RAISED[name]


class BrokenView(ServiceAPIView):
    def get(self, request):
        raise ZeroDivisionError


class MemberView(ServiceAPIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"who": request.user.username})


class GroupSerializer(serializers.Serializer):
    name = serializers.CharField(max_length=20)


class GroupsView(ServiceAPIView):
    limit = Limit("test.api", "5/h")

    def get(self, request):
        return page_response(
            request,
            Group.objects.all(),
            order=("name", "id"),
            scope="groups",
            serialize=lambda groups: [{"name": group.name} for group in groups],
        )

    def post(self, request):
        serializer = GroupSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        group = Group.objects.create(name=serializer.validated_data["name"])
        if group.name == "broken":
            raise errors.Conflict()
        if group.name == "down":
            return Response({"half": True}, status=503)
        location = {"Location": f"/groups/{group.pk}/"}
        return Response({"id": group.pk, "name": group.name}, status=201, headers=location)

    def delete(self, request):
        Group.objects.all().delete()
        return Response(status=204)


class StrictView(GroupsView):
    limit = {"POST": Limit("test.api.strict", "100/h")}
    idempotency_required = True


class FilesView(ServiceAPIView):
    def post(self, request):
        return Response({"size": request.FILES["file"].size}, status=201)


urlpatterns = [
    path("raise/<str:name>/", RaiseView.as_view()),
    path("broken/", BrokenView.as_view()),
    path("member/", MemberView.as_view()),
    path("groups/", GroupsView.as_view()),
    path("strict/", StrictView.as_view()),
    path("files/", FilesView.as_view()),
]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _urls(settings):
    settings.ROOT_URLCONF = __name__
    settings.MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    settings.REST_FRAMEWORK = {
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"]
    }


@pytest.fixture
def api():
    return Client()


def post(api, data, key=None, url="/groups/", **more):
    headers = {"Idempotency-Key": key} if key is not None else {}
    return api.post(url, json.dumps(data), content_type="application/json", headers=headers, **more)


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "status", "code"),
        [
            ("not-found", 404, "not_found"),
            ("http404", 404, "not_found"),
            ("drf404", 404, "not_found"),
            ("denied", 403, "not_allowed"),
            ("not-allowed", 403, "banned"),
            ("sign-in", 401, "sign_in_required"),
            ("conflict", 409, "conflict"),
            ("gone", 410, "gone"),
            ("stale", 412, "stale_version"),
            ("large", 413, "too_large"),
            ("invalid", 422, "invalid"),
            ("django-invalid", 422, "invalid"),
            ("django-invalid-plain", 422, "invalid"),
            ("drf-invalid", 422, "invalid"),
            ("limit", 429, "rate_limited"),
            ("throttled", 429, "rate_limited"),
            ("cursor", 400, "bad_cursor"),
            ("unavailable", 503, "unavailable"),
        ],
    )
    def test_each_has_its_status_and_code_and_a_text(self, api, name, status, code):
        response = api.get(f"/raise/{name}/")
        body = response.json()
        assert (response.status_code, body["code"]) == (status, code)
        assert isinstance(body["detail"], str) and body["detail"]
        assert set(body) <= {"code", "detail", "fields"}

    def test_fields(self, api):
        assert api.get("/raise/invalid/").json()["fields"] == {"title": ["Too short."]}
        assert api.get("/raise/django-invalid/").json()["fields"] == {"title": ["Too short."]}
        assert api.get("/raise/drf-invalid/").json()["fields"] == {
            "title": ["Too short."],
            "tags.1.name": ["Bad."],
            "a.b": ["Deep."],
        }

    def test_when_to_return(self, api):
        assert api.get("/raise/limit/")["Retry-After"] == "42"
        assert api.get("/raise/throttled/")["Retry-After"] == "42"
        assert int(api.get("/raise/unavailable/")["Retry-After"]) > 0

    def test_who_is_not_signed_in_gets_a_401_with_a_challenge(self, api):
        for url in ("/member/", "/raise/sign-in/"):
            response = api.get(url)
            assert response.status_code == 401 and response["WWW-Authenticate"]

    def test_the_text_says_what_the_service_said(self, api):
        assert api.get("/raise/not-allowed/").json()["detail"] == "Not you."

    def test_other_methods_and_types_are_errors_of_the_same_shape(self, api):
        assert api.post("/member/").status_code == 401
        assert api.put("/groups/").json()["code"] == "method_not_allowed"
        wrong = api.post("/groups/", "<a/>", content_type="application/xml")
        assert (wrong.status_code, wrong.json()["code"]) == (415, "unsupported_media_type")
        bad = api.post("/groups/", "{", content_type="application/json")
        assert (bad.status_code, bad.json()["code"]) == (400, "malformed")

    def test_a_key_on_a_method_that_is_not_there(self, api):
        response = api.put("/groups/", headers={"Idempotency-Key": "k"})
        assert response.status_code == 405

    def test_a_bug_is_not_dressed_up(self, api):
        with pytest.raises(ZeroDivisionError):
            api.get("/broken/")


class TestPages:
    @pytest.fixture(autouse=True)
    def groups(self):
        Group.objects.bulk_create(Group(name=f"g{n:03}") for n in range(60))

    def test_links_lead_through_the_whole_list_and_back(self, api):
        url, seen = "http://testserver/groups/?limit=25&x=1", []
        pages = []
        while url:
            page = api.get(url).json()
            assert set(page) == {"next", "previous", "results"}
            pages.append(page)
            seen += [row["name"] for row in page["results"]]
            url = page["next"]
        assert seen == [f"g{n:03}" for n in range(60)]
        assert pages[0]["previous"] is None
        assert pages[1]["next"].startswith("http://testserver/groups/?") and "x=1" in url_of(pages)
        back = api.get(pages[2]["previous"]).json()
        assert back["results"] == pages[1]["results"]

    def test_twenty_five_by_default(self, api):
        assert len(api.get("/groups/").json()["results"]) == 25

    @pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "", "1e3", "²", "9" * 500])
    def test_a_limit_that_is_none(self, api, limit):
        response = api.get("/groups/", {"limit": limit})
        assert response.status_code == 422 and "limit" in response.json()["fields"]

    @pytest.mark.parametrize("cursor", ["x", "a:b:c", "%00", "eyJhIjoxfQ:1:2"])
    def test_a_cursor_that_is_none(self, api, cursor):
        assert api.get("/groups/", {"cursor": cursor}).status_code == 400


def url_of(pages):
    return pages[1]["next"]


class TestIdempotency:
    def test_again_with_the_key_answers_alike_and_does_nothing(self, api):
        first = post(api, {"name": "a"}, key="k1")
        again = post(api, {"name": "a"}, key="k1")
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json() == again.json() and Group.objects.count() == 1
        assert "Idempotency-Replayed" not in first
        assert again["Idempotency-Replayed"] == "true" and again["Location"] == first["Location"]

    def test_another_body_is_refused(self, api):
        post(api, {"name": "a"}, key="k1")
        response = post(api, {"name": "b"}, key="k1")
        assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")

    def test_without_a_key_everything_is_new(self, api):
        post(api, {"name": "a"})
        post(api, {"name": "b"})
        assert Group.objects.count() == 2

    def test_an_error_leaves_the_key_unused_and_nothing_written(self, api):
        assert post(api, {"name": "broken"}, key="k1").status_code == 409
        assert not Group.objects.exists()
        assert post(api, {"name": "a"}, key="k1").status_code == 201

    def test_an_answer_of_500_neither(self, api):
        assert post(api, {"name": "down"}, key="k1").status_code == 503
        assert not Group.objects.exists()

    def test_what_was_invalid_may_be_corrected(self, api):
        assert post(api, {"name": ""}, key="k1").status_code == 422
        assert post(api, {"name": "a"}, key="k1").status_code == 201

    def test_a_key_belongs_to_its_person(self, api, django_user_model):
        post(api, {"name": "a"}, key="k1")
        ada = django_user_model.objects.create_user("ada")
        api.force_login(ada)
        assert post(api, {"name": "b"}, key="k1").status_code == 201

    def test_where_a_key_is_required(self, api):
        response = post(api, {"name": "a"}, url="/strict/")
        assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_invalid")
        assert post(api, {"name": "a"}, key="k", url="/strict/").status_code == 201
        assert post(api, {"name": "b"}, key="a b", url="/strict/").status_code == 400

    def test_an_answer_without_a_body(self, api):
        for _ in range(2):
            response = api.delete("/groups/", headers={"Idempotency-Key": "k1"})
            assert response.status_code == 204 and not response.content
        assert response["Idempotency-Replayed"] == "true"

    def test_files_count_by_their_content(self, api):
        def send(content):
            data = {"file": SimpleUploadedFile("a.bin", content)}
            return api.post("/files/", data, headers={"Idempotency-Key": "k1"})

        assert send(b"1").status_code == 201
        assert send(b"1")["Idempotency-Replayed"] == "true"
        assert send(b"2").status_code == 422


class TestLimits:
    def test_unsafe_requests_are_counted(self, api):
        found = [post(api, {"name": f"g{n}"}).status_code for n in range(7)]
        assert found == [201] * 5 + [429] * 2
        response = post(api, {"name": "x"})
        assert int(response["Retry-After"]) > 0 and response.json()["code"] == "rate_limited"
        assert api.get("/groups/").status_code == 200

    @pytest.mark.django_db(transaction=True)
    def test_a_refused_try_stays_counted_in_a_site_of_one_transaction_per_request(self, api):
        from django.db import connection

        from threadflow_core.models import RateCount

        with override_settings():
            connection.settings_dict["ATOMIC_REQUESTS"] = True
            try:
                for number in range(7):
                    post(api, {"name": f"g{number}"})
            finally:
                connection.settings_dict["ATOMIC_REQUESTS"] = False
        assert RateCount.objects.get().count == 7


class TestSchema:
    def schema(self):
        from drf_spectacular.generators import SchemaGenerator

        with override_settings(
            REST_FRAMEWORK={"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
        ):
            return SchemaGenerator(patterns=urlpatterns).get_schema(public=True)

    def test_every_operation_documents_its_errors(self, capsys):
        schema = document_errors(self.schema())
        assert schema["components"]["schemas"]["Error"]["required"] == ["code", "detail"]
        operation = schema["paths"]["/groups/"]["post"]
        assert {"400", "409", "415", "422", "429"} <= set(operation["responses"])
        body = operation["responses"]["422"]["content"]["application/json"]["schema"]
        assert body == {"$ref": "#/components/schemas/Error"}
        assert "Retry-After" in operation["responses"]["429"]["headers"]
        assert [p["name"] for p in operation["parameters"]] == ["Idempotency-Key"]
        assert "404" in schema["paths"]["/raise/{name}/"]["get"]["responses"]
        assert "409" not in schema["paths"]["/groups/"]["get"]["responses"]

    def test_what_a_view_documents_itself_is_kept(self):
        own = {"description": "mine"}
        schema = {"paths": {"/a/": {"post": {"responses": {"409": own}}, "parameters": []}}}
        document_errors(schema)
        document_errors(schema)
        operation = schema["paths"]["/a/"]["post"]
        assert operation["responses"]["409"] is own
        assert len(operation["parameters"]) == 1


def test_nothing_outside_imports_rest_framework():
    """The API is an extra: without DRF everything else imports."""
    import subprocess
    import sys

    code = """
import sys
sys.modules["rest_framework"] = None
sys.modules["PIL"] = None
import django
from django.conf import settings
django.setup()
import threadflow_core.idempotency, threadflow_core.uploads.views, threadflow_core.search
import threadflow_core.safehttp, threadflow_core.health, threadflow_core.logging
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={**__import__("os").environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )
    assert done.returncode == 0, done.stderr
    assert io.StringIO(done.stderr).read() == ""
