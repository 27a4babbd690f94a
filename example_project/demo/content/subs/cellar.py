from __future__ import annotations

from ..model import S, T

SUB = S(
    slug="cellar",
    title="The cellar",
    description="Cider, perry and cheese, among people who have tasted each other's mistakes.",
    icon="lock",
    hue=7,
    visibility="private",
    about="Twelve of us and a key under the third pot. What is said about a vintage stays here.",
    rules=[("Taste first, then read the label.", ""), ("What is said here stays here.", "")],
    people=["ada", "grainne", "tomasz", "fenwick", "abiodun", "hanneke"],
    mods=["grainne"],
    asks=["bo", "kestrel"],
    size=0,
    threads=[
        T(
            author="grainne",
            title="The 2024 perry: I think we should admit it",
            hours=46,
            score=9,
            votes={"ada": 1},
            news={"ada": 2},
            body="""
It's vinegar. It is *good* vinegar, and it's forty litres of it. Nobody outside this room needs to know
that it was supposed to be the good year.
""",
            talk="""
- tomasz 8: I thought so in March and said "bright".
  - grainne 7: We all said "bright". I have the notes. Six people, one word.
- ada 6: Bottle it small, call it that, give it away at Christmas. I'll draw a label.
  - fenwick 5: "Bright, 2024."
- abiodun 4: The barrel has to leave the room, though. It'll teach the others.
  - grainne 6: It left this morning, under a blanket, like a relative.
""",
        ),
        T(
            author="fenwick",
            title="Humidity again: 91% by the door, 74% at the back",
            hours=15,
            score=5,
            body="The rinds by the door are weeping. A fan, or do we move the shelf?",
            talk="""
- hanneke 4: Move the shelf. A fan only spreads the blame.
""",
        ),
        T(
            author="abiodun",
            title="Who has the key?",
            hours=5,
            score=3,
            body="It isn't under the third pot. There is now no third pot.",
        ),
    ],
)
