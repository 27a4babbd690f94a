from __future__ import annotations

from ..model import S, T

PUDDLE = T(
    author="mirela_k",
    title="My 78% loaf spreads like a puddle on the stone. Is it the flour, the proof or my hands?",
    hours=4,
    flair="help",
    score=214,
    down=6,
    votes={"ada": 1},
    news={"ada": 9, "bo": 4},
    body="""
I have baked the same country loaf every Saturday since spring: 80% strong white, 20% wholemeal
spelt, 78% water, 2% salt, 18% ripe starter. Until September it stood up nicely. Now it leaves the
banneton tall, sighs, and is four centimetres high by the time the blade touches it.

Two things changed. There is a new sack from the same mill (the label says 12.1% protein, the old
one said 13.4), and the kitchen has dropped from 25 °C to 20. What I kept: three and a half hours of
bulk with four folds, then fourteen hours in the fridge. My last four bakes:

| Saturday | Dough | Bulk | Rise | Height baked |
|---|---|---|---|---|
| 30 August | 25.4 °C | 3 h 30 | not measured | 9.1 cm |
| 27 September | 22.8 °C | 3 h 30 | not measured | 6.8 cm |
| 1 November | 21.0 °C | 3 h 30 | about 35% | 5.2 cm |
| 15 November | 20.3 °C | 3 h 30 | about 25% | 4.0 cm |

The crumb is not tight. It is open near the crust and gummy in the middle, which is why I cannot
decide between under and over. Before I throw the sack away: **which one thing would you change
first?**
""",
    talk="""
- hanneke 148 (ada up; ada saved): Change the clock, not the flour. At 20 °C, 18% starter needs closer
  to six hours, so your three and a half are ending bulk at a quarter of the rise. A cold, young dough
  has no gas to hold itself up, and *gummy in the middle with big holes under the crust* is the classic
  picture of it.

  Take a straight-sided jar, put 50 g of the dough in it, and end bulk when that has grown by two
  thirds, however long it takes.
  - mirela_k 73: The jar is humbling. Today's dough was at +30% when I would have shaped it. I let it go
    until +65% and that took 6 h 10. It is in the fridge now, report tomorrow.
    - tomasz 41: Put a thermometer in the jar as well as the tub. Fifty grams of dough cools much
      faster than two kilos, so the jar ends up reading the kitchen instead of the loaf.
      - hanneke 29: True, mine runs a degree low. I float the jar in the same water bath as the tub.
        Any roasting tin will do.
        - mirela_k 12: Water bath it is: roasting tin, 26 °C, a tea towel over both. Costs nothing and
          the cat has accepted it.
          - jun 9: The cat is under-fermented.
      - ada 14: Same trap here. I stopped using the jar alone and put a strip of tape on the tub at the
        65% line.
    - wren 22: 6 h 10 at 20 °C with 18%: that is within ten minutes of my log from last November. I
      would trust the jar.
  - breadbox_shop 0 (down 22; removed: Rule 3: no selling, no referral links.): Honestly just get a
    proofer, this one is great, use my code at the till.
    - sato_r 36: For anyone reading later: the link was for a 90 € proofing box. A lamp inside a picnic
      cooler holds 26 °C all night.
      - bo 17: Can confirm the cooler. Mine has held a lamp, a starter and, once, by mistake, a fish.
- oyelaran 96 (bo up): I run a small stone mill, so let me defend the sack a little. From 13.4 to 12.1 is a real
  drop, and flour from the new harvest ferments faster in its first weeks because the enzymes have not
  settled. You are seeing a weaker net *and* a livelier dough.

  I would go down to 74% water for this sack, keep everything else, and creep up two points a week.
  - odile 54: Added to the wiki: a table of protein against water, thanks to @oyelaran. It replaces the
    old rule of thumb, which was mine and wrong.
    - oyelaran 21: It was not wrong, it was from a dry year.
  - kestrel 7 (down 19): Respectfully, the label tells you how much protein, not which kind. I have had
    11.5% that stood like a wall and 14% that ran off the table. Everybody quotes the number because it
    is printed on the bag.
    - oyelaran 33: Agreed, and the mill knows which. Ask them for the falling number and, if they have
      it, the alveograph W. Ours goes to anybody who writes to us. Nobody writes to us.
      - kestrel 18: I take back the tone. What is a sensible W for 78%?
        - oyelaran 26: Above 260 I would stop worrying. Below 200 I would make pan loaves and be happy.
          - tomasz 11: "Make pan loaves and be happy" is going on the wall of this kitchen.
            - grainne 8: My grandmother had "stop measuring and come to the table" on hers.
    - pilar.v 15: Same mill as Mirela, sack 0841. Went to 75% and it behaves.
      - mirela_k 10: 0841! That is mine. What did you do about bulk?
        - pilar.v 13: Dough at 24, five hours, +70%. It is a thirsty flour at first and then suddenly it
          isn't, so I hold back 30 g of water until the second fold and decide then.
- grainne 18: Everybody is arguing about flour and nobody has asked to see the seam. Could you post the
  underside before baking? If the skin tears when you turn it out, no amount of clock will save it.
  - mirela_k 11: I will tomorrow. I do remember a small tear on the 15th, and blaming the rice flour.
    - grainne 9: There it is. Tear means no skin, no skin means it was shaped slack or it was too young to
      take a shape. I suspect the second, so you may all have been right, annoyingly.
- fenwick 31: A dissenting vote for changing nothing except the *order*: shape cold. Bulk to 65%, then one
  hour in the fridge in the tub, then shape, then the long night. At 20 °C the dough is slack only because
  it is warm and wet at the moment when you ask it to stand.
  - hanneke 20: I have done this in July. In a 20 °C kitchen you would gain less than you think.
    - fenwick 6 (edited): Possibly. My kitchen has a wood stove in it and is never 20 °C.
- abiodun 25: How old is the stone? I lost two months to "dough problems" and it was an oven that said 250
  and meant 205. A cold stone lets a loaf sit and think about spreading before it springs.
  - mirela_k 14: Infrared says 238 on the stone after an hour. I trust it within ten.
    - abiodun 12: Then it isn't that. I'm almost sorry.
- jun 16: Is anyone else's new-crop flour this eager? Mine doubled during lunch.
  - yara 7: Yes. Two different mills, same week. I have dropped the starter to 12% and sleep better.
- quill 3 (deleted): Have you tried yeast?
  - tomasz 19: This comment was two words shorter than the flame war it started in the other thread. Let
    us not.
""",
)

