from __future__ import annotations

from ..model import S, T

PATCH = T(
    author="iku",
    title="Patch night: one oscillator, one filter, five minutes. The rules are below and they are not negotiable",
    hours=30,
    flair="night",
    score=88,
    news={"bo": 3},
    votes={"bo": 1},
    body="""
1. One oscillator. Yes, only one.
2. One filter, one envelope, one thing that is slow.
3. No reverb. Reverb is where we hide.
4. Five minutes, one take, describe the patch so that somebody can rebuild it.

Friday, 20:00. The theme is *harbour*.
""",
    talk="""
- zofia 27: Triangle, low pass at 180, the slow thing is a cycle of 41 seconds on the pitch, two cents deep. It's
  a foghorn that is worried about you.
  - bo 19: Built it on a different machine entirely and it worried about me as well.
- rasmus 14 (edited): Pulse width only. The envelope opens the width and the filter stands still. Sounds like rope.
  - iku 16: I heard rope before I read "rope". Full marks.
- bo 22: Saw, band pass, and the slow thing was me, on the knob, for five minutes. I'm told this is within the
  rules.
  - iku 20: It's the spirit of the rules.
- halvard 8: Mine had reverb because it's in a stairwell. I plead architecture.
  - iku 13: Architecture is allowed. I'll add it to the rules.
""",
)

HUM = T(
    author="bo",
    title="50 Hz hum only when the laptop is charging: loop, supply, or curse?",
    hours=20,
    flair="help",
    score=39,
    news={"bo": 1},
    body="Mixer, laptop by USB, two small synths on one strip. Battery: silence. Charger in: the sound of a fridge with ambitions.",
    talk="""
- petra_z 33 (bo up): Ground loop through the charger's earth and the USB shield. A USB isolator breaks it. So does running
  the audio through a pair of transformers, which I prefer, because then it stays fixed for the next laptop.
  - bo 16: Isolator arrived. Silence. I can hear the *actual* fridge now.
    - petra_z 14: One thing at a time.
- rasmus 11: Whatever you do, don't lift the earth on the charger.
  - bo 9: I'm foolish but grounded.
""",
)

MANUAL = T(
    author="zofia",
    title="I translated the 1979 service manual, including the page that tells you not to",
    hours=110,
    flair="archive",
    score=166,
    url="https://zofia.example/manual-1979",
    body="Eighty-four pages, the schematics redrawn, one joke by the original author preserved and explained.",
    talk="""
- iku 42: The joke about the trimmer! I've been turning that trimmer for ten years. It isn't connected to
  anything?
  - zofia 55: It's connected to the technician's patience. That's the literal translation.
- teodor 15: Page 61, resistor R114: the original says 47k, every unit I've opened has 4k7.
  - zofia 18: Footnote added, with thanks. If anybody has one with 47k fitted, please say what it sounds
    like.
    - rasmus 13: Mine has 47k. It sounds like it's thinking.
""",
)

GONE = T(
    author="rasmus",
    title="Selling everything, keeping one: which one?",
    hours=52,
    flair="help",
    score=27,
    state="deleted",
    body="I have decided to keep one. I can't decide which one.",
    talk="""
- iku 18: The one that you didn't list, because you forgot that it could be sold.
  - zofia 11: That's it. That is always it.
- bo 9: Keep the one with the dust on it least.
""",
)

SUB = S(
    slug="synths",
    title="Synths",
    description="Voltage, knobs, and five minutes on a Friday.",
    icon="audio-lines",
    hue=3,
    about="Describe the patch. We can't hear a brand name.",
    flairs=[("night", "Patch night", 3), ("help", "Help", 5), ("archive", "Archive", 8)],
    rules=[("Describe the patch.", ""), ("Prices belong into the monthly thread.", "")],
    people=["bo", "iku", "zofia", "rasmus", "petra_z"],
    mods=["iku"],
    size=190,
    threads=[PATCH, HUM, MANUAL, GONE],
)
