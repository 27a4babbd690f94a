from __future__ import annotations

from ..model import S, T

SUB = S(
    slug="almanac",
    title="Almanac",
    description="First flower, last frost, first swift. Observers post, everybody reads and answers.",
    icon="calendar-days",
    hue=1,
    visibility="restricted",
    about="""
Posting is for observers with a fixed place and a notebook; ask the moderators to become one. Anybody
may comment.
""",
    flairs=[("first", "First", 1), ("last", "Last", 8), ("table", "Table", 2)],
    rules=[
        ("One place, every year.", ""),
        ("The date that you saw it, not the date you wrote it.", ""),
    ],
    people=["maren", "noor", "sunniva", "halvard"],
    mods=["maren"],
    size=150,
    threads=[
        T(
            author="sunniva",
            title="Last swift 11 August, first fieldfare 2 October: ten years of gaps",
            hours=41,
            flair="table",
            score=74,
            saved=["ada"],
            body="""
| Year | Last swift | First fieldfare | Days of nobody |
|---|---|---|---:|
| 2016 | 3 August | 9 October | 67 |
| 2019 | 5 August | 7 October | 63 |
| 2022 | 9 August | 4 October | 56 |
| 2025 | 11 August | 2 October | 52 |

The gap shrinks from both ends. I call it the days of nobody, although the robin objects.
""",
            talk="""
- maren 26: Same direction here, four days less steep. Send me the other six years?
  - sunniva 18: Sent. 2018 is from my neighbour's notebook, he drew the swift.
- jun 9: How sure is one of the *last* swift? You only know the day after.
  - sunniva 21: Ten days without one, then I write down the date of the one I didn't know was it.
    - grainne 30: That's a poem and you've put it into a methods section.
""",
        ),
        T(
            author="halvard",
            title="Ice on the reservoir: 9 November, at the inlet, thick enough for a stone but not for a goose",
            hours=13,
            flair="first",
            score=52,
            body="Eleven days earlier than the median. The goose was surprised as well.",
            talk="""
- noor 14: Goose-bearing ice should be a unit.
  - halvard 17: 3.5 cm for a standing goose. I don't have data for a running one.
""",
        ),
    ],
)
