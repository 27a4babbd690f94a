from __future__ import annotations

from ..model import Ban, S, T

SUB = S(
    slug="pens",
    title="Fountain pens",
    description="Ink, paper, nibs. A small place with long letters.",
    icon="pen-line",
    hue=4,
    about="Forty of us write to each other on paper, too. Ask a moderator for the round.",
    flairs=[("ink", "Ink", 3), ("nib", "Nib", 8)],
    rules=[
        ("No selling.", "There is a monthly thread, and it is long."),
        ("Show it on paper.", "Screens lie about ink."),
    ],
    people=["esme_t", "quill", "lutz"],
    mods=["quill"],
    bans=[
        Ban(
            name="bo",
            reason="Rule 1: two threads selling the same box of pens. See you in two weeks, with the box.",
            since=5,
            days=14,
        )
    ],
    size=70,
    threads=[
        T(
            author="quill",
            title="Iron gall on cheap paper: eight inks, eight weeks on a sunny windowsill",
            hours=66,
            flair="ink",
            score=58,
            body="""
| Ink | Week 0 | Week 8 |
|---|---|---|
| Registrar's blue | grey-blue | nearly black |
| School blue | blue | gone, politely |
| Walnut, home made | brown | brown, and it ate the pen |
""",
            talk="""
- esme_t 21: "Gone, politely."
- lutz 12: What did the walnut do, exactly?
  - quill 15: It had an opinion about steel.
- bo 4: My grandmother's recipe had a rusty nail in it. So the steel was expected.
  - quill 9: Your grandmother knew what she was doing. I only had walnuts and hope.
""",
        ),
        T(
            author="bo",
            title="Box of 30 school pens, 1960s, some with their owners' names. 5 each",
            hours=130,
            score=2,
            down=3,
            state="removed",
            reason="Rule 1: no selling. The monthly thread is open for this.",
            body="Collected from an office that closed. Happy to send photos.",
        ),
        T(
            author="esme_t",
            title="Left-handed, overwriting, and out of smudge-proof ideas",
            hours=22,
            flair="nib",
            score=31,
            body="I write from above, like a crab. Everything I love ends up on my sleeve.",
            talk="""
- quill 17: Extra fine, a dry ink, and absorbent paper. It's the paper that saves the sleeve; the cheaper
  the better.
  - esme_t 11: All this time I've been buying *better* paper.
    - quill 10: For your hand that is the wrong direction.
""",
        ),
    ],
)
