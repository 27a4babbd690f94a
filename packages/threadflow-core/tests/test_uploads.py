"""Uploads: what is taken, what is made of it, and who may fetch it."""

from __future__ import annotations

import io
import struct
import uuid
import zlib
from datetime import timedelta

import PIL.Image
import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import Http404
from django.test import RequestFactory
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from threadflow_core import ports, uploads, utility_jobs
from threadflow_core.exceptions import NotFound, TooLarge
from threadflow_core.models import Report, Upload
from threadflow_core.policies import Verdict
from threadflow_core.testing import race
from threadflow_core.uploads import Refused, UploadKind, images, kinds, services
from threadflow_core.uploads.views import UploadView


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def ada(django_user_model, db):
    return django_user_model.objects.create_user("ada")


@pytest.fixture
def bo(django_user_model, db):
    return django_user_model.objects.create_user("bo")


def picture(form="PNG", size=(40, 30), mode="RGB", **options):
    out = io.BytesIO()
    PIL.Image.new(mode, size, options.pop("color", 0)).save(out, form, **options)
    return out.getvalue()


def file(content=None, name="cat.png"):
    return SimpleUploadedFile(name, picture() if content is None else content)


def stored(upload):
    with upload.file.open() as opened:
        return opened.read()


class TestImages:
    @pytest.mark.parametrize(
        ("form", "content_type"),
        [("PNG", "png"), ("JPEG", "jpeg"), ("GIF", "gif"), ("WEBP", "webp")],
    )
    def test_are_told_by_their_content_and_measured(self, ada, form, content_type):
        upload = uploads.store(file(picture(form), "x.exe"), owner=ada)
        assert upload.content_type == f"image/{content_type}"
        assert (upload.width, upload.height, upload.owner) == (40, 30, ada)
        assert upload.size == len(stored(upload)) and len(upload.sha256) == 64

    def test_are_stored_under_a_name_that_nobody_typed(self, ada):
        upload = uploads.store(file(name="../../etc/passwd.png"), owner=ada)
        assert "passwd" not in upload.file.name and ".." not in upload.file.name
        assert upload.file.name.endswith(f"{upload.pk.hex}.png")
        assert upload.name == "passwd.png"

    def test_lose_the_place_where_they_were_taken(self, ada):
        exif = PIL.Image.Exif()
        exif[0x8825] = {1: "N", 2: (52.0, 31.0, 12.0)}
        exif[0x010E] = "a secret description"
        source = picture("JPEG", exif=exif)
        assert b"secret" in source
        content = stored(uploads.store(file(source), owner=ada))
        assert b"secret" not in content and b"Exif" not in content
        assert not PIL.Image.open(io.BytesIO(content)).getexif()

    def test_stand_upright_without_it(self, ada):
        exif = PIL.Image.Exif()
        exif[0x0112] = 6
        upload = uploads.store(file(picture("JPEG", exif=exif)), owner=ada)
        assert (upload.width, upload.height) == (30, 40)

    def test_lose_text_and_profiles(self, ada):
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text("Comment", "<script>alert(1)</script>")
        content = stored(uploads.store(file(picture(pnginfo=info)), owner=ada))
        assert b"script" not in content

    def test_that_are_pages_too_are_only_images_afterwards(self, ada):
        polyglot = picture("GIF") + b"<script>alert(1)</script>"
        assert b"script" not in stored(uploads.store(file(polyglot), owner=ada))

    def test_that_are_large_become_smaller(self, ada, settings):
        settings.THREADFLOW_CORE = {"UPLOAD_MAX_SIDE": 20}
        upload = uploads.store(file(), owner=ada)
        assert (upload.width, upload.height) == (20, 15)

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
    def test_of_every_mode(self, ada, mode):
        assert uploads.store(file(picture(mode=mode)), owner=ada).width == 40

    def test_in_print_colours(self, ada):
        upload = uploads.store(file(picture("JPEG", mode="CMYK", color=(0, 0, 0, 0))), owner=ada)
        assert PIL.Image.open(io.BytesIO(stored(upload))).mode == "RGB"

    @pytest.mark.parametrize("form", ["GIF", "WEBP"])
    def test_that_move_go_on_moving(self, ada, form):
        frames = [PIL.Image.new("RGB", (20, 20), (n * 60, 0, 0)) for n in range(3)]
        out = io.BytesIO()
        frames[0].save(out, form, save_all=True, append_images=frames[1:], duration=80)
        upload = uploads.store(file(out.getvalue()), owner=ada)
        with PIL.Image.open(io.BytesIO(stored(upload))) as image:
            assert image.n_frames == 3

    def test_keep_their_transparency(self, ada):
        content = stored(uploads.store(file(picture(mode="RGBA", color=(1, 2, 3, 0))), owner=ada))
        assert PIL.Image.open(io.BytesIO(content)).getpixel((0, 0))[3] == 0


