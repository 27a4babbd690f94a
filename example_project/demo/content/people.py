"""Names of readers without words of their own, who vote and make subs look lived in."""

from __future__ import annotations

from collections.abc import Iterator


def words(text: str) -> list[str]:
    """The words of `text`, one name each."""
    return text.split()


FIRST = words("""
    adele amara anouk arvid asta bela benno birk bruna carla cato celeste cyril dagny daria delia
    edda eino elif emre enzo fara fleur freya gabor gitte greta hakon hedda ilse imre ines ivo jana
    joris juna kaja kamil karin lale leif lene lotte luca magda malik mats mila minna nadja nell
    nils noa olga oskar paula pim quinn rafi remy rosa runa sami senna signe silke stig tara tilda
    tom ulla vera vigo wanda willem ylva yusuf zara zeno
""")
LAST = words("ash bay berg brook dale fell fern ford heath holt lake marsh moor reed ridge vale")


def reader_names(count: int) -> Iterator[str]:
    """The first `count` of some fourteen hundred names, always the same."""
    made = 0
    for turn in range(len(LAST)):
        for place, first in enumerate(FIRST):
            if made == count:
                return
            made += 1
            last = LAST[(turn + place) % len(LAST)]
            yield f"{first}_{last}" if (turn + place) % 3 else f"{first}.{last}{turn + 2}"