BAKE_ALONG = T(
    author="odile",
    title="Weekend bake-along: one dough, three ovens. Post your oven temperature with the photo",
    hours=50,
    flair="bake",
    score=64,
    pinned=True,
    news={"ada": 5},
    body="""
The dough is the same for everybody, so that we can finally blame the ovens:

* 500 g strong white, 360 g water, 10 g salt, 90 g starter
* dough at 24 °C, bulk to +60% in a straight jar, shaped once, twelve hours cold

Bake it in whatever you own. Tell us three numbers: what the dial says, what a thermometer says, and
how long until the crust has the colour of a chestnut. **Deck, dish or dustbin**, all are welcome.
""",
    talk="""
- wren 21: Dial 250, thermometer 231, chestnut after 38 min. Cast iron, lid off at 20. The loaf sang for
  ten minutes and then the dog did.
- dmitri_w 12: Dial 300 (it lies), deck, real 262. 29 minutes. The bottom is darker than I would serve to
  my mother.
  - odile 9: How thick is the deck? Two centimetres forgives, one does not.
    - dmitri_w 6: One. So it does not.
- sato_r 24: Rice cooker, no dial at all. Two cycles and a flip, 74 min. No crust worth the name and the
  softest crumb of the thread. I entered knowing I would lose.
  - hanneke 15: You have not lost, you have entered a different sport.
- bo 33: Pizza oven in the garden, 410 and falling, loaf in at 280. 24 minutes. It looks like a meteorite
  and tastes like a bakery.
- pilar.v 8: Dial 240, thermometer 240. I checked it twice because I did not believe it either.
  - jun 10: Museum piece. Insure it.
- lise 5: Gas oven without a fan. Turned it twice, still a pale cheek on the left. Dial 250, thermometer
  219, and 51 minutes. I think I have found my problem of the last six years.
""",
)