def png_header(width, height):
    """The start of a PNG that claims to be huge."""
    parts = [b"\x89PNG\r\n\x1a\n"]
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for name, data in ((b"IHDR", head), (b"IDAT", zlib.compress(b"\0" * 99))):
        check = struct.pack(">I", zlib.crc32(name + data))
        parts += [struct.pack(">I", len(data)), name, data, check]
    return b"".join(parts)


class TestRefused:
    @pytest.mark.parametrize(
        "content",
        [
            b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
            b"<!DOCTYPE html><script>alert(1)</script>",
            b"GIF",
            b"\x89PNG",
            b"MZ\x90\x00",
            b"%PDF-1.7",
            b"PK\x03\x04",
            b"just text",
            b"RIFF\x00\x00\x00\x00AVI ",
        ],
    )
    def test_what_is_no_image(self, ada, content):
        with pytest.raises(Refused) as refused:
            uploads.store(file(content, "x.png"), owner=ada)
        assert (refused.value.status, refused.value.code) == (422, "upload_type")
        assert not Upload.objects.exists()

    @pytest.mark.parametrize(
        "content",
        [picture()[:60], picture("JPEG")[:100], b"\xff\xd8\xff" + b"\0" * 99, b"GIF89a" + b"x" * 9],
    )
    def test_broken_images(self, ada, content):
        with pytest.raises(Refused) as refused:
            uploads.store(file(content), owner=ada)
        assert refused.value.code == "upload_broken"

    @pytest.mark.parametrize("size", [(50_000, 50_000), (7_000, 7_000), (2_000_000_000, 1)])
    def test_bombs_by_their_header(self, ada, size):
        with pytest.raises(Refused) as refused:
            uploads.store(file(png_header(*size)), owner=ada)
        assert refused.value.code == "upload_too_many_pixels"

    def test_empty_files(self, ada):
        with pytest.raises(Refused):
            uploads.store(file(b""), owner=ada)

    def test_large_files(self, ada, settings):
        settings.THREADFLOW_CORE = {"UPLOAD_MAX_BYTES": 2 * 1024 * 1024}
        with pytest.raises(TooLarge, match="2 MB"):
            uploads.store(file(b"x" * (2 * 1024 * 1024 + 1)), owner=ada)
        with pytest.raises(TooLarge):
            uploads.store(file(), owner=ada, max_bytes=10)

    def test_more_than_the_quota(self, ada, bo, settings):
        size = uploads.store(file(), owner=ada).size
        settings.THREADFLOW_CORE = {"UPLOAD_QUOTA_BYTES": size * 2}
        uploads.store(file(), owner=ada)
        with pytest.raises(Refused) as refused:
            uploads.store(file(), owner=ada)
        assert refused.value.code == "upload_quota"
        uploads.store(file(), owner=bo)

    def test_the_lazy_user_of_a_request_owns_files_too(self, ada):
        lazy = SimpleLazyObject(lambda: ada)
        assert uploads.store(file(), owner=lazy).owner_id == ada.pk

    def test_what_the_scanner_refuses(self, ada, settings):
        settings.THREADFLOW_CORE = {"UPLOAD_SCANNER": f"{__name__}.scanner"}
        with pytest.raises(Refused, match="infected"):
            uploads.store(file(), owner=ada)

    def test_without_pillow_the_site_is_told_what_to_install(self, ada, monkeypatch, caplog):
        import builtins

        real = builtins.__import__

        def without(name, *args, **kwargs):
            if name.startswith("PIL"):
                raise ImportError(name)
            return real(name, *args, **kwargs)

        monkeypatch.setattr(builtins, "__import__", without)
        with pytest.raises(Refused) as refused:
            images.encode(io.BytesIO(b""), "image/png", 10)
        assert refused.value.code == "upload_type"
        assert "threadflow-core[uploads]" in caplog.text

    def test_nothing_is_left_when_the_row_cannot_be_written(self, ada, media, monkeypatch):
        def broken(upload, owner):
            raise ZeroDivisionError

        monkeypatch.setattr(services, "_insert", broken)
        with pytest.raises(ZeroDivisionError):
            uploads.store(file(), owner=ada)
        assert not [path for path in media.rglob("*") if path.is_file()]


