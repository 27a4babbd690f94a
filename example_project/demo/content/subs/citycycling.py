from __future__ import annotations

from ..model import S, T

COUNTERS = T(
    author="noor",
    title="Eight years after the circulation plan: what the bike counters on our ring road actually say",
    hours=7,
    url="https://kerbside.example/counters/eight-years",
    flair="data",
    score=329,
    down=21,
    saved=["ada"],
    votes={"bo": 1},
    news={"ada": 12, "bo": 2},
    body="""
I have pulled the hourly numbers of all eleven loops on the ring, cleaned out the three that count
trams, and plotted them against rain and petrol prices. Short version: the jump everybody remembers is
mostly *new* trips inside the ring, not old ones that moved. Long version and the notebook behind the
link.
""",
    talk="""
- ronan 84: Thank you for throwing out the tram loops. Half the articles about this city are about trams.
  - noor 51: Loop 7 recorded 400 bicycles at 04:10 on New Year's morning. It is a depot.
- wim 47: I ride past loop 3 every day. It doesn't count you if you take the dip at the edge of the
  asphalt, which everyone does because the middle is broken. So that one is low by, I'd guess, a third.
  - noor 39 (ada up): I have stood there with a clicker for an hour: 212 by hand, 158 by loop. I scaled it and
    say so in the notes, but an hour is an hour. If four people would do one more each, I could publish
    an error bar instead of a shrug.
    - ada 28: Thursday 08:00 to 09:00, I'm in.
      - bo 19: Friday, same hour, and I'll bring coffee for whoever has the clicker on Saturday.
        - noor 22: @ada @bo you're on the list. Count both directions, scooters as their own column.
          - ada 8: Cargo bikes?
            - noor 14: One bicycle. Children on board are counted as joy.
    - tove 11: I can do Sunday, though Sunday at eight is me and two swans.
- calder 23 (down 44): Nobody "chose" a bicycle. You made driving miserable and then measured that
  people stopped. Congratulations on the graph.
  - noor 58: Honest answer: partly, yes. The plan made short car trips longer. What the numbers can't say is
    whether you were one of those who swapped gladly. What they do say is that trips went up, in all,
    by 9%, so it isn't only fewer cars.
    - calder 30: Fair, and better than the answer I usually get. My mother can't cycle, though, and the
      detour to her is eleven minutes.
      - ines_q 41: That one is real. The exemption for carers exists and almost nobody knows; the form is two
        pages. I can send it to you.
        - calder 35: Please do. I'll even read the graph again.
  - goran 6 (down 15): You can drive. You just can't drive *through*.
    - calder 5: And my mother can't live *around*.
- lutz 26: Petrol price as a regressor for winter months only, with five winters? I'd be careful there.
  - noor 20: So would I, now that you say it. I'll drop that panel and see what is left standing.
    - lutz 17: This is the first time in twenty years that somebody on the internet has dropped a panel.
- yara 13: Any chance of the raw files as CSV? The city portal gives me a login page and then despair.
  - noor 18: In the repository, folder `raw`. 41 MB. The despair I have kept for myself.
""",
)

CAPE = T(
    author="hanneke",
    title="Rain cape or jacket? One winter of commuting in both, with a wet-socks count",
    hours=49,
    flair="gear",
    score=271,
    down=5,
    votes={"ada": 1},
    news={"ada": 3},
    body="""
Forty-one rides, nineteen of them in rain. The cape wins below eight degrees and loses in crosswind, by
a lot.

| | Cape | Jacket and trousers |
|---|---:|---:|
| Rides in rain | 10 | 9 |
| Wet socks | 2 | 7 |
| Wet from sweat | 1 | 6 |
| Nearly sailed into the canal | 1 | 0 |
| Time to dress | 20 s | 3 min |

I keep both. The cape hangs by the door.
""",
    talk="""
- esme_t 62: Hem weights. Four old washers in the front seam and it stops flying. I have done a dozen for
  friends and nobody has been in the canal since.
  - hanneke 33: Washers are in. Will report after the next storm, or the fire brigade will.
- wim 28: Nobody mentions that a cape makes you invisible from the side if it covers your lights. Put one
  on the fork.
  - noor 21: And on the helmet, if you wear one. A lit cape is otherwise a grey mountain.
- rasmus 14: Wet socks 7 of 9 means your mudguards are too short, not that the jacket is bad.
  - hanneke 18: I measured. They are too short. I am annoyed at how often this sub is right.
- bo 9: What about the people who get wet *inside* the shop, taking the cape off.
  - hanneke 12: We are known to the shops.
""",
)