FOUR_WAYS = T(
    author="oyelaran",
    title="I milled the same wheat four ways and baked it blind with eleven neighbours. Results and the scorecards",
    hours=9,
    flair="grain",
    score=402,
    down=9,
    saved=["ada"],
    votes={"ada": 1, "bo": 1},
    news={"ada": 0},
    body="""
Stone, roller, burr and a coffee grinder that did not survive. One field, one harvest, one recipe
(70% water, 2% salt, yeast so that nobody could argue about starters), four loaves under four
numbers, eleven neighbours with pencils.

| Mill | Flavour (of 10) | Crumb | Would buy |
|---|---:|---:|---:|
| Stone, fresh | 7.9 | 6.4 | 8 of 11 |
| Roller, sifted and put together again | 6.1 | 8.3 | 7 of 11 |
| Hand burr | 7.4 | 5.2 | 3 of 11 |
| Coffee grinder | 6.6 | 3.0 | 1 of 11 |

The ranking surprised everyone at the table, including the man who grew it: he was sure he could taste
the stone and put it last. His wife put it first and has mentioned it since.

What I would do differently: sift all four to the same fineness. Half of "flavour" may be bran size.
""",
    talk="""
- tomasz 88: Blind, with a table of numbers, and you still name the weakness before we can. This is the
  best post of the autumn.
- kestrel 41 (down 12): Eleven people and one batch each is an anecdote with a tablecloth. I say this
  with love and would come to the next one.
  - oyelaran 52: You are invited. Bring a pencil and a second batch.
    - kestrel 30: I will bring two of each so that we can see how well people agree with themselves.
      - lutz 22: Do that. I once ranked the same coffee first and fourth in one morning, in front of my
        boss.
- hanneke 37: The coffee grinder at 6.6 for flavour is the real headline. Heat should have killed it.
  - oyelaran 25: It did kill it. The grinder, I mean. The flour was at 51 °C in the bowl and smelled of
    toast, and toast scores well with neighbours.
- ada 19: Do you have the bran sizes? I could lend you a stack of sieves, 200 to 1,000 microns. They are
  from a soil lab and very clean now.
  - oyelaran 16: @ada yes please. I will write to you. Nobody has ever offered me sieves before.
- odile 28: With your permission this goes into the wiki under "Grain and mill", scorecards included.
- yara 11: Was the roller flour rested? Mine changes for two weeks after milling and then stops.
  - oyelaran 9: Three days, all four. Long enough to be fair, not long enough to be good.
""",
)

ALTAMURA = T(
    author="bo",
    title="First loaf that my father, who is from Altamura, did not comment on",
    hours=12,
    flair="crumb",
    score=688,
    down=4,
    votes={"ada": 1},
    news={"bo": 3, "ada": 2},
    body="""
He ate the heel first and then asked where the rest was. I am counting it.

Re-milled durum, 70% water, a stiff starter that has been moved by car four times. Two folds and then I
kept my hands in my pockets, which is the whole secret, he says, and has been saying since 1994.
""",
    talk="""
- pilar.v 121: Asking where the rest is *is* the comment. That's the highest grade they give.
  - bo 74: He has since said "it is bread". My sister heard it too. We are having it engraved.
- hanneke 66: Stiff starter at what hydration? I never got durum to forgive me.
  - bo 38: 50%. And I stopped kneading it like wheat. It looks like a mistake for twenty minutes and then
    it doesn't.
    - hanneke 24: "It looks like a mistake for twenty minutes and then it doesn't" is most of baking.
- grainne 45: Frame the crumbs.
- goran 20: My father is from Split and has not commented on anything since 2009, so I don't know where I
  stand.
  - bo 29: Bake him something and leave the room. It's in how much is missing.
- mirela_k 17: Hands in pockets. Noted, again. I keep hearing it from people whose loaves stand up.
- sunniva 9: Where do you get re-milled durum outside Italy? The semolina here would sand a door.
  - bo 12: There is a wholesaler for pasta shops, semola.example, they sell 5 kg if you ask on a Tuesday.
    Not my shop, no code, moderators please breathe.
    - odile 31: Breathing.
""",
)

MILK_BREAD = T(
    author="sato_r",
    title="Rice cooker milk bread for very small kitchens",
    hours=27,
    flair="recipe",
    score=153,
    down=3,
    body="""
No oven, no stand mixer, 20 minutes of work. The lid trick is the whole secret.

1. Cook 25 g flour in 125 g milk until a spoon leaves a road in it. Let it cool.
2. Add 300 g flour, 30 g sugar, 5 g salt, 4 g dry yeast, one egg, 60 g milk, 30 g soft butter last.
3. Knead by hand until it stops being your enemy, about 12 minutes.
4. Rise in the bowl, divide in four, roll up, rise in the buttered pot of the cooker.
5. One cycle, flip, second cycle. **Chopstick under the lid** for the last ten minutes, or it steams
   itself wet.

It keeps four days. It has never kept four days.
""",
    talk="""
- elin 27: Made this in a dormitory. Three strangers appeared. I have friends now.
- abiodun 18: Which cooker? Mine switches to "warm" after 25 minutes and refuses to be told otherwise.
  - sato_r 14: The cheap ones with a lever: let it click, wait ten minutes, push again. The clever ones
    have a "cake" mode that nobody ever opened the manual for.
    - abiodun 9: There was a cake mode. I have owned this for six years.
- fenwick 7: 30 g of sugar makes it cake and I will die on this hill.
  - jun 16: You may be buried there with butter.
""",
)

