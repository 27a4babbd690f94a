from __future__ import annotations

from ..model import S, T

FROST = T(
    author="halvard",
    title="First frost at the reservoir. Tri-X pushed to 1600, developed in the kitchen sink",
    hours=6,
    flair="shot",
    score=486,
    down=5,
    url="https://halvard.example/frost/01",
    votes={"ada": 1},
    news={"ada": 4},
    body="""
Seven in the morning, minus three, a tripod whose legs had frozen shut the night before. Four frames and
then the sun came over the ridge and it was all just landscape again.

50 mm, f/5.6, 1/30. Pushed two stops in a stock developer, 13 minutes at 20 °C, one inversion a minute
because I was also making breakfast.
""",
    talk="""
- sato_r 77: The mist doing the dodging and burning for you. Print it larger than you think.
  - halvard 40: 30 by 40 is drying on the bathroom door. The household has opinions.
- grainne 29: I grew up two valleys from there and never once saw it that still. Was the church in the
  other frame?
  - halvard 25: It is in all four, very small, like a full stop. I cropped it from this one and now I
    regret it.
    - grainne 31: Put it back. It's a sentence without it.
      - halvard 22: Printed with the full stop. You were right, and I've written your name on the back.
- marta_v 18 (down 3): One inversion a minute at 1600: don't you get flat mid-tones?
  - halvard 16: A bit, and the frost paid it back. On a grey day I would agitate like everyone else.
    - marta_v 9: "The frost paid it back." Fine. I yield.
- ada 12: What did you meter on?
  - halvard 14: The near bank, minus one. The sky can look after itself at that hour.
- iku 6: Kitchen sink and breakfast in the same sentence. Please keep two sinks.
  - halvard 11: Two sinks, one kitchen, separate spoons. The spoons have a skull on them.
""",
)

TRAMS = T(
    author="sato_r",
    title="Metering tram stops at night: four frames, one mistake, and the cheap gel that fixed my greens",
    hours=14,
    flair="technique",
    score=141,
    down=8,
    votes={"ada": -1},
    body="""
Street lamps lie to the meter in a very consistent way. Once you know by how much, you can stop
bracketing.

* Sodium lamps: meter the pavement under the lamp, open one stop.
* The white new ones: meter the same, add nothing, but expect green in every shadow.
* Inside the tram: two stops more than you believe, and wait for a face.

The mistake was frame three, where I metered the advertisement. It's a perfectly exposed advertisement.
The gel is a *minus green* offcut from a theatre, 1.50 €, taped inside the hood.
""",
    talk="""
- marta_v 33: Which film? Daylight stock under the new lamps needs different help than tungsten does.
  - sato_r 21: 500T, rated at 400. I should have said so at the top.
- yara 14: Theatre offcuts! My cousin runs a lighting desk and throws those away by the kilo.
  - sato_r 17: Be nice to your cousin.
- teodor 10: "Wait for a face" is good advice for the whole hobby.
- iku 8: Does the gel cost you a third of a stop? I'd rather have the third and fix the green later.
  - sato_r 9: About a third. On film there's no later that I enjoy.
""",
)

SHUTTER = T(
    author="teodor",
    title="My grandfather's rangefinder fires at 1/15 whatever I set. Clean it myself or send it away?",
    hours=38,
    flair="help",
    score=83,
    body="""
It has been in a drawer since about 1987. The curtain moves, lazily. All slow speeds are 1/15, all fast
speeds are also 1/15. I own good screwdrivers and bad judgement.
""",
    talk="""
- marta_v 46: Send it away. Not because it's hard: because the *next* problem is behind the one you'll fix, and
  that one has springs.
  - teodor 20: What would it cost, roughly?
    - marta_v 23: 120 to 180 for a good clean with new light seals, and it is then fine for another thirty
      years. Ask for the old grease in a bag; it's horrible and very satisfying.
- rasmus 15: Contrary view: buy the same model broken for 20 €, take that apart first, then decide. I'm a bicycle person
  but springs are springs.
  - marta_v 12: This is actually how I learned. I just don't recommend it with a grandfather's camera.
- halvard 9: Before you do anything, run a roll through it at 1/15 on purpose. You might have twelve frames
  from 1987 in there, too. Check the counter.
  - teodor 38: I checked. It was on 21. There WAS a film in it.
    - halvard 44: Stop. Don't open it. Rewind it in the dark and send that film to somebody who does old
      film, with the year.
      - teodor 57: Back today. Nineteen are fog. Two are my grandmother, laughing at something to the
        left of the camera.
        - sato_r 52: Well. There goes my evening.
        - grainne 30: What a thread.
""",
)

SCANS = T(
    author="iku",
    title="Lab scans or a camera over a light panel? I did 20 frames both ways",
    hours=101,
    flair="technique",
    score=96,
    down=4,
    body="""
| | Lab | Camera |
|---|---|---|
| Sharpness | good | better, if the film is flat |
| Colour | pleasant, not mine | mine, after an evening |
| Dust | theirs | mine |
| Time for 36 frames | 0 | 55 min |
| Cost after 20 rolls | 240 € | 310 €, then nothing |

I'll go on paying for colour and do black and white at home.
""",
    talk="""
- marta_v 21: "If the film is flat" is doing all the work in that table.
  - iku 19: Two panes of anti-newton glass from a broken enlarger. 10 €.
- halvard 12: "Theirs / mine" for dust, honest to the end.
""",
)

SUB = S(
    slug="filmphoto",
    title="Film photography",
    description="Light, silver, patience, and one sink too few.",
    icon="aperture",
    hue=8,
    about="Post the frame and what you did. The one that failed is welcome, too: it usually teaches more.",
    flairs=[
        ("shot", "Shot on film", 8),
        ("technique", "Technique", 2),
        ("help", "Help", 5),
        ("print", "Print", 3),
    ],
    rules=[
        ("Say the film, the light and what you did.", ""),
        ("Only your own pictures.", ""),
        ("People in the picture come first.", "If somebody asks for it to go, it goes."),
    ],
    people=["ada", "halvard", "sato_r", "marta_v", "teodor", "iku"],
    mods=["marta_v"],
    size=410,
    threads=[FROST, TRAMS, SHUTTER, SCANS],
)
