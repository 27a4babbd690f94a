from __future__ import annotations

from ..model import S, T

SASHIKO = T(
    author="esme_t",
    title="Sashiko on a jacket elbow: how dense is too dense before the patch stops bending?",
    hours=28,
    flair="question",
    score=98,
    votes={"ada": 1},
    news={"ada": 2},
    body="""
I have gone to 3 mm spacing and it feels like a place mat. Wool twill underneath, cotton thread, no
interfacing. It looks wonderful. It doesn't go up and down stairs with me.
""",
    talk="""
- hanneke 22: Five millimetres on an elbow, three on a knee. The elbow has to fold, the knee only has to
  survive.
  - esme_t 17: So simple that I'm a little cross. Unpicking every second row tonight.
    - hanneke 12: Every second row and the ones at the fold line, or it will crease there for ever.
- zofia 31: It's not only spacing, it's tension. Leave a small slack loop at each turn, on the wrong side.
  The old jackets have them; the thread moves into them when the cloth bends.
  - esme_t 24: I have been pulling those tight because they looked untidy!
    - zofia 19: They're the hinge.
      - ada 15: "They looked untidy, they're the hinge" describes most of my career.
- maren 7: Cotton on wool twill will outlive the wool. Next time a wool thread, so that they wear at the
  same speed.
  - esme_t 6: I had not thought of a patch being *too good*.
""",
)

DARN = T(
    author="maren",
    title="A year of darning one sock. It is now 61% darn by weight",
    hours=70,
    flair="show",
    score=377,
    down=2,
    saved=["ada"],
    body="""
I weighed it before and after each darn, because I wanted to know when a sock becomes another sock.

The answer turned out to be November.
""",
    talk="""
- grainne 120: The sock of Theseus.
  - maren 58: It has a label now with that name on it, and a box.
- tomasz 44: Does the other one know?
  - maren 71: The other one has never been darned at all. They don't speak.
- hanneke 29: Which wool? If you say "whatever was there" I shall scream, with admiration.
  - maren 33: Whatever was there.
    - hanneke 40: *(distant)*
- noor 12: Data request: grams per kilometre walked.
  - maren 16: 0.4 g per 100 km, heel only. You can't have the toe data, it's embarrassing.
""",
)

ZIP = T(
    author="wim",
    title="Replacing only the slider, not the zip: a table of what the numbers on the back mean",
    hours=44,
    flair="guide",
    score=265,
    down=1,
    edited=True,
    body="""
Nine of ten "broken zips" are a worn slider. Cut one stop, swap it, sew two stitches as the new stop. Ten
minutes, 80 cents.

| On the back | What it is | Where you meet it |
|---|---|---|
| 3 C | coil, 3 mm | trousers, pencil cases |
| 5 C | coil, 5 mm | jackets, tents |
| 5 V | moulded teeth, 5 mm | children's jackets, fleece |
| 5 M | metal, 5 mm | jeans jackets |
| 8 C, 10 C | heavy coil | bags, boat covers |

If there's no number: measure the closed teeth in millimetres. That's the number. V and C look alike in
the dark and don't fit each other.
""",
    talk="""
- esme_t 51: Print this, laminate it, hang it in every school.
- rasmus 22: Before you buy one: squeeze the old slider *gently* with pliers at the back edges. A third of
  them come back to life for another year.
  - wim 26: Adding that at the top. It's the right first step and I forgot it because I enjoy the second.
- calder 8: Where does one buy them singly? Everybody wants to sell me a kilo.
  - esme_t 11: A market stall that repairs luggage. They'll give you one from a biscuit tin, and you'll
    leave with three, and an opinion about suitcases.
""",
)

CUP = T(
    author="yara",
    title="Glued cup handle keeps failing after two weeks of tea",
    hours=12,
    flair="question",
    score=33,
    body="Two-part epoxy, clean break, clamped for a day. It holds for a fortnight and then I'm wearing tea.",
    talk="""
- maren 18: Most epoxies go soft at 60 °C. Tea is 80. Look for one that names a temperature, and cure it warm
  (a radiator will do).
  - yara 9: The tube says "heat resistant up to 65". I can read, it turns out, but not before lunch.
- zofia 12 (down 1): Handles shouldn't carry load on glue alone. Drill two 1.5 mm holes, a pin of stainless wire, then glue.
  - yara 7: Drill a *cup*?
    - zofia 10: Diamond bit, under a dripping tap, no pressure, ten minutes a hole. Practise on a saucer that you
      dislike.
      - yara 8: I've got just the saucer.
""",
)

SUB = S(
    slug="mending",
    title="Mending",
    description="Keeping things: cloth, zips, cups, chairs. Visible or not, as you like.",
    icon="scissors",
    hue=4,
    about="We don't ask whether it's worth repairing. You already decided that when you didn't throw it away.",
    flairs=[
        ("question", "Question", 2),
        ("show", "Show and tell", 4),
        ("guide", "Guide", 1),
    ],
    rules=[
        ('"Buy a new one" is not an answer.', ""),
        ("Mains voltage: say that you know what you're doing.", "And know it."),
    ],
    people=["ada", "esme_t", "hanneke", "zofia", "maren", "wim"],
    mods=["zofia"],
    size=300,
    threads=[SASHIKO, DARN, ZIP, CUP],
)
