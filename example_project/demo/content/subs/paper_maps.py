from __future__ import annotations

from ..model import S, T

SUB = S(
    slug="paper_maps",
    title="Paper maps",
    description="Closed in October after nine good years. Everything is still here to read.",
    icon="archive",
    hue=8,
    archived=True,
    about="The people moved to other subs and took their rulers with them. Thank you all.",
    people=["wim", "quill", "teodor"],
    mods=["wim"],
    size=90,
    threads=[
        T(
            author="wim",
            title="Thank you, and where everybody went",
            hours=24 * 31,
            score=61,
            pinned=True,
            body="Nine years, 4,100 folds. Surveying went to `almanac`, lettering to `typography`, and the rest of us are outside.",
            talk="""
- teodor 22: I still fold them wrong. Thank you for never mentioning it.
- quill 19: Last one out, put the magnifier back in the drawer.
""",
        ),
        T(
            author="teodor",
            title="The footbridge that three maps agree on and nobody has ever crossed",
            hours=24 * 58,
            score=94,
            down=1,
            body="1:25,000, sheets of 1954, 1978 and 2003. There are abutments. There is no record of a bridge between them.",
            talk="""
- wim 38: Copied from copy to copy. A map trap that the trapper forgot.
  - teodor 27: I've asked the office. They will remove it, "with some regret".
- halvard 16: Photograph the abutments before they do. It's the best portrait of a bridge that isn't there.
""",
        ),
    ],
)
