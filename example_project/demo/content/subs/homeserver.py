from __future__ import annotations

from ..model import S, T

BACKUP = T(
    author="dmitri_w",
    title="Where does your off-site backup live? Be honest",
    hours=9,
    flair="backup",
    score=177,
    down=2,
    news={"bo": 7},
    body="""
* A disk at a relative's house
* Object storage, encrypted first
* A second box at work (they know)
* Nowhere yet, and I think about it at night

Answer with the line and how long it is since you last restored something from it. The second half is
the real question.
""",
    talk="""
- petra_z 58: Disk at my sister's, swapped every Christmas. Last restore: never. I have just gone quite cold.
  - dmitri_w 44: That's what the thread is for. Restore one folder this weekend. One.
    - petra_z 39: Restored one folder. It took four hours, because the key to decrypt it was on the machine
      that the backup is of.
      - wim 51: Printed keys. In the same folder as the passports.
        - tomasz 20: That folder has a starter in it as well, in my house.
      - samir 14: I felt this in my whole spine.
- bo 26: Nowhere yet, and I think about it at night. It's why I'm up.
  - dmitri_w 18: How much is it?
    - bo 15: 900 GB of photos, 2 GB that I'd actually cry about.
      - dmitri_w 33: Then back up the 2 GB tonight. The other 898 can be a project, the 2 can't.
        - bo 28: Done. It was eleven minutes. I've been not doing this for four years.
- goran 12: Object storage, encrypted first. Last restore: nine days ago, because I deleted the wrong
  volume. 100% of files, 60% of dignity.
- anneke 9: Second box at work (they know). They know because it was on the monitoring dashboard as
  "unidentified, friendly".
- lise 7: Is a USB stick in the car off-site?
  - wim 11: It's off-site and on-fire, statistically.
""",
)

QUIET = T(
    author="anneke",
    title="My whole rack draws 19 W and I can hear the clock again. What went, what stayed",
    hours=26,
    flair="build",
    score=232,
    down=6,
    votes={"bo": 1},
    saved=["bo"],
    news={"bo": 0},
    body="""
Out: a dual-socket thing from an auction (140 W idle), a switch with a fan in it, four spinning disks
that nobody had asked anything since spring.

In: one small board with eight cores, two SSDs in a mirror, a passive switch. The old disks are the
backup now, in a box that wakes on Sundays, copies, and goes back to sleep.

Measured at the wall over a week: **19.2 W on average**, against 171 before. At our price that is about
400 € a year, so the new parts pay for themselves next autumn.
""",
    talk="""
- wim 37: The auction server is the gym membership of this hobby.
  - anneke 29: I did feel stronger when I bought it.
- samir 16: Wakes on Sundays how? Mine won't come back from suspend with the disks attached.
  - anneke 22: It doesn't suspend, it's off. A 6 € timer socket and "power on after AC loss" in the
    firmware. The script ends in `poweroff`.

    ```
    zpool import cold && zfs send -I @last tank@now | zfs recv -u cold/tank
    zpool export cold && poweroff
    ```
    - samir 14: A timer socket. I've been writing systemd units for a month.
    - dmitri_w 10: Check the exit code before the `poweroff` or one day it'll be very quietly empty.
      - anneke 12: It writes to the lamp in the hall: green or it didn't happen.
- zofia 8 (down 2): ECC?
  - anneke 11: Yes. It was the one thing that made the board expensive.
""",
)

DNS = T(
    author="lise",
    title="It was DNS, and I have the timestamps to prove that I looked there last",
    hours=63,
    flair="story",
    score=154,
    body="""
19:02 the doorbell is offline. 19:10 I restart the doorbell. 19:40 I restart the access point. 20:15 I
have the switch open on the table. 21:50 the children ask whether the internet is closed.

22:31 the resolver's disk is full. Of logs. About the doorbell.
""",
    talk="""
- goran 45: A perfect circle.
- wim 31: "Whether the internet is closed" is how I shall report outages from now on.
- zofia 19: `logrotate` is a gift one gives to oneself after the funeral.
  - lise 14: It is installed. It is configured. It has a child-safe lid.
""",
)

SHARED = T(
    author="bo",
    title="What do you host for people who aren't you, and how did you get out of it again?",
    hours=18,
    flair="talk",
    score=89,
    down=1,
    news={"bo": 2},
    body="""
I gave my brother a calendar. Now I'm on call for a calendar. It's for six people, one of them is at sea,
and they've started to say "the cloud" when they mean the cupboard in my hall.
""",
    talk="""
- anneke 40: Photos for the village choir. I got out by dying, in software: an expiry date in the footer
  from day one. Nobody believed it, and then it came.
  - bo 22: What happened on the day?
    - anneke 27: Two people had exported, one brought a cake, and one asked for the URL of the old one.
- petra_z 24: I charge. 5 € a month, per person, to the animal shelter. Four of six left. The two who
  stayed file excellent bug reports.
  - bo 13: This is genius and I'm going to do it with goats.
- dmitri_w 16: You don't get out, you get a second admin. Teach the one who's at sea.
  - bo 19: He *does* have the most free time.
""",
)

SUB = S(
    slug="homeserver",
    title="Home servers",
    description="Small machines in cupboards, and the people who are on call for them.",
    icon="server",
    hue=2,
    about="Say what it draws at the wall. Say when you last restored a backup.",
    flairs=[
        ("backup", "Backup", 7),
        ("build", "Build", 1),
        ("story", "Story", 4),
        ("talk", "Talk", 2),
    ],
    rules=[
        (
            "No credentials in screenshots.",
            "We will remove it, and you will still have to change them.",
        )
    ],
    people=["bo", "dmitri_w", "anneke", "wim", "samir", "petra_z", "lise"],
    mods=["anneke"],
    size=360,
    threads=[BACKUP, QUIET, DNS, SHARED],
)
