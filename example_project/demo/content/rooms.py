"""Rooms of the demo and what is said in them, written down like a transcript.

Each line is `minutes ago, name: text`; an indented line goes on with the text above it. Flags
stand before the name: `> ` answers the message before, `! ` pins the message. Reactions follow
in braces: `{👍 hanneke jun}`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

LINE = re.compile(r"(\d+) (> |! )?([\w.-]+): (.*?)((?: \{\S+ [^}]*\})*)$")
REACT = re.compile(r"\{(\S+) ([^}]*)\}")


@dataclass(frozen=True)
class Said:
    minutes: int
    name: str
    text: str
    answers: bool = False
    pinned: bool = False
    reactions: list[tuple[str, list[str]]] = field(default_factory=list)


@dataclass(frozen=True)
class R:
    """A room: of the sub `sub`, of its first thread whose title begins with `thread`, a direct
    one of two `people`, or a group with a `title`. `read` says up to which message from the end
    the people of the demo have read."""

    log: str
    sub: str = ""
    thread: str = ""
    people: tuple[str, ...] = ()
    title: str = ""
    topic: str = ""
    slow: int = 0
    unread: dict[str, int] = field(default_factory=dict)

    def said(self) -> list[Said]:
        found = []
        for line in self.log.strip().splitlines():
            match = LINE.match(line.strip())
            if match is None:
                raise ValueError(f"No line of a room: {line!r}")
            minutes, flag, name, text, reactions = match.groups()
            marks = [(emoji, names.split()) for emoji, names in REACT.findall(reactions)]
            found.append(Said(int(minutes), name, text, flag == "> ", flag == "! ", marks))
        return found


ROOMS = [
    R(
        sub="breadmaking",
        topic="Live while it rises. Say your kitchen temperature first.",
        unread={"ada": 5},
        log="""
        1502 ! odile: Say your kitchen temperature before asking why. It saves everyone ten messages. {👍 wren hanneke ada}
        1490 tomasz: Tub, jar, probe. All three say 26.1. I am ready for science. {😂 odile pilar.v}
        1483 wren: For the bake-along: put the oven temperature in the caption, please. Last week we had forty beautiful loaves and no data. {👍 hanneke jun tomasz ada odile}
        1461 pilar.v: Sack 0841 update: 75% water, 5 h 40 at 24 °C, and it **stood up**. {🎉 ada hanneke odile wren}
        1460 pilar.v: I cried a little. It is fine.
        310 ada: Does anyone weigh the tub, or only the dough?
        305 > hanneke: Tub once, with a marker on the lid. Then I never think about it again. {👍 ada}
        299 ada: That is embarrassingly sensible.
        52 jun: Is anyone else’s new-crop flour this eager? Mine doubled during lunch. Same starter, same fridge, 23 °C in here.
        51 jun: Also: at what point is it no longer bread but soup
        49 > hanneke: When you need a ladle to shape it. Before that it is ciabatta. {😂 jun odile tomasz pilar.v}
        47 jun: Cutting the bulk by a fifth next time. Will report.
        12 odile: @ada you had the scales that read to 0.1 g, no? Which model was it?
        """,
    ),
    R(
        sub="citycycling",
        topic="Routes, repairs, and the council on Thursdays.",
        slow=10,
        log="""
        2880 lutz: The underpass is open again. Wet, but open. {🎉 ada hanneke}
        2875 ada: With the lamps on?
        2871 > lutz: With *half* the lamps on, which is twice what we had.
        640 mod: Council meets at 19:00 tomorrow. Agenda item 7 is ours. {👀 ada lutz}
        """,
    ),
    R(
        sub="breadmaking",
        thread="",
        title="",
        unread={"ada": 2},
        topic="",
        log="""
        95 hanneke: Sitting here with a dough that spreads. Anybody at the oven right now?
        92 mirela_k: Me. Hold it ten minutes in the fridge on the board, then bake.
        88 > hanneke: It held! Twelve minutes, and it went up instead of out. {🎉 mirela_k ada}
        31 mirela_k: Put the photo in the thread when it is cut.
        """,
    ),
    R(
        people=("ada", "hanneke"),
        unread={"ada": 1},
        log="""
        4300 hanneke: You left your banneton here after the bake-along. It has a new life as a hat stand.
        4290 ada: I wondered. Keep it until Sunday?
        4288 > hanneke: It likes it here. Sunday then.
        22 hanneke: Sunday still good? I can bring the 0841 flour too.
        """,
    ),
    R(
        people=("ada", "odile", "wren"),
        title="Bake-along planning",
        log="""
        5800 wren: Theme for next month: anything with rye.
        5790 odile: Rye is fine, but then we need a page about why it never rises like wheat.
        5782 > ada: I can write that one. Give me until Friday. {🙏 odile wren}
        """,
    ),
]
#: Which of the rooms hangs on the first thread of its sub.
OF_THREAD = 2
