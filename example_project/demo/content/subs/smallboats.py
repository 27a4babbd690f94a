from __future__ import annotations

from ..model import S, T

REEF = T(
    author="calder",
    title="Trailing-edge reefing for a one-person crew: lines, leads and the knot that jams",
    hours=120,
    flair="rig",
    score=132,
    down=3,
    news={"ada": 0},
    saved=["ada"],
    body="""
Sixteen-foot lugger, one person, no winch. I wanted to reef without leaving the tiller, so both reef lines
run down the leech to cheek blocks and forward along the boom to clam cleats.

It takes eleven seconds. It took forty when the stopper at the clew was a figure-eight, which pulls itself
into a stone when wet. A *double overhand with a tail* doesn't.
""",
    talk="""
- ronan 38: How much friction in the cheek blocks with wet 5 mm line?
  - calder 29: Enough that I ease the halyard first, always. If I forget, the boom tells me.
    - ronan 17: With the usual accent?
      - calder 20: On the usual ear.
- elin 24: Clam cleats on a boom have taken a piece of my elbow. Fairleads over them, please, for the sake of
  the next person to go forward in a hurry.
  - calder 15: Ordered. And sorry about the elbow.
- ada 13: Eleven seconds with gloves on?
  - calder 18: Fourteen. I went out and measured because you asked, and it rained, so thank you.
- sunniva 9: A drawing would help those of us who think in pictures.
  - calder 12: There's one behind lugger.example/reef, with coffee on it.
""",
)

LAYUP = T(
    author="sunniva",
    title="Laying-up thread: what did you find when you took the floorboards out?",
    hours=34,
    flair="winter",
    score=76,
    pinned=True,
    news={"ada": 6},
    body="I'll start. One sandwich, 2024, in its box, with my name on it.",
    talk="""
- elin 41: The other oarlock. I have bought three other oarlocks since.
- ronan 29: A crack in the second plank, as long as my hand. I'm glad and I'm not.
  - calder 22: Clean it, dry it for a month, then look again. Half of them close, and the other half you
    then fix for the right length.
    - ronan 15: Turned the heater to the boat and moved into the kitchen.
- goran 18: Fourteen clothes pegs. We do not have a washing line aboard.
  - sunniva 16: You had one *before* the pegs.
- elin 11: Also a very small crab, alive, who has been returned with apologies.
- ada 9: A pencil with teeth marks that aren't mine.
""",
)

ENGINE = T(
    author="ronan",
    title="Electric outboard, two seasons: the numbers, and the evening when I rowed home",
    hours=58,
    flair="engine",
    score=187,
    down=11,
    body="""
1 kW at the shaft, 1.2 kWh of battery, 4.2 m clinker boat, two people and usually a dog.

| Speed | Draw | Range on paper | Range as sailed |
|---:|---:|---:|---:|
| 2.5 kn | 140 W | 21 nm | 19 nm |
| 3.5 kn | 390 W | 10.8 nm | 9 nm |
| 4.4 kn | 1,000 W | 5.3 nm | 4 nm |

The evening: head wind, cold battery, full throttle, optimism. The gauge went from 31% to "no". I rowed
the last mile and it was, I'm sorry to say, lovely.
""",
    talk="""
- calder 42: "Full throttle, optimism" is a complete accident report.
- sunniva 23: Did you find the gauge any better in the second season? Mine counts down honestly until 30
  and then falls off a cliff.
  - ronan 20: It's voltage-based. I put a shunt in, 25 €, and now it's boring and right.
- goran 8 (down 14): Petrol would have brought you home.
  - ronan 31: It would. So did the oars, and they start first time.
""",
)

PAINT = T(
    author="elin",
    title="Nobody told me how long linseed paint takes to dry in October, so I'm telling you: eleven days",
    hours=88,
    flair="winter",
    score=64,
    body="Per coat. I have read three books and a swan.",
    talk="""
- zofia 19: Thin coats, wind, and ultraviolet light. In October you get one of the three.
- sunniva 14: What did the swan say?
  - elin 22: To wait for May.
""",
)

SUB = S(
    slug="smallboats",
    title="Small boats",
    description="Under seven metres, one or two people, no marina. Sails, oars, glue.",
    icon="sailboat",
    hue=2,
    about="Draw it if you can. Tell the length, the wind and who was steering.",
    flairs=[
        ("rig", "Rig", 2),
        ("engine", "Engine", 8),
        ("winter", "Laying-up", 5),
        ("trip", "Trip", 1),
    ],
    rules=[("Lifejackets are not a debate.", ""), ("Say the wind.", "In knots or in honesty.")],
    people=["ada", "calder", "ronan", "elin", "sunniva"],
    mods=["sunniva"],
    size=240,
    threads=[REEF, LAYUP, ENGINE, PAINT],
)
