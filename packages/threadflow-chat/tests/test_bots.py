"""Bots: they stream, stop when told, and do not talk to each other for ever."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("channels", reason="live frames need Channels")


from threadflow_chat.services import bots, messages, rooms
from threadflow_core.exceptions import NotAllowed, ThreadflowError
from threadflow_core.realtime.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


async def test_f13_a_bot_streams_parts_and_ends_with_one_edit(
    sockets: Any, room: Any, ada: Any, bo: Any
) -> None:
    socket = await sockets(ada)
    await socket.follow(room.live_topic)

    def talk() -> Any:
        question = messages.send_message(author=ada, room=room, text="How?")
        with bots.answer(bot=bo, room=room, reply_to=question) as stream:
            for n in range(600):
                assert stream.write(f"w{n} ")
        return stream.message

    message = await in_thread(talk)
    found = await socket.all()
    parts = [frame for frame in found if frame["op"] == "bot.part"]
    assert 1 <= len(parts) <= 6 and parts[0]["text"].startswith("w0")
    begun = next(f for f in found if f["op"] == "msg.new" and f["id"] == str(message.pk))
    assert begun["bot"] is True and begun["streaming"] is True and begun["text"] == ""
    (ended,) = [frame for frame in found if frame["op"] == "msg.edit"]
    assert ended["streaming"] is False and ended["text"].startswith("w0 w1")
    assert [f["seq"] for f in found if "seq" in f] == sorted(f["seq"] for f in found if "seq" in f)


def test_bots_stop_when_told_and_do_not_talk_to_each_other_for_ever(
    room: Any, ada: Any, bo: Any, lead: Any, person: Any, say: Any, monkeypatch: Any, fresh: Any
) -> None:
    monkeypatch.setattr(bots, "LOOK_EVERY", 0.0)
    question = say(room)
    with bots.answer(bot=bo, room=room, reply_to=question) as stream:
        assert stream.write("One ")
        with pytest.raises(NotAllowed):
            bots.stop(person=person("cy"), message=stream.message)
        bots.stop(person=ada, message=stream.message)
        assert not stream.write("two ")
    answer = fresh(stream.message)
    assert (answer.source, answer.state, answer.metadata["cut"]) == ("One two", "visible", True)
    second = bots.send(bot=person("other"), room=room, text="Indeed", reply_to=answer)
    with pytest.raises(NotAllowed) as refused:
        bots.begin(bot=bo, room=room, reply_to=second)
    assert refused.value.code == "bot_depth"


def test_a_bot_that_breaks_leaves_what_it_said(room: Any, bo: Any, fresh: Any) -> None:
    with pytest.raises(ZeroDivisionError), bots.answer(bot=bo, room=room) as stream:
        stream.write("Half of ")
        _ = 1 / 0
    assert fresh(stream.message).source == "Half of"
    left = bots.begin(bot=bo, room=room)
    assert bots.close_unfinished(str(left.pk)) and not bots.close_unfinished(str(left.pk))
    assert fresh(left).metadata["cut"] is True
    assert bots.finish(message=left, text="Too late").source == ""


def test_bots_obey_slow_mode(room: Any, bo: Any, lead: Any) -> None:
    rooms.edit_room(editor=lead, room=room, slow_seconds=30)
    bots.send(bot=bo, room=room, text="One")
    with pytest.raises(ThreadflowError) as refused:
        bots.begin(bot=bo, room=room)
    assert refused.value.code == "slow_mode"