HUB = T(
    author="tove",
    title="Three-speed hub slips only in second, only uphill, only on Mondays",
    hours=15,
    flair="workshop",
    score=118,
    down=1,
    body="""
It is a very ordinary three-speed from 2011. First and third are fine. Second lets go under load with a
bang that the whole street knows by now.

The Monday part is real. It stands outside from Friday evening.
""",
    talk="""
- rasmus 71 (ada up): Cable tension. Second is the only gear where the indicator has to sit exactly right; first is
  slack and third is pulled home. Put it in second, look through the window on the end of the axle, and
  turn the barrel until the shoulder of the rod is level with the end of the axle.
  - tove 34: It was four turns out. Four. It has been on the bike like that since I bought it.
    - rasmus 27: And the Mondays?
      - tove 41: Housing is split by the brake bridge. It rains at the weekend, the cable swells with rust,
        by Tuesday I have pulled it dry. I feel like a detective.
        - noor 30: I came for one answer about a bicycle hub and stayed four years for the people who had it.
- goran 9: Before you ride it again: if it banged often under load, have the pawls looked at. They chip.
  - tove 7: Ordered a new spring set for 6 €. The old ones look like they've been chewed.
""",
)

LIGHTS = T(
    author="ronan",
    title="The crossing at Mill Street now turns green before you arrive. I asked how, and they told me",
    hours=21,
    flair="streets",
    score=240,
    down=3,
    news={"bo": 0},
    body="""
There is a loop 60 m up the lane and a timer: 60 m at 18 km/h is twelve seconds, so the request goes in
twelve seconds early. Ride at 18 and you roll through. Ride at 25 and you wait for your own ghost.

The engineer who answered was delighted that somebody had noticed. She has asked which crossing should
be next.
""",
    talk="""
- elin 44: The one by the school. It gives children nine seconds for fourteen metres.
  - ronan 38: Sent, with your sentence in quotes. It's a good sentence.
- ada 26: 18 km/h is a lovely design speed. It's exactly how fast I go when I'm not late.
  - wim 19: And 25 is how fast one goes when the loop has taught one to sprint. It *will* be gamed.
    - ada 11: Then they will arrive at red and learn patience. I see no losers.
- samir 8: Does it see carbon rims? The loops here don't.
  - ronan 10: She says it sees the bottom bracket, if you ride over the edge of the loop and not through
    the middle. There are three little diamonds painted there now.
""",
)

HELMET = T(
    author="bexley",
    title='Can we stop replying "where is your helmet" to every photo in this sub',
    hours=33,
    flair="meta",
    score=12,
    down=171,
    votes={"bo": 1, "ada": -1},
    body="""
Somebody posts their first bicycle in ten years and gets fourteen replies about their head. We are
frightening people away, and the evidence for upright city riding is nowhere near as clear as the tone.
""",
    talk="""
- petra_z 31 (down 38): I work in a rehabilitation ward. I will go on saying it.
  - bexley 40 (down 12): And I'm not asking you to think otherwise. I'm asking whether a stranger's first
    photo is the place.
    - petra_z 28: Under the photo, no. I can agree to that much.
- noor 66: Proposal for the rules: helmets, yes or no, have one thread a month. Everywhere else, talk about
  what was asked.
  - ronan 35: Seconded, and I wear one.
- calder 4 (down 33): Another thing we're not allowed to say.
  - noor 22: You may say it on the first of each month at any length.
""",
    locked=True,
    reason="Everything has been said, by everybody. The monthly thread opens on the 1st.",
)

MAP = T(
    author="ines_q",
    title="A map of every bench within 200 m of a repair stand, because I needed to sit down",
    hours=92,
    url="https://benches.example/map",
    flair="data",
    score=97,
    talk="""
- wim 20: This is the most humane map I have seen.
- tove 8: The one at the harbour has no pump any more, only a chain where the pump was.
  - ines_q 6: Marked as "chain". Thank you.
""",
)

SUB = S(
    slug="citycycling",
    title="City cycling",
    description="Getting about by bicycle where other people live: streets, gear, repairs, counting.",
    icon="bike",
    hue=1,
    about="For people who ride to get somewhere. Lycra is welcome if it is on its way to work.",
    flairs=[
        ("data", "Data", 2),
        ("gear", "Gear", 8),
        ("workshop", "Workshop", 5),
        ("streets", "Streets", 1),
        ("meta", "About this sub", 4),
    ],
    rules=[
        ("Answer what was asked.", "Helmets have a thread of their own on the 1st of the month."),
        ("No attacks on people.", "On parking, if you must."),
        ("Say which city.", "Rules of the road differ more than opinions do."),
    ],
    people=["ada", "bo", "noor", "hanneke", "wim", "tove", "ronan"],
    mods=["noor"],
    size=540,
    threads=[COUNTERS, CAPE, HUB, LIGHTS, HELMET, MAP],
)