THERMOMETER = T(
    author="dmitri_w",
    title="Is a 40 € infrared thermometer good enough for a deck oven?",
    hours=30,
    flair="ovens",
    score=37,
    down=2,
    news={"bo": 1},
    body="""
Mine disagrees with the built-in dial by 35 degrees, and the bread agrees with mine.

The stone is light grey, the walls are bright steel. I know that emissivity matters, I don't know how
much it matters at 250 °C to somebody who only wants to know when to load.
""",
    talk="""
- lutz 22: On stone it is fine, 0.90 to 0.95, error of a few degrees. On the bright steel it sees the
  reflection of your kitchen and means nothing. Point it at stone only.
- ada 15: If you want to check it: boiling water in a *black* pot. It should say 96 to 98 at the surface.
  - dmitri_w 8: It said 97. I now trust the gun and have started to doubt the rest of my life.
- petra_z 4: Tape a thermocouple to the stone once, write down the offset, forget the matter.
""",
)

STARTER = T(
    author="hanneke",
    title="Nine years of one starter: what changed, what never did, and the month I nearly lost it",
    hours=340,
    flair="write",
    score=611,
    down=7,
    edited=True,
    body="""
I keep a log. Most of it is boring, which turns out to be the lesson.

**What changed.** The flour (four mills), the jar (three broken), the city (twice), and the smell, which
was green apple for two years and has been yoghurt since.

**What never did.** The time from feed to peak at 25 °C: between 4 h 10 and 5 h 00, in 411 entries. I had
expected drift. There is none.

**The month I nearly lost it.** Orange streak, August, a jar that somebody had put a wet spoon into. I
threw it out and started again from flakes that I had dried on baking paper three years before. They
woke in 40 hours. Dry some of yours tonight, it costs one teaspoon and a sheet of paper.

> A starter is not a pet. It is a habit that bubbles.
""",
    talk="""
- tomasz 97: 411 entries. I can't keep a log of my own birthdays.
- wren 44: Dried mine after reading this, as a sheet you can snap. Labelled it and put it with the
  passports.
  - hanneke 31: With the passports is exactly right.
- kestrel 12 (down 9): Is it even the same starter after a year? The flour brings its own population.
  - hanneke 40: I used to care about this question. Then I noticed that the bread doesn't.
    - maren 18: Somebody at our institute sequenced a few dozen of these. The species stay for years, the
      strains come and go. So: yes and no, which suits both of you.
- mirela_k 22: What did you name it?
  - hanneke 50: After nobody.
""",
)

SUB = S(
    slug="breadmaking",
    title="Bread making",
    description="Flour, water, salt, and arguments about the rest. Show your crumb, and write down what you did.",
    icon="wheat",
    hue=5,
    about="""
Sourdough and yeast, ovens and pans, mills and wheat.

Beginners are welcome every day of the week. Say what you did and we can help; say that it failed and
we can only be sorry.
""",
    flairs=[
        ("help", "Help", 5),
        ("crumb", "Crumb shot", 6),
        ("recipe", "Recipe", 1),
        ("grain", "Grain and mill", 6),
        ("ovens", "Ovens", 8),
        ("bake", "Bake-along", 4),
        ("write", "Write-up", 2),
    ],
    rules=[
        ("Say what you did: flour, water, time, heat.", ""),
        ("Criticise the loaf, not the baker.", ""),
        ("No selling, no referral links.", "A name is help, a code is an advert."),
        ("Medical claims need a source.", ""),
        ("Old family recipes: name the family.", ""),
    ],
    people=["ada", "bo", "hanneke", "mirela_k", "oyelaran", "tomasz", "sato_r", "grainne"],
    mods=["odile", "wren"],
    size=620,
    threads=[PUDDLE, BAKE_ALONG, FOUR_WAYS, ALTAMURA, MILK_BREAD, THERMOMETER, STARTER],
)
