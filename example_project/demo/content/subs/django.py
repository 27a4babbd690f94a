from __future__ import annotations

from ..model import S, T, chain

FUNCTIONS = T(
    author="lutz",
    title="We turned 40 class-based views into plain functions. Notes after a year of living with it",
    hours=11,
    flair="write",
    score=312,
    down=64,
    votes={"ada": 1},
    news={"ada": 3},
    body="""
The diff was minus 1,900 lines, but that is not why I would do it again. New people find the query now:
it sits in the function that renders the page, not in a mixin three files up.

Before:

```python
class InvoiceList(TeamMixin, FilterMixin, ExportMixin, ListView):
    model = Invoice
    paginate_by = 50
```

After:

```python
@team_member_required
def invoice_list(request, team):
    invoices = team.invoices.open_first().select_related("customer")
    form = InvoiceFilter(request.GET)
    if form.is_valid():
        invoices = form.apply(invoices)
    if request.GET.get("format") == "csv":
        return csv_response(invoices)
    return render(request, "invoices/list.html", {"page": paginate(request, invoices), "form": form})
```

What I miss: `dispatch` as one place for a rule about *all* methods. What I don't miss: asking an editor
where `get_context_data` comes from and being offered six answers.
""",
    talk="""
- abiodun 102: The line count is a side effect. "One function, read from top to bottom" is the feature.
  - lutz 47: I should have made that the title and saved everybody 1,900 lines.
- petra_z 58 (down 21): Devil's advocate, with fifteen years of devilry: you did not have a class problem, you had a
  mixin problem. `ListView` with one method overridden is perfectly readable.

  ```python
  class InvoiceList(ListView):
      def get_queryset(self):
          return self.request.team.invoices.open_first()
  ```
  - lutz 40: Agreed on the diagnosis. My trouble was that the one-method version never stayed a
    one-method version. The mixin is always the cheapest next step.
    - petra_z 29: That is a culture problem.
      - lutz 36: Yes, and functions changed the culture more cheaply than I could have.
        - kofi 24: Screenshot taken, for the next architecture meeting.
- ada 33: How did you handle the four views that really do share a life cycle? We have a wizard where the
  base class earns its keep.
  - lutz 27: We kept those. 40 of 46. The last six are classes and nobody wants them otherwise.
    - ada 19: Then the post should say "we stopped reaching for classes by default", which is easier to sell at
      my place.
- priya_n 21: Type checkers are so much happier, too. `self.request.user` as `User | AnonymousUser` in
  every method versus one `assert` at the top of a function.
- ludo 14 (down 9): Next year: "We turned 40 functions into classes and removed 1,900 lines."
  - lutz 18: I have the branch ready.
- kofi 11: What did the tests do?
  - lutz 15: Nothing! They go through the client, so they neither knew nor cared. That's the part I am
    proudest of and it was done by somebody else in 2019.
""",
)

UNION = T(
    author="ada",
    title="select_related across a union: is there really no way, or am I too tired to see it?",
    hours=31,
    flair="question",
    score=57,
    down=2,
    news={"ada": 1},
    body="""
I have two querysets of the same model, each with a sensible index, and want the newest twenty of both:

```python
mine = Entry.objects.filter(author=user)
named = Entry.objects.filter(mentions=user)
newest = mine.union(named).order_by("-created_at")[:20]
newest.select_related("author")   # NotSupportedError
```

With `|` instead of a union PostgreSQL gives up on both indexes and walks the table. Two queries for the
ids and a third for the rows works and feels like a defeat.
""",
    talk="""
- lutz 61 (ada up): Three queries isn't a defeat, it's one more than you want. Put the `select_related` *inside*:

  ```python
  ids = mine.order_by("-created_at").values("pk")[:20].union(
      named.order_by("-created_at").values("pk")[:20]
  )
  Entry.objects.filter(pk__in=ids).select_related("author").order_by("-created_at")[:20]
  ```

  One query, both indexes, at most forty keys to look up. SQLite wants each sliced half wrapped in a
  subquery, so test there if you support it.
  - ada 30: That's it. 212 ms to 3. I will now go to bed with this thought.
  - priya_n 12: Mind `UNION` against `UNION ALL`: `.union(..., all=True)` skips a sort if you can live with
    the duplicate key, and here `IN` doesn't care.
    - lutz 14: Good catch, and it shows in the plan.
- kofi 9: Slightly off topic, but `EXPLAIN (ANALYZE, BUFFERS)` on the `|` version is a great teaching
  example of why OR is expensive. Could I borrow it?
  - ada 7: Borrow away.
""",
)

MIGRATIONS = T(
    author="priya_n",
    title="Squashed 214 migrations into 9 without stopping anything. The order that worked",
    hours=76,
    flair="write",
    score=188,
    down=3,
    saved=["ada"],
    body="""
1. Freeze: nobody merges a migration on a Thursday.
2. Move every `RunPython` that had done its duty into a management command with its own test, and leave
   `RunPython.noop` behind.
3. `squashmigrations` per app, **leaves first**, roots last. The circular ones get split by hand: models
   first, foreign keys in a second file.
4. Ship with `replaces` in place. Wait until every database you own has recorded the new names.
5. Only then delete the old files and the `replaces` line.

Step 4 took eleven days, because one staging database belonged to somebody on parental leave.
""",
    talk="""
- petra_z 44: Step 5 is where people die. How did you *know* that every database had recorded them?
  - priya_n 39: A health check that compares the recorded names with the files and reports the difference.
    It has stayed. Twelve lines, no regrets.
    - samir 8: Would you share the twelve lines?
      - priya_n 22:

        ```python
        loader = MigrationLoader(connection)
        recorded = set(loader.applied_migrations)
        known = set(loader.disk_migrations)
        strays = recorded - known
        ```

        The other eight are words.
- ludo 17: 214 to 9. Test start-up before and after?
  - priya_n 19: 71 s to 12 s on the slow machine. I could have led with that, I see now.
""",
)

