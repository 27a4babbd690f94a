"""A year of «one bird, one place, one line»: the demo's long thread.

Two thousand short comments, dealt from what is written below: each kind of bird has its months,
its places and what one says about it. The cards come out in the same order for the same day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from .model import C, outline
from .people import words

LENGTH = 2_000
DAYS = 322

PEOPLE = words("""
    jun yara elin wren sunniva maren halvard grainne ronan calder tove rasmus lise anneke samir
    teodor iku marta_v goran fenwick abiodun kofi ines_q quill wim bexley hugo_b priya_n ludo ada
    noor esme_t zofia petra_z dmitri_w pilar.v
""")


@dataclass(frozen=True)
class Kind:
    """Birds that are met alike: when (months), which, where, and what there is to say."""

    months: str
    birds: list[str]
    places: list[str]
    lines: list[str]
    answers: list[str]


class Deck:
    """Cards that all come up once before any comes up again."""

    def __init__(self, cards: Sequence[str], rng: Random) -> None:
        self.cards, self.rng, self.left = list(cards), rng, list[str]()

    def draw(self) -> str:
        if not self.left:
            self.left = self.rng.sample(self.cards, len(self.cards))
        return self.left.pop()


def names(text: str) -> list[str]:
    """Cards of a word or two, between commas."""
    return text.split(", ")


def cards(text: str) -> list[str]:
    """One card a line."""
    return [line.strip() for line in text.strip().splitlines()]


KINDS = [
    Kind(
        months="1 2 3 4 5 6 7 8 9 10 11 12",
        birds=names(
            "Robin, Wren, Blackbird, Dunnock, Great tit, Blue tit,"
            " Long-tailed tit, Goldcrest, Nuthatch, Treecreeper, House sparrow, Greenfinch, Chaffinch"
        ),
        places=cards("""
            the churchyard yew
            the bike shed
            the hedge by the school
            our yard
            the allotment
            platform 2
            the car park of the clinic
            the cemetery wall
            the neighbour's plum tree
            the roof of the bakery
            behind the library
            the bus depot
            the balcony
        """),
        lines=cards("""
            Sang through the whole bin collection.
            Five minutes, then the cat came.
            Louder than it has any right to be.
            Heard first, seen a week later, so I count it today.
            Looked at me as if I were late.
            Carrying moss, which seems optimistic.
            Two, and both of them sure it's their hedge.
            I wasn't even looking.
            My daughter saw it first and wants that on record.
            On the handlebar of my own bicycle.
            Has worked out when the café shakes the tablecloths.
            A new one for this address, after eleven years.
            Bathing in the gutter with great seriousness.
            Still here. So am I.
            Chased off something three times its size.
            Ringed, left leg, too fast to read.
            Sang from the traffic light, on red.
            Took the raisin, left the oat.
        """),
        answers=cards("""
            Ours does that too, on the same wall.
            The raisin is the correct choice.
            Common birds are the best part of this list.
            Does yours also hate the recycling lorry?
            Please tell your daughter: first is first.
            I've had that exact look from that exact bird.
            Eleven years! Congratulations to both.
        """),
    ),
    Kind(
        months="1 2 3 8 9 10 11 12",
        birds=names(
            "Teal, Wigeon, Goldeneye, Tufted duck, Pochard, Shoveler,"
            " Gadwall, Smew, Goosander, Pintail, Great crested grebe, Little grebe"
        ),
        places=cards("""
            the sewage works, lagoon 3
            the reservoir, north arm
            the gravel pit
            the mill pond
            the dock
            the canal below the lock
            the flooded meadow
            the boating lake
            the ferry basin
        """),
        lines=cards("""
            Nineteen, all asleep except for one.
            In the only patch of open water.
            Drake, finally in the clothes he was promised.
            Far out, in heat haze, and I'm still counting it.
            With the mallards, hoping nobody asks.
            Up and gone when the rowing club came.
            Whistling in the dark, so by ear.
            Dived, and I'm told it came up again.
            A pair, as if they'd always been here.
            The smell of lagoon 3 is included in this record.
            Counted twice: 41 and 38. I'll say forty.
            First of the winter for me.
            Under the bridge, out of the wind, like everybody sensible.
            Ice at the edges, birds in the middle, me on the bank with soup.
        """),
        answers=cards("""
            Forty it is. Nobody has ever counted the same ducks twice.
            The soup is the important part of the kit.
            I was on the other bank and had 39.
            Lagoon 3 is where the good ones go and the noses don't.
            That rowing club owes us a bird.
        """),
    ),
    Kind(
        months="3 4 5 7 8 9 10",
        birds=names(
            "Green sandpiper, Wood sandpiper, Dunlin, Ringed plover, Little ringed plover, Greenshank,"
            " Ruff, Snipe, Black-tailed godwit, Curlew, Whimbrel, Common sandpiper"
        ),
        places=cards("""
            the drained pond
            the muddy corner of the reservoir
            the estuary, from the train
            the scrape
            the building site with the puddle
            the weir
            the tideline by the old jetty
            the turf farm
        """),
        lines=cards("""
            Bobbing, so at least I knew which end.
            One call in the dark, and my window was open.
            Seven, leaving as I arrived.
            On the puddle that the crane driver has promised not to fill in.
            Walked out from behind the one stone I'd been ignoring.
            Juvenile, very clean, very hungry.
            Stayed for four days and then didn't.
            Seen at 120 km/h. It is a big bird.
            Called three times and everybody looked up.
            Feeding between two cows, at some risk.
            Asleep on one leg for the whole of my lunch.
            I needed a second opinion, and the second opinion agreed.
        """),
        answers=cards("""
            The crane driver deserves a mention in the annual report.
            From the train counts. I checked the rules, I wrote the rules.
            Three calls is greenshank in any language.
            Mine flew, too. We must stop arriving.
        """),
    ),
    Kind(
        months="4 5 6 7 8",
        birds=names(
            "Swift, Swallow, House martin, Sand martin, Cuckoo, Blackcap,"
            " Chiffchaff, Willow warbler, Reed warbler, Whitethroat, Nightingale, Spotted flycatcher, Redstart"
        ),
        places=cards("""
            over the school
            the reed bed
            the railway cutting
            the riding stables
            under the bridge
            the willow carr
            above the square at ten in the evening
            the old brickworks
            the lane to the farm
            the edge of the golf course
        """),
        lines=cards("""
            First of the year. I rang my mother.
            Eleven, screaming, at rooftop height. I shouted back.
            Back on the same nail in the same beam.
            Singing its two notes with total conviction.
            Heard from bed, counted from bed.
            In the nest box that everyone said was too low.
            Took a moth off the window while we watched.
            Sang at 23:40 beside the ring road, over the lorries.
            Building, with mud from the puddle I had complained about.
            Silent already. That was quick.
            Three young on the wire, all facing the wrong way.
            Behind the leaves, of course, all of it, always.
            Mimicked the station announcement, I swear.
            The last one, probably. One only knows afterwards.
        """),
        answers=cards("""
            Everybody should ring their mother about swifts.
            Total conviction is the only way to sing two notes.
            Mine are a day later than yours, as every year.
            The low nest box club grows.
            I'd like to hear it do the replacement bus.
        """),
    ),
    Kind(
        months="1 2 3 4 5 6 7 8 9 10 11 12",
        birds=names(
            "Buzzard, Kestrel, Sparrowhawk, Peregrine, Red kite,"
            " Marsh harrier, Goshawk, Tawny owl, Barn owl, Little owl"
        ),
        places=cards("""
            the power station chimney
            over the motorway services
            the hospital roof
            the edge of the beech wood
            the old barn
            fence post 14
            the church tower
            above the football pitch
            the verge of the A-road
            the landfill
        """),
        lines=cards("""
            Every pigeon in the district left at once.
            Plucked something on the goal line. No penalty was given.
            Mobbed by two crows who clearly do this every day.
            Stood still in the wind for a full minute.
            Only a shape, but what a shape.
            Called twice; the other one answered from the other side of the valley.
            On its post. I've begun to say good evening.
            Left a pellet on my car: vole, vole, beetle.
            Through the garden at knee height, between the washing.
            High, circling, and then simply not there.
            Three young on the ledge, all of them furious.
            The whole queue at the services looked up. It was a good queue.
        """),
        answers=cards("""
            Post 14 is always good. Post 12 has nothing and nobody knows why.
            Vole, vole, beetle is also what my cat would order.
            I hope the washing is all right.
            The pigeons here have left for less.
        """),
    ),
    Kind(
        months="9 10 11 12 1 2 3",
        birds=names(
            "Fieldfare, Redwing, Brambling, Siskin, Waxwing,"
            " Redpoll, Hawfinch, Mistle thrush, Crossbill, Yellowhammer"
        ),
        places=cards("""
            the supermarket rowans
            the alders by the stream
            the orchard with the fallen apples
            the playing field
            the beech avenue
            the crematorium hawthorns
            the stubble behind the silo
            the feeder, briefly
            the lay-by with the larches
        """),
        lines=cards("""
            Forty in one rowan, and then a rowan without berries.
            Going over at night, thin calls, very high.
            Between two shopping trolleys, being photographed by six of us.
            Eating the apples I'd left for exactly this.
            One among fifty others; took an hour and both hands.
            Cracked a cherry stone. I heard it from the path.
            Upside down, like a small parrot with a job.
            Gone by noon. The berries as well.
            Heard before coffee, which ought to count double.
            The hedge was brown and then the hedge flew.
            Fog. Voices. Probably all of them.
            First flock, earlier than in my notes by a week.
        """),
        answers=cards("""
            The supermarket has no idea what it has planted.
            Coffee rule accepted for the honorary table.
            One in fifty is what this hobby is.
            Earlier by a week here as well. I've written it to the almanac people.
        """),
    ),
    Kind(
        months="1 2 3 4 5 6 7 8 9 10 11 12",
        birds=names(
            "Herring gull, Black-headed gull, Common gull, Great black-backed gull, Cormorant, Grey heron,"
            " Mute swan, Oystercatcher, Coot, Moorhen, Kingfisher, Grey wagtail"
        ),
        places=cards("""
            the harbour wall
            the fish market
            the roof of the shopping centre
            the culvert
            the weir in the middle of town
            lamp post 7 on the pier
            the fountain outside the bank
            the allotment pond
            the slipway
            the canal, inner-city end
        """),
        lines=cards("""
            Stole a sandwich and then looked disappointed in it.
            Drying its wings like a broken umbrella.
            A blue line. That was all, and it was enough.
            Standing in the fountain as if it had been commissioned.
            Hissed at the mayor.
            With a crisp packet for a nest, which says something about us.
            Four chicks, then three, then I stopped looking.
            On the flat roof again, on gravel, with two eggs.
            Walked across at the zebra crossing. The bus waited.
            Bobbing on the only stone above the water.
            Second winter, or third, or I need to sit down.
            Waited for the fishmonger, at the back door, on first-name terms.
        """),
        answers=cards("""
            Which mayor, and is there a film?
            A blue line is a full record.
            Gull people will be along shortly to tell you which winter.
            Third winter. Look at the mirror on the primary. You may sit down.
            The bus driver gets a biscuit.
        """),
    ),
]

ANY_ANSWER = cards("""
    Jealous. I have a pigeon.
    Lovely. Mine was the same bird on a worse day.
    On the list. Thank you!
    That place never disappoints.
    I walked past there an hour later and got nothing but rain.
    Best line of the week so far.
    I can hear this one.
    Same, four streets away. It could be the very same one.
    Adding your place to Sunday.
    This is why I read this thread at breakfast.
    I have waited all year for that one.
    And what was the weather like? For the notebook.
    I need to get out more.
    So that's who it was.
