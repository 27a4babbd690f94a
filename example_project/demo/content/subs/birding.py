from __future__ import annotations

from .. import birdlog
from ..model import S, T

LIST = T(
    author="jun",
    title="The year's list: one bird, one place, one line. Everybody, all year",
    hours=24 * birdlog.DAYS,
    flair="list",
    score=418,
    down=3,
    pinned=True,
    steady=True,
    votes={"ada": 1},
    news={"ada": 14},
    body="""
The rules have not changed since the first year:

1. One bird, one place, one line. No photograph needed, no rarity wanted.
2. You were there. From the train counts.
3. Somebody else's bird may be answered, never corrected, except for gulls.
4. Dreams count if there was a place.

We stop on New Year's Eve, and then we do it again.
""",
    comments=birdlog.comments(),
)

GULL = T(
    author="ronan",
    title="The gull. Yes, again. Seven photographs and an apology in advance",
    hours=17,
    flair="id",
    score=73,
    down=29,
    votes={"ada": 1},
    news={"ada": 3},
    body="""
Mantle a shade darker than the herring gulls beside it, legs the colour of a plaster, a very small head
and the expression of a dentist.

I say *Caspian, first summer*. Two people whom I respect say *herring, ill*. Here's what I can offer:

| | This bird | What I'd expect |
|---|---|---|
| Bill | long, parallel | long, parallel |
| Tertials | thumbnail edges | thumbnail edges |
| Call | like a donkey, laughing | like a donkey, laughing |
| Everybody's mood | bad | bad |
""",
    talk="""
- anneke 41: The long call settles it. Herring doesn't do the donkey.
  - hugo_b 18 (down 16): Herring does everything. I've heard herring do a reversing lorry.
    - anneke 25: With the head up and the wings half open, the way it's standing in number five?
      - hugo_b 20: … No. With the wings shut. I'll look at number five again.
        - hugo_b 44: It's Caspian. I withdraw the lorry.
          - ronan 38: Screenshot, frame, wall.
- jun 33: I'd like it noted that rule 3 of the list exists because of precisely this.
- wren 9 (pending): Is it allowed to post the exact roof? There's a nest, I think, and the owner doesn't like gulls.
- lise 12: "The expression of a dentist" should be a field mark in the next edition.
""",
)

OWL = T(
    author="sunniva",
    title="Tawny owl in the chimney: it has gone quiet and I don't know whether that's good",
    hours=10,
    flair="help",
    score=58,
    body="""
It came down on Tuesday, we blocked the fireplace with a board and called the owl people. They come
tomorrow at eight. Until an hour ago it clicked at us. Now nothing.
""",
    talk="""
- maren 47: Quiet in the dark is what they do when they feel safe. Leave the board, no light, no fire, no
  looking. Clicking is the unhappy sound.
  - sunniva 29: Thank you. I've stopped looking. I'm sitting on my hands.
- anneke 20: Ask them to check the lungs for soot, they sometimes forget with the ones that seem fine.
  - sunniva 34: Update: out, black as a kettle, 410 grams, furious, flying. They washed it in our sink. It bit
    everybody in order of age.
    - jun 31: Tawny owl, our sink, one line. It's on the list.
""",
)

FEEDER = T(
    author="hugo_b",
    title="Feeder hygiene: I stopped feeding for six weeks and this is what happened to the greenfinches",
    hours=65,
    flair="data",
    score=149,
    down=12,
    body="""
Two sick birds in one week, so everything came down, was boiled and stayed away. Counts from the kitchen
window, same quarter of an hour each morning:

* before: 9.4 greenfinches a day, two of them fluffed up
* six weeks without: 3.1
* after, with one small feeder that's washed each Sunday: 6.8, none fluffed up in five weeks

One window, one winter. Still: wash the thing.
""",
    talk="""
- yara 26: Boiling water, or does it need something stronger?
  - hugo_b 22: Hot water, a brush, a weak bleach, rinse, and dry *completely*. The drying is the part that
    people skip, me included.
- lise 14: Sunday is a good trick. Ours is now "feeder, then pancakes".
- bexley 5 (down 8): Or they just went next door for six weeks.
  - hugo_b 19: They did. Next door sent me the bill for the seed.
""",
)

SPAM = T(
    author="lens_deals_24",
    title="BINOCULARS 80% OFF today only!!",
    hours=1.4,
    score=0,
    state="pending",
    body="Click before they are gone: deals.example/binoculars",
)

SUB = S(
    slug="birding",
    title="Birding",
    description="Looking up. Lists, help with names, and once a month the gull.",
    icon="bird",
    hue=3,
    about="Common birds are welcome here. So are people who don't know what it was.",
    flairs=[
        ("list", "The list", 3),
        ("id", "Which one", 2),
        ("help", "Help", 5),
        ("data", "Data", 1),
    ],
    rules=[
        ("No nests, no exact places of rare birds.", "Two kilometres is close enough."),
        ("No playback in spring.", ""),
        ("Gulls are to be discussed sitting down.", ""),
    ],
    people=["ada", "jun", "maren", "anneke", "hugo_b", "ronan", "yara", "lise"],
    mods=["jun"],
    size=430,
    threads=[LIST, GULL, OWL, FEEDER, SPAM],
)