def scanner(opened, content_type):
    assert content_type == "image/png" and opened.read(4) == b"\x89PNG"
    raise Refused("infected")


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgres
def test_uploads_at_once_do_not_pass_the_quota(ada, settings):
    one = uploads.store(file(), owner=ada).size
    settings.THREADFLOW_CORE = {"UPLOAD_QUOTA_BYTES": one * 4}

    def store(number):
        try:
            return bool(uploads.store(file(), owner=ada))
        except Refused:
            return False

    assert sum(race(store, 12)) == 3


class TestFiles:
    @pytest.mark.parametrize(
        ("content", "content_type"),
        [
            (b"%PDF-1.7 ...", "application/pdf"),
            (b"PK\x03\x04...", "application/zip"),
            ("plain text, ä ö ü".encode(), "text/plain"),
        ],
    )
    def test_are_kept_as_they_are(self, ada, content, content_type):
        upload = uploads.store(file(content, "a.html"), owner=ada, kind="file")
        assert upload.content_type == content_type and stored(upload) == content
        assert upload.name == f"a.{kinds.EXTENSIONS[content_type]}"

    def test_a_long_text_cut_within_a_letter_is_text(self):
        assert kinds.sniff(("a" * 4093 + "ää").encode()[:4096]) == "text/plain"

    @pytest.mark.parametrize("content", [b"a\x00b", b"  <html>", b"\xff\xfe\x00", b"\x01\x02", b""])
    def test_what_is_no_text(self, content):
        assert kinds.sniff(content) == ""

    @pytest.mark.parametrize(
        ("typed", "shown"),
        [
            ("a/b\\c.png", "c.png"),
            ("\u202egnp.exe", "gnp.png"),
            ("a\r\nX: b.png", "aX: b.png"),
            (".htaccess", "file.png"),
            ("", "file.png"),
            ("x" * 300, "x" * 100 + ".png"),
            ("cat.png.exe", "cat.png.png"),
        ],
    )
    def test_names(self, typed, shown):
        assert services.display_name(typed, "image/png") == shown

    def test_a_kind_of_ones_own(self, ada, monkeypatch):
        monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))
        uploads.register_kind(UploadKind("avatar", frozenset({"image/png"}), max_side=16))
        assert uploads.store(file(), owner=ada, kind="avatar").width == 16
        with pytest.raises(Refused):
            uploads.store(file(picture("JPEG")), owner=ada, kind="avatar")
        with pytest.raises(ValueError, match="recognise"):
            uploads.register_kind(UploadKind("film", frozenset({"video/mp4"})))


class SeenByAda:
    def may_see(self, person, target):
        seen = getattr(person, "username", "") == "ada"
        return Verdict.yes() if seen else Verdict.no("x", "")