""")
THANKS = cards("""
    Grey, still, four degrees. A perfect morning otherwise.
    You'll get yours. Stand still and think of something else.
    Go at seven. By eight the dogs have it.
    It waved. Or had an itch.
    Thanks! It made my Tuesday.
    I'll keep it there for you.
    Pigeons are welcome, too.
""")

#: What was said at certain places of the list, by number of the top-level comment.
SPECIAL = {
    0: """
- jun 61: I'll begin, because somebody has to: pigeon, the gutter outside my window. It has a stick.
  - yara 22: One stick is how all of them begin.
""",
    99: """
- elin 34: Is this a hundred? I think this is a hundred. Coot, the boating lake, unimpressed by the number.
  - jun 18: It is a hundred. The coot is noted as *unimpressed*.
""",
    333: """
- wren 27: May I count a bird in a dream? Hoopoe, my late aunt's kitchen.
  - jun 40: Rule 4, new, as of now: dreams count if there was a place. Kitchen is a place.
    - grainne 29: Hoopoe, kitchen, dream. The best list on the internet.
""",
    500: """
- jun 45: Five hundred lines, 118 kinds, one dream, and not a single quarrel. I'm buying the soup.
  - halvard 19: There was the quarrel about the gull.
    - jun 24: There's *always* the quarrel about the gull. That's weather.