QUEUE = T(
    author="kofi",
    title="You may not need a task queue: an outbox table got us to 40 jobs a second",
    hours=55,
    url="https://notes.example/kofi/outbox",
    flair="write",
    score=143,
    down=31,
    news={"ada": 6},
    body="""
A row in the same transaction as the change, `FOR UPDATE SKIP LOCKED`, one small worker. It survives what
a `delay()` after commit does not: the process dying between the two lines.
""",
    talk="""
- lutz 49: The "between the two lines" paragraph should be read aloud at every stand-up. We lost 31 e-mails
  that way before anybody believed me.
- petra_z 27: 40 a second until vacuum can't keep up with the dead rows. Then it's 4. Partition by day and
  drop, don't delete.
  - kofi 25: We found that at 3 a.m., so yes. Daily partitions now.
- ludo 8 (down 14): Reinventing a queue, badly, with SQL, chapter 900.
  - kofi 21: Chapter 901: it has been up for two years and I understand all of it.
- ada 18: What wakes the worker? Polling every second feels wrong and LISTEN feels fragile.
  - kofi 16: Both. LISTEN for speed, a poll every ten seconds because LISTEN connections die silently.
""",
)

FORTY = T(
    author="ludo",
    title="Is it normal that one ModelForm has 41 fields? Asking for a friend who is a bank",
    hours=140,
    flair="question",
    score=36,
    body="They want it on one page. On a phone. I have stopped sleeping and started drawing boxes.",
    comments=chain("""
- petra_z 21: It's normal at banks. It isn't good at banks either.
- ludo 15: They say that splitting it would confuse the customers.
- petra_z 13: Do they have customers who finished it?
- ludo 19: 23%.
- petra_z 22: Then 77% are already confused, and gone.
- ludo 9: I'll put that on the slide. Who should I say said it?
- petra_z 12: A friend who is a form.
- kofi 10: Model per step, draft saved after each, the bank's 41 fields as a *review page* at the end.
  They get their one page and the customers get five short ones.
- ludo 14: That is devious. They'll love it.
- kofi 8: It's what a paper form in a branch is: a person asks you five things at a time.
- ludo 11: Update, two weeks later: shipped as an experiment. 61%.
- petra_z 17: Tell the bank that the form sends its regards.
- ada 9: I needed this thread for other reasons. Thank you, bank.
- ludo 5: The bank has asked whether there could be 44 fields.
- petra_z 14: And there it is.
- kofi 4: Five steps of nine. Nobody will notice.
- ludo 6: Somebody will. It'll be me, in a year, reading `forms_final_2.py`.
- petra_z 5: Name it `forms.py`, delete the others today, and you'll only have to read one.
- ludo 4: You talk as if deleting were allowed here.
- kofi 5: Version control was invented so that it is.
- ludo 3: I deleted three files. Nothing happened.
- petra_z 6: That's how it always goes. The fear was the feature.
- ada 3: Framing "the fear was the feature" next to "named after nobody" from the bread people.
- ludo 2: We should have a thread for sentences from other threads.
- kofi 3: We have this one now.
- petra_z 2: It was about a form, once.
- ludo 3: It was about 41 fields.
- ada 2: 44.
- ludo 4: 46. They wrote again this morning.
- kofi 6: Then it's ten steps of nothing much, and you sleep.
- ludo 5: Good night, all. Good night, bank.
- petra_z 4: Good night, form.
"""),
)

SUB = S(
    slug="django",
    title="Django",
    description="The web framework, and the decisions that it leaves to us.",
    icon="braces",
    hue=6,
    about="""
Questions with code get answers with code. Paste the smallest thing that shows it, and the version:

```
python -m django --version
```
""",
    flairs=[
        ("question", "Question", 2),
        ("write", "Write-up", 6),
        ("release", "Release", 1),
        ("jobs", "Work", 8),
    ],
    rules=[
        ("Code as text, not as a picture.", "People paste it into a shell to help you."),
        ("Say the version.", ""),
        ("No recruiting outside the monthly thread.", ""),
    ],
    people=["ada", "lutz", "petra_z", "priya_n", "kofi", "ludo", "abiodun"],
    mods=["priya_n"],
    size=480,
    threads=[
        FUNCTIONS,
        UNION,
        MIGRATIONS,
        QUEUE,
        FORTY,
        T(
            author="samir",
            title="Do you run makemigrations --check in CI, and does it ever fail for the right reason?",
            hours=2.2,
            flair="question",
            score=0,
        ),
        T(
            author="growth_ninja",
            title="I will 10x your Django app for equity, no questions",
            hours=60,
            score=-14,
            down=17,
            state="removed",
            reason="Recruiting belongs into the monthly thread, and so does whatever this is.",
            body="DM me. Serious founders only.",
            talk="""
- petra_z 26: Ten times what?
""",
        ),
    ],
)
