"""The chat of a thread for a program: a token, a ticket, a plain WebSocket, no cookie."""

from __future__ import annotations

import json
import secrets
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

AUTH = "/_allauth/app/v1/auth/login"
#: As the demo prints it.
PASSWORD = "threadflow"


class Program:
    """An API client of one person."""

    def __init__(self, address: str, name: str) -> None:
        self.address = address
        self.token = ""
        answer = self.send("POST", AUTH, {"username": name, "password": PASSWORD})
        self.token = answer["meta"]["access_token"]

    def send(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.address + path, data=data, headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def ticket(self) -> str:
        return str(self.send("POST", "/api/v1/chat/ws-ticket/")["ticket"])


class Line:
    """One socket on `ws/chat/<thread id>/`."""

    def __init__(self, ws: ClientConnection, ticket: str, topics: Any = ()) -> None:
        self.ws = ws
        #: Of the topic; one that nothing was said in yet gets it with its first event.
        self.epoch = ""
        self.push(op="hello", v=1, ticket=ticket, topics=list(topics))

    def push(self, **frame: Any) -> None:
        self.ws.send(json.dumps(frame))

    def get(self, *ops: str, **fields: Any) -> dict[str, Any]:
        """The next frame with one of these ops and these fields; what comes between is left."""
        while True:
            frame: dict[str, Any] = json.loads(self.ws.recv(timeout=5))
            self.epoch = frame.get("epoch") or self.epoch
            if frame["op"] in ops and fields.items() <= frame.items():
                return frame

    def ask(self, op: str, **fields: Any) -> dict[str, Any]:
        self.push(op=op, i=op, **fields)
        return self.get("ack", "ok", "err", i=op)

    def cut(self) -> None:
        """End the connection as a lost network does: without a word."""
        self.ws.socket.close()


Join = Callable[..., Line]


@pytest.fixture
def join(address: str) -> Iterator[Join]:
    """`join(thread, ticket, topics)`: a socket that is closed after the test."""
    with ExitStack() as stack:

        def make(thread: str, *given: Any) -> Line:
            url = f"{address.replace('http', 'ws')}/ws/chat/{thread}/"
            protocol: Any = "threadflow.v1.json"
            return Line(stack.enter_context(connect(url, subprotocols=[protocol])), *given)

        yield make


def test_join_send_receive_edit_and_resume_by_a_token(address: str, join: Join) -> None:
    ada, mod = Program(address, "ada"), Program(address, "mod")
    thread = ada.send("GET", "/api/v1/threads/")["results"][0]["id"]

    mine, theirs = (join(thread, who.ticket()) for who in (ada, mod))
    assert mine.get("welcome")["user"]
    joined = mine.get("subd")
    topic, room = joined["topic"], joined["topic"].removeprefix("room:")
    assert "write" in joined["me"]["can"]
    assert theirs.get("subd")["topic"] == topic

    nonce = secrets.token_hex(8)
    sent = mine.ask("msg.send", room=room, nonce=nonce, text="A *first* word")
    assert (sent["op"], sent["nonce"]) == ("ack", nonce)
    heard = theirs.get("msg.new", id=sent["id"])
    assert heard["author"]["handle"] == "ada" and "<em>first</em>" in heard["html"]

    assert mine.ask("msg.edit", id=sent["id"], ver=heard["ver"], text="A second")["op"] == "ok"
    edited = theirs.get("msg.edit", id=sent["id"])
    assert edited["text"] == "A second" and edited["seq"] > heard["seq"]

    theirs.cut()
    missed = [mine.ask("msg.send", room=room, nonce=f"{nonce}{n}", text=f"Away {n}")
              for n in range(3)]  # fmt: skip
    assert mine.ask("msg.del", id=missed[1]["id"])["op"] == "ok"
    again = {"topic": topic, "since": edited["seq"], "epoch": theirs.epoch}
    resumed = join(thread, mod.ticket(), [again]).get("subd")
    assert resumed["mode"] == "resume"
    told = [(event["op"], event["id"]) for event in resumed["ev"] if "id" in event]
    assert [pair for pair in told if pair[0] == "msg.del"] == [("msg.del", missed[1]["id"])]
    assert [one for op, one in told if op == "msg.new"] == [one["id"] for one in missed]
    texts = [event.get("text") for event in resumed["ev"] if event["op"] == "msg.new"]
    assert texts == ["Away 0", None, "Away 2"]  # what was taken back shows no word
    seqs = [event["seq"] for event in resumed["ev"]]
    assert seqs == list(range(edited["seq"] + 1, resumed["seq"] + 1))

    shown = ada.send("GET", f"/api/v1/chat/rooms/{room}/messages/")["results"]
    assert [one["text"] for one in shown if one["id"] == missed[0]["id"]] == ["Away 0"]


def test_a_ticket_is_good_for_one_socket_and_only_for_threads_that_are_there(
    address: str, join: Join
) -> None:
    ada = Program(address, "ada")
    thread = ada.send("GET", "/api/v1/threads/")["results"][0]["id"]
    ticket = ada.ticket()
    join(thread, ticket).get("subd")
    used = join(thread, ticket)
    with pytest.raises(ConnectionClosed):
        used.get("subd")
    assert used.ws.close_code == 4500
    hidden = join("0" * 8, ada.ticket()).get("err")
    assert hidden["topic"] == "room:nowhere"