""",
    777: """
- bexley 16: I've never looked at birds before. There was a grey one with a black cap by the bins, tiny,
  furious. Is that anything?
  - maren 33: Marsh tit or willow tit, and people have been arguing about which for two hundred years.
    Welcome.
    - bexley 28: It said something like "pitchou".
      - maren 37: Marsh tit. You've just done in one line what took me a winter.
""",
    1000: """
- ada 38: A thousand. Wren, the bike shed, singing over my shoulder while I type this with one glove on.
  - jun 30: @ada gets the thousand and the wren gets the glove.
""",
    1290: """
- samir 21: From the hospital window, fourth floor: peregrine on the chimney. I'm fine, it's only a knee. I've
  been looking at that chimney for six days and today it looked back.
  - yara 26: Get well. Tell the knee that it has added a species.
""",
}


def deal(length: int, today: date) -> Iterator[C]:
    """Top-level comments with their answers, about `length` comments in all."""
    rng = Random(20)  # noqa: S311 - content, not secrets
    decks = [
        [Deck(part, rng) for part in (kind.birds, kind.places, kind.lines, kind.answers)]
        for kind in KINDS
    ]
    any_answer, thanks, people = (Deck(part, rng) for part in (ANY_ANSWER, THANKS, PEOPLE))
    written = roots = 0
    while written < length:
        day = today - timedelta(days=round(DAYS * (1 - written / length)))
        if roots in SPECIAL:
            (comment,) = outline(SPECIAL[roots])
        else:
            season = [n for n, kind in enumerate(KINDS) if str(day.month) in kind.months.split()]
            birds, places, lines, answers = decks[rng.choice(season)]
            text = f"{birds.draw()}, {places.draw()}. {lines.draw()}"
            comment = C(
                author=people.draw(),
                text=text,
                score=min(int(rng.paretovariate(1.2)), 9 + rng.randrange(16)),
            )
            if length - written > 3 and rng.random() < 0.24:
                answer = C(author=people.draw(), score=rng.randrange(7))
                answer.text = (answers if rng.random() < 0.4 else any_answer).draw()
                comment.replies.append(answer)
                if rng.random() < 0.35:
                    answer.replies.append(
                        C(author=comment.author, text=thanks.draw(), score=rng.randrange(5))
                    )
        written += size(comment)
        roots += 1
        yield comment


def size(comment: C) -> int:
    return 1 + sum(size(reply) for reply in comment.replies)


def comments() -> list[C]:
    return list(deal(LENGTH, date.today()))