class TestWhoMayFetch:
    def may(self, person, upload):
        try:
            return uploads.get_visible(person, upload.pk) == upload
        except NotFound:
            return False

    def test_the_uploader_alone_at_first(self, ada, bo):
        upload = uploads.store(file(), owner=ada)
        assert self.may(ada, upload)
        assert not self.may(bo, upload) and not self.may(AnonymousUser(), upload)
        assert not self.may(None, upload)

    def test_everybody_when_public(self, ada):
        assert self.may(AnonymousUser(), uploads.store(file(), owner=ada, visibility="public"))

    def test_whoever_may_see_its_object(self, ada, bo, settings):
        settings.THREADFLOW_CORE = {"VISIBILITY": f"{__name__}.SeenByAda"}
        group = Group.objects.create(name="g")
        upload = uploads.store(file(), owner=bo, target=group)
        assert self.may(ada, upload)
        assert not self.may(bo, upload), "not even the uploader, once the object is out of sight"
        group.delete()
        assert not self.may(ada, upload)

    def test_nobody_when_its_package_is_gone(self, ada):
        upload = uploads.store(file(), owner=ada, target=Group.objects.create(name="g"))
        Upload.objects.update(target_type="gone.thing")
        assert not self.may(ada, upload)

    def test_attaching_hands_it_over_once(self, ada, bo):
        one, two = Group.objects.create(name="one"), Group.objects.create(name="two")
        mine = uploads.store(file(), owner=ada, visibility="target")
        other = uploads.store(file(), owner=bo)
        assert self.may(ada, mine)
        assert uploads.attach([mine.pk, other.pk, uuid.uuid4()], one, owner=ada) == 1
        assert uploads.attach([mine.pk], two, owner=ada) == 0
        assert list(Upload.objects.of(one)) == [mine]
        assert not self.may(ada, mine), "a group has no door"
        assert ports.visibility().may_see(ada, other).allowed is False

    def test_unknown_ids(self, ada):
        with pytest.raises(NotFound):
            uploads.get_visible(ada, uuid.uuid4())


class TestView:
    def get(self, upload, person=None, **headers):
        request = RequestFactory().get("/", **headers)
        request.user = person or AnonymousUser()
        return UploadView.as_view()(request, id=upload.pk)

    def test_an_image_is_harmless_wherever_it_is_opened(self, ada):
        upload = uploads.store(file(), owner=ada)
        response = self.get(upload, ada)
        assert b"".join(response.streaming_content) == stored(upload)
        assert response["Content-Type"] == "image/png"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert response["Content-Disposition"].startswith("inline")
        assert "private" in response["Cache-Control"] and "no-cache" in response["Cache-Control"]
        response.file_to_stream.close()

    def test_any_other_file_is_a_download(self, ada):
        upload = uploads.store(file(b"%PDF-1", "ä.pdf"), owner=ada, kind="file")
        response = self.get(upload, ada)
        assert response["Content-Disposition"].startswith("attachment")
        response.file_to_stream.close()

    def test_a_stranger_learns_nothing(self, ada):
        with pytest.raises(Http404):
            self.get(uploads.store(file(), owner=ada))

    def test_a_browser_that_has_it_is_told_so_after_rights_were_checked(self, ada):
        upload = uploads.store(file(), owner=ada)
        first = self.get(upload, ada)
        first.file_to_stream.close()
        again = self.get(upload, ada, HTTP_IF_NONE_MATCH=first["ETag"])
        assert again.status_code == 304
        with pytest.raises(Http404):
            self.get(upload, None, HTTP_IF_NONE_MATCH=first["ETag"])

    def test_nginx_may_send_it(self, ada, settings):
        settings.THREADFLOW_CORE = {"UPLOAD_ACCEL_PREFIX": "/internal/"}
        upload = uploads.store(file(), owner=ada)
        response = self.get(upload, ada)
        assert response["X-Accel-Redirect"] == f"/internal/{upload.file.name}"
        assert response["X-Content-Type-Options"] == "nosniff" and not response.content

    def test_a_file_that_is_lost(self, ada, media):
        upload = uploads.store(file(), owner=ada)
        (media / upload.file.name).unlink()
        with pytest.raises(Http404):
            self.get(upload, ada)

    def test_only_reading(self, ada):
        request = RequestFactory().post("/")
        assert UploadView.as_view()(request, id=uuid.uuid4()).status_code == 405


