from __future__ import annotations

from ..model import S, T

NUMERALS = T(
    author="ines_q",
    title="Please set tables in tabular figures. A field guide with one column done both ways",
    hours=19,
    flair="craft",
    score=203,
    down=7,
    votes={"ada": 1},
    news={"ada": 1},
    body="""
Proportional figures are for sentences, where a 1 should be narrow. In a column they make 1,111 look
smaller than 888 and your reader stops trusting you without knowing why.

On the web it is one line:

```css
td { font-variant-numeric: tabular-nums lining-nums; }
```

In print it's a menu that nobody opens. Open it.
""",
    talk="""
- ludo 48: I've shipped three finance products with proportional figures. I would like to report a crime.
- noor 33: Doing this to the counter tables tonight. They've always looked *nervous* and I never knew.
  - ines_q 36: "Nervous" is exactly the word.
- petra_z 14: Old-style tabular figures exist too, and in a serif book they are much calmer than lining ones.
  - ines_q 21: In a book, yes. In a spreadsheet the descending 9 touches the line below, and then it's a
    duel.
- quill 6 (down 9): Monospace solves this.
  - ines_q 27: So does shouting.
""",
)

TICKET = T(
    author="quill",
    title="The departure board typeface in our old station was drawn by the man who fixed the clocks",
    hours=72,
    flair="history",
    score=344,
    down=2,
    saved=["ada"],
    body="""
I found the order in the archive: 1931, "letters for the board, by Mr. Haas, who has a steady hand." He
was the clock mechanic. He drew capitals with a compass and a ruler, one sheet, no lower case, and cut
them from sheet zinc with the tool that he used for clock hands.

That's why the S leans. It's built from two minute hands.
""",
    talk="""
- grainne 92: "It's built from two minute hands." I have to sit down.
- ines_q 51: Is the sheet scanned? I'd digitise it for nothing and put his name in the metadata.
  - quill 47: They allow photographs without flash on Thursdays. This Thursday, then.
    - ines_q 40: Update for everybody: forty-one capitals, four of them dashed, two different Rs. It'll
      take me the winter. It's going to be called Haas Clock.
      - ada 29: I would set a whole book in it just to use the S.
- wim 18: The new board there has a typeface that was drawn by a committee who fix nothing.
- teodor 12: What happened to the zinc?
  - quill 15: Four letters are on a fence in an allotment. They spell nothing. I looked.
""",
)

QUOTES = T(
    author="lutz",
    title="A style guide that fits on a postcard",
    hours=130,
    flair="craft",
    score=119,
    down=12,
    body="""
1. Real quotation marks, an en dash for ranges, a thin space before the unit.
2. Sixty-six characters, give or take ten.
3. Two weights. If you need three, you need an editor.
4. Nothing centred but the title of the wedding.
5. If you can't decide, leave it out and look again tomorrow.
""",
    talk="""
- petra_z 32: Rule 3 has ended two meetings for me since this morning.
- ludo 12 (down 3): A thin space before the unit is right, and loses every time it meets a text field.
  - lutz 16: A narrow no-break space, U+202F. It survives more often than you think.
- esme_t 20: What about invitations to the wedding?
  - lutz 25: The title, and the couple. The parking information is flush left.
""",
)

KERN = T(
    author="ada",
    title="Is this kerning bad, or have I looked at it for too long?",
    hours=3.5,
    flair="question",
    score=18,
    news={"ada": 2},
    body="The word is *Wayfinding*, 300 mm high, on a wall, in vinyl, from tomorrow. The W and the a are having a distance relationship.",
    talk="""
- ines_q 15: Turn it upside down and look at it for three seconds. If there's a hole, it's real.
  - ada 8: There's a hole. There's a *car park*.
    - ines_q 10: Minus 40 on W-a, minus 15 on a-y, and don't touch the rest. Then go home.
- quill 7: It's on a wall. People will pass it at an angle and on the telephone. Fix the W and sleep.
""",
)

SUB = S(
    slug="typography",
    title="Typography",
    description="Letters, and the space between them, which is the harder part.",
    icon="type",
    hue=7,
    about="Post specimens, signs, mistakes. Be kind to sign painters: they were on a ladder.",
    flairs=[
        ("craft", "Craft", 7),
        ("history", "History", 5),
        ("question", "Question", 2),
        ("seen", "Seen", 1),
    ],
    rules=[
        ("Name the typeface if you know it.", ""),
        ("No font files.", "Links to the foundry, please."),
    ],
    people=["ada", "ines_q", "quill", "lutz", "ludo"],
    mods=["ines_q"],
    size=260,
    threads=[NUMERALS, TICKET, QUOTES, KERN],
)
