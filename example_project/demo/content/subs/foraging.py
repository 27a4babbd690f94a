from __future__ import annotations

from ..model import S, T

CHANTERELLES = T(
    author="maren",
    title="Chanterelles are three weeks late here. Is it the dry August or the warm October?",
    hours=16,
    flair="season",
    score=121,
    down=2,
    body="""
Same beech slope, same dates, fourteen years of a notebook. The earliest was 19 July, the median 4
August, and this year the first useful basket was on the 26th.

Soil at 10 cm is 2.1 degrees above what I have written down for the week. It rained on three days.
""",
    talk="""
- sunniva 34: North coast, 200 m: normal, even early. So I'd bet on your August.
- oyelaran 22: My grandfather said they wait for the second rain, not the first. I have never seen anybody
  write down the *second* rain.
  - maren 28: I have dates of every rain over 5 mm since 2013. Give me a weekend.
    - maren 47: Second rain over 5 mm after midsummer, plus nineteen days, fits twelve years of fourteen.
      Your grandfather is going into the notebook.
      - oyelaran 39: He would pretend not to care, and mention it at every meal.
- fenwick 11: Mine are on time. I won't say where.
  - goran 14: Nobody asked where.
    - fenwick 9: Somebody always asks where.
""",
)

LOOKALIKE = T(
    author="goran",
    title="Basket check, please: all four of us think that the pale one is fine, which is why I'm asking",
    hours=8,
    flair="check",
    score=67,
    body="""
Pale, slim stem, ring that moves, smells of nothing much. Found singly in grass beside birch. It's in a
bag of its own and hasn't touched the others.

Volva? I don't know. I cut it instead of lifting it, and now I understand why one shouldn't.
""",
    talk="""
- maren 88: Don't eat it. Pale, ring, birch, and no base to look at: that's every reason not to. Nobody can
  clear it from here, and nobody should try.
  - goran 51: It went out. Thank you for not being polite about it.
    - maren 60: Next time lift the whole thing with a knife *under* it. The base is the passport.
- sunniva 37: Four people agreeing is one opinion with an echo. You did exactly the right thing by asking.
- jun 2 (down 19; removed: Rule 1: nobody says that it is safe, here, ever.): Looks like the ones we always eat, you're fine.
  - maren 44: I'm leaving this reply so that the gap explains itself: somebody said "you're fine" from a
    description. That's the one thing we remove within minutes.
""",
)

NETTLE = T(
    author="yara",
    title="Rowan jelly set like a tyre. What did I do?",
    hours=53,
    flair="kitchen",
    score=41,
    body="1 kg rowan, 400 g crab apple, 1:1 sugar, boiled until it looked serious.",
    talk="""
- grainne 23: It looked serious ten minutes before you stopped. Crab apples are nearly all pectin. Four
  minutes, cold plate, done.
- abiodun 15: Melt it with a glass of cider and call it glaze. Nobody has to know.
  - yara 12: Everybody knows, there's a photograph of it bouncing.
""",
)

MAPS = T(
    author="fenwick",
    title="Should we mark spots on public maps at all?",
    hours=96,
    flair="talk",
    score=9,
    down=83,
    body="""
There's an app now. My slope is in it. I've been going there for twenty years with a basket; on Sunday
there were eleven cars.
""",
    talk="""
- bexley 29 (down 25): Things that grow belong to whoever walks that far. I learned from a public map because
  nobody in my family could teach me.
  - fenwick 22 (down 12): And I'm glad you learned. Eleven cars is not "whoever walks that far".
    - bexley 19: No. That's fair. I park at the station, for what it's worth.
- maren 41: Compromise that works in our club: squares of five kilometres, never points. You learn the
  landscape and still have to look.
""",
)

SUB = S(
    slug="foraging",
    title="Foraging",
    description="What grows, when, and what to do with it. Never whether a stranger's mushroom is safe.",
    icon="leaf",
    hue=6,
    about="**Nobody here will tell you that it is safe to eat.** We will happily tell you what to look at.",
    flairs=[
        ("season", "Season", 6),
        ("check", "What is it", 7),
        ("kitchen", "Kitchen", 5),
        ("talk", "Talk", 2),
    ],
    rules=[
        ("Nobody says that it is safe.", "Not with a photo, not with forty years."),
        ("Take a third, leave the rest.", ""),
        ("No exact places.", "Five kilometres is close enough."),
    ],
    people=["maren", "sunniva", "oyelaran", "yara", "fenwick", "goran"],
    mods=["maren"],
    size=280,
    threads=[CHANTERELLES, LOOKALIKE, NETTLE, MAPS],
)