@pytest.mark.django_db(transaction=True)
class TestDeleting:
    def test_the_file_goes_by_a_job_after_commit(self, ada, media):
        upload = uploads.store(file(), owner=ada)
        path = media / upload.file.name
        with transaction.atomic():
            uploads.delete(upload)
            assert path.exists()
        assert not path.exists() and not Upload.objects.exists()

    def test_a_rollback_keeps_both(self, ada, media):
        upload = uploads.store(file(), owner=ada)
        with transaction.atomic():
            uploads.delete(upload)
            transaction.set_rollback(True)
        assert (media / upload.file.name).exists()

    def test_everything_of_a_person(self, ada, bo, media):
        for owner in (ada, ada, bo):
            uploads.store(file(), owner=owner)
        services.delete_all_of(ada)
        assert Upload.objects.get().owner == bo
        assert len([p for p in media.rglob("*") if p.is_file()]) == 1

    def test_what_never_found_its_text_is_deleted_after_a_day(self, ada):
        pending = uploads.store(file(), owner=ada, visibility="target")
        private = uploads.store(file(), owner=ada)
        Upload.objects.update(created_at=timezone.now() - timedelta(days=2))
        fresh = uploads.store(file(), owner=ada, visibility="target")
        assert utility_jobs.prune_uploads() == 1
        assert set(Upload.objects.all()) == {private, fresh}
        assert pending not in Upload.objects.all()


def test_the_queryset_door(ada, bo):
    mine = uploads.store(file(), owner=ada)
    public = uploads.store(file(), owner=bo, visibility="public")
    assert set(Upload.objects.visible_to(ada)) == {mine, public}
    assert set(Upload.objects.visible_to(AnonymousUser())) == {public}
    assert Upload.objects.bytes_of(ada) == mine.size


class TestAdmin:
    @pytest.fixture
    def staff(self, admin_client):
        return admin_client

    def test_reports_are_read_and_marked(self, staff, ada):
        group = Group.objects.create(name="g")
        ports.report(group, ada, "this is spam")
        url = "/admin/threadflow_core/report/"
        page = staff.get(url).content.decode()
        assert "this is spam" in page and f"/admin/auth/group/{group.pk}/change/" in page
        report = Report.objects.get()
        assert staff.get(f"{url}{report.pk}/change/").status_code == 200
        staff.post(url, {"action": "mark_handled", "_selected_action": [str(report.pk)]})
        report.refresh_from_db()
        assert report.handled_at is not None
        assert staff.get(f"{url}add/").status_code == 403

    def test_a_report_of_something_without_an_admin_page(self, staff):
        Report.objects.create(target_type="gone.thing", target_id="7", reason="x")
        assert "gone.thing 7" in staff.get("/admin/threadflow_core/report/").content.decode()

    def test_deleting_an_upload_deletes_its_file(
        self, staff, ada, media, django_capture_on_commit_callbacks
    ):
        one, two = uploads.store(file(), owner=ada), uploads.store(file(), owner=ada)
        url = "/admin/threadflow_core/upload/"
        assert staff.get(url).status_code == 200
        with django_capture_on_commit_callbacks(execute=True):
            staff.post(f"{url}{one.pk}/delete/", {"post": "yes"})
            chosen = {"action": "delete_selected", "_selected_action": [str(two.pk)], "post": "yes"}
            staff.post(url, chosen)
        assert not Upload.objects.exists()
        assert not [path for path in media.rglob("*") if path.is_file()]


def test_the_file_has_an_address(ada, client, settings):
    settings.ROOT_URLCONF = "threadflow_core.urls"
    upload = uploads.store(file(), owner=ada, visibility="public")
    response = client.get(f"/uploads/{upload.pk}/")
    assert response.status_code == 200 and response["X-Content-Type-Options"] == "nosniff"
