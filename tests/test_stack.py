"""The whole site on real processes: two web servers, a worker, PostgreSQL and Redis."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

psycopg = pytest.importorskip("psycopg", reason="needs the PostgreSQL driver")
redis = pytest.importorskip("redis", reason="needs the Redis client")

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "example_project"
ADMIN = os.environ.get("DATABASE_URL") or "postgres://postgres@127.0.0.1:5432/postgres"
REDIS = os.environ.get("REDIS_URL") or "redis://127.0.0.1:6379/0"
PREPARE = """
import json
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.cached_db import SessionStore
from threadflow_forum.services import subs, threads

told = {}
for name in ("stack_ada", "stack_bo"):
    user = get_user_model().objects.create_user(name, f"{name}@example.org", "x")
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    session = SessionStore()
    session["_auth_user_id"] = str(user.pk)
    session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
    session["_auth_user_hash"] = user.get_session_auth_hash()
    session.save()
    told[name] = session.session_key
    if name == "stack_ada":
        sub = subs.open_sub(founder=user, slug="stack", title="Stack")
        thread = threads.post_thread(author=user, sub=sub, title="Everybody at once")
        told |= {"url": thread.get_absolute_url(), "topic": thread.topic, "id": thread.public_id}
print(json.dumps(told))
"""


def missing(what: str, why: str) -> None:
    required = os.environ.get("REQUIRE", "").replace(" ", "").split(",")
    (pytest.fail if what in required else pytest.skip)(f"{what}: {why}")


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """The address of an empty database."""
    name = f"threadflow_stack_{secrets.token_hex(4)}"
    try:
        admin = psycopg.connect(ADMIN.replace("postgres://", "postgresql://"), autocommit=True)
    except psycopg.Error as error:
        missing("postgres", str(error))
    admin.execute(f'CREATE DATABASE "{name}"')
    yield f"{ADMIN.rsplit('/', 1)[0]}/{name}"
    admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    admin.close()


@pytest.fixture(scope="module")
def env(database: str, tmp_path_factory: Any) -> dict[str, str]:
    try:
        redis.Redis.from_url(REDIS, socket_connect_timeout=1).ping()
    except redis.RedisError as error:
        missing("redis", str(error))
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "threadflow_site.settings",
        "DATABASE_URL": database,
        "REDIS_URL": REDIS,
        "JOBS_DRIVER": "worker",
        "THREADFLOW_ENV": "development",
        "THREADFLOW_VAR": str(tmp_path_factory.mktemp("var")),
        "SECRET_KEY": secrets.token_hex(32),
    }


@pytest.fixture(scope="module")
def told(env: dict[str, str]) -> dict[str, str]:
    """Session keys of two people, and a thread."""
    for command in (["migrate", "-v", "0"], ["createcachetable"]):
        manage(env, *command)
    return json.loads(manage(env, "shell", "-v", "0", "-c", PREPARE).splitlines()[-1])


def manage(env: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=EXAMPLE,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Browser:
    """Sends the cookies of one person; nobody's without a session."""

    def __init__(self, port: int, session: str = "") -> None:
        self.port = port
        self.cookies = {"sessionid": session} if session else {}

    def open(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body)
        if self.cookies:
            pairs = (f"{name}={value}" for name, value in self.cookies.items())
            request.add_header("Cookie", "; ".join(pairs))
        try:
            with urllib.request.build_opener(Stay).open(request, timeout=60) as answer:
                return self._read(answer)
        except urllib.error.HTTPError as error:
            return self._read(error)

    def _read(self, answer: Any) -> tuple[int, str]:
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _equals, value = line.split(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, answer.read().decode()

    def token(self, path: str) -> str:
        page = self.open(path)[1]
        return re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@pytest.fixture
def start(env: dict[str, str], told: dict[str, str]) -> Iterator[Callable[..., Any]]:
    """`start("web")` gives the port and the process of a server, `start("worker")` a process."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(kind: str) -> Any:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        commands = {
            "web": ["uvicorn", "threadflow_site.asgi:application", "--port", str(port)],
            "worker": ["django", "threadflow_worker"],
        }
        quiet = ["--log-level", "error"] if kind == "web" else []
        process = subprocess.Popen(
            [sys.executable, "-m", *commands[kind], *quiet],
            cwd=EXAMPLE,
            env={**env, "PYTHONPATH": str(EXAMPLE)},
            stdout=subprocess.DEVNULL,
        )
        started.append(process)
        if kind == "worker":
            return process
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, "the server")
        return port, process

    yield begin
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def until(condition: Callable[[], Any], what: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not come within {seconds} s"
        time.sleep(0.05)


async def heard(port: int, topic: str, session: str, act: Callable[[], Any]) -> dict[str, Any]:
    """The first frame that somebody with the thread open gets after `act`."""
    from websockets.asyncio.client import connect

    async with connect(
        f"ws://127.0.0.1:{port}/ws/v1/",
        origin=f"http://127.0.0.1:{port}",
        subprotocols=["threadflow.v1.json"],
        additional_headers={"Cookie": f"sessionid={session}"},
    ) as ws:
        await ws.send(json.dumps({"op": "hello", "v": 1, "topics": [{"topic": topic}]}))
        welcome = json.loads(await ws.recv())
        assert welcome["user"], "the cookie of the page signs the socket in"
        assert json.loads(await ws.recv())["op"] == "subd"
        await asyncio.to_thread(act)
        return json.loads(await asyncio.wait_for(ws.recv(), 60))


@pytest.mark.postgres
@pytest.mark.redis
async def test_what_one_server_takes_the_other_shows(start: Any, told: dict[str, str]) -> None:
    (left, first), (right, _second) = start("web"), start("web")
    start("worker")
    url = told["url"]
    ada, bo = Browser(left, told["stack_ada"]), Browser(right, told["stack_bo"])
    guests = [Browser(left), Browser(right)]
    for guest in guests:  # both servers, and Redis, now hold the page of guests
        status, page = guest.open(url)
        assert status == 200 and "Said on the left" not in page
        assert not guest.cookies
    token = ada.token(url)

    def say() -> None:
        form = {"body": "Said on the left", "csrfmiddlewaretoken": token}
        assert ada.open(f"/threads/{told['id']}/-/reply/", form)[0] == 303

    frame = await heard(right, told["topic"], told["stack_bo"], say)
    assert frame["op"] == "comment.new" and "Said on the left" in frame["html"]
    for guest in guests:
        assert "Said on the left" in guest.open(url)[1]

    token = bo.token(url)
    vote = {"value": "1", "csrfmiddlewaretoken": token}
    assert bo.open(f"/comments/{frame['comment']}/-/vote/", vote)[0] == 303
    until(lambda: karma(guests[1]) == 1, "the karma by the worker")

    first.send_signal(signal.SIGKILL)
    assert bo.open(url)[0] == 200
    frame = await heard(right, told["topic"], told["stack_bo"], lambda: reply(bo, told, url))
    assert "One server less" in frame["html"]


def karma(guest: Browser) -> int:
    """The karma of the person who wrote, as the API tells everybody."""
    return int(json.loads(guest.open("/api/v1/users/stack_ada/")[1])["karma"])


def reply(browser: Browser, told: dict[str, str], url: str) -> None:
    form = {"body": "One server less", "csrfmiddlewaretoken": browser.token(url)}
    assert browser.open(f"/threads/{told['id']}/-/reply/", form)[0] == 303
