"""The way out: nothing inside can be reached, nothing endless can be made to last."""

from __future__ import annotations

import gzip
import socket
import ssl
import threading
import time
import zlib
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from threadflow_core import safehttp
from threadflow_core.safehttp import FetchFailed, Refused, fetch


class Site(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        getattr(self, self.path.split("?")[0].strip("/").replace("-", "_") or "page")()

    do_POST = do_GET

    def answer(self, body=b"hello", status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": "text/html; charset=utf-8", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def page(self):
        self.answer()

    def missing(self):
        self.answer(b"no", 404)

    def once(self):
        self.answer(b"", 302, Location="/page")

    def loop(self):
        self.answer(b"", 302, Location="/loop")

    def inside(self):
        self.answer(b"", 302, Location="http://internal.example/secret")

    def metadata(self):
        self.answer(b"", 301, Location="http://169.254.169.254/latest/meta-data/")

    def to_file(self):
        self.answer(b"", 302, Location="file:///etc/passwd")

    def large(self):
        self.answer(b"x" * (safehttp.MAX_BYTES + 1))

    def packed(self):
        self.answer(gzip.compress(b"hello"), Content_Encoding="gzip")

    def deflated(self):
        self.answer(zlib.compress(b"hello"), Content_Encoding="deflate")

    def bomb(self):
        self.answer(gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")

    def brotli(self):
        self.answer(b"??", Content_Encoding="br")

    def broken(self):
        self.answer(b"not gzip", Content_Encoding="gzip")

    def endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 65536)
        except OSError:
            pass

    def drip(self):
        self.send_response(200)
        self.end_headers()
        self._drip(b"x")

    def drip_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-A: ")
        self._drip(b"a")

    def _drip(self, byte):
        try:
            for _ in range(3_000):
                self.wfile.write(byte)
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass

    def silent(self):
        self.server.stop.wait(60)


@pytest.fixture
def site():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    server.seen, server.stop = [], threading.Event()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    server.port = server.server_address[1]
    server.permit = frozenset({("127.0.0.1", server.port)})
    yield server
    server.stop.set()
    server.shutdown()
    server.server_close()


def names(host):
    known = {"good.example": ["127.0.0.1"], "internal.example": ["10.0.0.5"]}
    return known.get(host, [host])


def get(site, path, **more):
    more.setdefault("resolver", names)
    url = f"http://good.example:{site.port}{path}"
    return fetch(url, unsafe_permit=site.permit, **more)


class TestWhatIsFetched:
    def test_a_page(self, site):
        found = get(site, "/page?a=b c".replace(" ", "%20"))
        assert (found.status, found.body, found.content_type) == (200, b"hello", "text/html")
        path, headers = site.seen[0]
        assert path == "/page?a=b%20c"
        assert headers["Host"] == f"good.example:{site.port}"
        assert headers["Accept-Encoding"] == "identity"

    def test_an_error_is_an_answer_too(self, site):
        assert get(site, "/missing").status == 404

    def test_a_redirect_is_followed(self, site):
        found = get(site, "/once")
        assert found.body == b"hello" and found.url.endswith("/page")

    @pytest.mark.parametrize("path", ["/packed", "/deflated"])
    def test_packed_bodies(self, site, path):
        assert get(site, path).body == b"hello"

    def test_a_post(self, site):
        assert get(site, "/page", method="POST", body=b"x", headers={"X-A": "b"}).status == 200
        assert site.seen[0][1]["X-A"] == "b"

    def test_a_post_is_not_redirected(self, site):
        with pytest.raises(FetchFailed):
            get(site, "/once", method="POST", body=b"x")

    def test_letters_that_are_not_ascii(self, site):
        def resolver(host):
            assert host == "xn--bcher-kva.example"
            return ["127.0.0.1"]

        url = f"http://bücher.example:{site.port}/page?q=ä"
        assert fetch(url, resolver=resolver, unsafe_permit=site.permit).status == 200
        assert site.seen[0][0] == "/page?q=%C3%A4"


class TestWhereItMayGo:
    @pytest.mark.parametrize(
        "address",
        [
            *("0.0.0.1", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254"),
            *("172.16.0.1", "172.31.255.255", "192.0.0.8", "192.168.1.1", "198.18.0.1"),
            *("192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1"),
            *("224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
            *("::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "::ffff:0:7f00:1"),
            *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "2002:7f00:1::", "100::1"),
            *("2001::1", "2001:db8::1", "3fff::1", "fc00::1", "fd12::1", "fe80::1", "fec0::1"),
            *("ff02::1", "5f00::1"),
        ],
    )
    def test_not_inside(self, address):
        assert not safehttp.is_public(address)
        with pytest.raises(Refused) as refused:
            fetch("http://x.example/", resolver=lambda host: [address])
        assert refused.value.status == 422

    @pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450::1"])
    def test_outside(self, address):
        assert safehttp.is_public(address)

    def test_one_private_address_among_public_ones_is_enough_to_refuse(self):
        with pytest.raises(Refused):
            fetch("http://x.example/", resolver=lambda host: ["8.8.8.8", "10.0.0.1"])

    @pytest.mark.parametrize(
        "url",
        [
            *("file:///etc/passwd", "gopher://e.example/", "ftp://e.example/", "//e.example/"),
            *("", "http://", "http:///x", "javascript:alert(1)", "http://e.example:22/"),
            *("http://e.example:8080/", "http://e.example:99999/", "http://e.example:x/"),
            *("http://u:p@e.example/", "http://u@e.example/", "http://e.example\\@x.example/"),
            *("http://e.example/ x", "http://e.example/\r\nX: y", "http://e\x00.example/"),
            *("http://" + "a" * 64 + ".example/", "http://[::1", "http://e..example/"),
        ],
    )
    def test_addresses_that_are_none(self, url):
        with pytest.raises(Refused):
            fetch(url, resolver=lambda host: ["8.8.8.8"])

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "0"],
    )
    def test_numbers_in_disguise(self, host):
        """However an address is written, what it resolves to is what counts."""
        with pytest.raises((Refused, FetchFailed)):
            fetch(f"http://{host}/", resolver=resolve_numbers)

    @pytest.mark.parametrize("path", ["/inside", "/metadata", "/to-file"])
    def test_a_redirect_is_checked_anew(self, site, path):
        with pytest.raises(Refused):
            get(site, path)

    def test_a_name_is_resolved_once_and_that_address_is_used(self, site):
        answers = iter([["127.0.0.1"], ["10.0.0.1"]])
        found = get(site, "/page", resolver=lambda host: next(answers))
        assert found.status == 200
        assert next(answers) == ["10.0.0.1"], "asked once"

    def test_the_permission_of_a_test_is_for_one_port(self, site):
        with pytest.raises(Refused):
            fetch("http://good.example/", resolver=names, unsafe_permit=site.permit)

    def test_a_name_that_is_unknown(self):
        def resolver(host):
            raise socket.gaierror

        with pytest.raises(FetchFailed):
            fetch("http://nowhere.example/", resolver=resolver)
        with pytest.raises(FetchFailed):
            fetch("http://nowhere.example/", resolver=lambda host: [])


def resolve_numbers(host):
    """What the system's resolver makes of written numbers, without asking anybody."""
    try:
        return [socket.inet_ntoa(socket.inet_aton(host))]
    except OSError:
        return [host]


class TestHowLongAndHowMuch:
    @pytest.mark.parametrize("path", ["/large", "/endless", "/bomb"])
    def test_no_more_than_the_bound(self, site, path):
        with pytest.raises(FetchFailed) as failed:
            get(site, path)
        assert failed.value.code == "fetch_too_large"

    @pytest.mark.parametrize("path", ["/drip", "/drip-headers", "/silent"])
    def test_no_longer_than_the_deadline(self, site, path):
        began = time.monotonic()
        with pytest.raises(FetchFailed) as failed:
            get(site, path, timeout=0.4)
        assert failed.value.code == "fetch_timeout"
        assert time.monotonic() - began < 20

    def test_a_slow_resolver_is_not_waited_for(self):
        let_go = threading.Event()

        def resolver(host):
            let_go.wait(60)
            return []

        began = time.monotonic()
        with pytest.raises(FetchFailed):
            fetch("http://x.example/", resolver=resolver, timeout=0.2)
        let_go.set()
        assert time.monotonic() - began < 20

    def test_not_for_ever_in_circles(self, site):
        with pytest.raises(FetchFailed) as failed:
            get(site, "/loop")
        assert failed.value.code == "fetch_redirected"
        assert len(site.seen) == 4

    @pytest.mark.parametrize("path", ["/brotli", "/broken"])
    def test_what_cannot_be_unpacked(self, site, path):
        with pytest.raises(FetchFailed):
            get(site, path)

    def test_nobody_listens(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        permit = frozenset({("127.0.0.1", port)})
        with pytest.raises(FetchFailed):
            fetch(f"http://good.example:{port}/", resolver=names, unsafe_permit=permit)


class TestTLS:
    """https to the pinned address, under the name that was asked for."""

    @pytest.fixture
    def secure(self, site, tmp_path, monkeypatch):
        x509 = pytest.importorskip("cryptography.x509")
        certificate, key = self_signed(x509, "good.example")
        (tmp_path / "cert.pem").write_bytes(certificate)
        (tmp_path / "key.pem").write_bytes(key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        site.socket = context.wrap_socket(site.socket, server_side=True)
        self.trusted = str(tmp_path / "cert.pem")
        return site

    def get(self, site, host):
        return fetch(
            f"https://{host}:{site.port}/page",
            resolver=lambda host: ["127.0.0.1"],
            unsafe_permit=site.permit,
        )

    def test_a_certificate_that_nobody_vouches_for(self, secure):
        with pytest.raises(FetchFailed):
            self.get(secure, "good.example")

    def test_the_certificate_must_be_for_the_name(self, secure, monkeypatch):
        monkeypatch.setenv("SSL_CERT_FILE", self.trusted)
        assert self.get(secure, "good.example").body == b"hello"
        with pytest.raises(FetchFailed):
            self.get(secure, "other.example")


def self_signed(x509, name):
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(pem), private
