"""Search: one suite that both engines pass, on whichever database the suite runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from threadflow_core import search
from threadflow_core.exceptions import BadCursor
from threadflow_core.models import SearchDocument, Upload
from threadflow_core.search import Document, SearchKind, engines, parse, registry
from threadflow_core.testing import assert_queries, assert_same_queries, race

START = datetime(2026, 1, 1, tzinfo=UTC)


class Library:
    """Groups and uploads dressed up as documents, since core has no texts of its own."""

    def __init__(self):
        self.texts = {}
        self.hidden = set()

    def add(self, title, body="", **facts):
        group = Group.objects.create(name=f"{title[:100]}-{len(self.texts)}")
        at = facts.pop("created_at", START + timedelta(days=len(self.texts)))
        self.texts[group.pk] = Document(title, body, at, **facts)
        search.write("group", [group.pk])
        return group

    def document(self, group):
        return self.texts.get(group.pk)

    def visible(self, person):
        if person.is_authenticated:
            return Group.objects.all()
        return Group.objects.exclude(pk__in=self.hidden)

    def find(self, text, person=None, **more):
        page = search.query(text, person=person or AnonymousUser(), **more)
        return [self.texts[hit.pk].title for hit in page.hits if hit.kind == "group"]


@pytest.fixture
def library(monkeypatch, db):
    made = Library()
    monkeypatch.setattr(registry, "_kinds", {})
    search.register(SearchKind("group", lambda: Group, made.document, made.visible))
    search.register(
        SearchKind(
            "upload",
            lambda: Upload,
            lambda upload: Document(upload.name, "", upload.created_at),
            lambda person: Upload.objects.visible_to(person),
        )
    )
    return made


class TestWords:
    def test_all_words_must_be_there(self, library):
        library.add("Red tomato", "grows in the garden")
        library.add("Red car")
        assert library.find("red garden") == ["Red tomato"]
        assert sorted(library.find("RED")) == ["Red car", "Red tomato"]
        assert library.find("blue") == []

    def test_a_title_outweighs_a_body(self, library):
        library.add("Something else", "a long body that mentions orchids once among other words")
        library.add("Orchids", "a long body that mentions nothing of the kind at all here")
        assert library.find("orchids") == ["Orchids", "Something else"]

    def test_forms_of_a_word(self, library):
        library.add("Voting systems")
        assert library.find("votes") == ["Voting systems"]

    def test_phrases(self, library):
        library.add("one", "the quick brown fox")
        library.add("two", "brown the quick fox")
        assert library.find('"quick brown"') == ["one"]

    def test_a_phrase_that_is_not_closed_yet(self, library):
        library.add("one", "the quick brown fox")
        assert library.find('"quick brown') == ["one"]

    def test_what_is_not_wanted(self, library):
        library.add("apple pie")
        library.add("apple cake", "with cinnamon sugar")
        assert library.find("apple -pie") == ["apple cake"]
        assert library.find('apple -"cinnamon sugar"') == ["apple pie"]
        assert library.find("apple -pie -cake") == []

    def test_names_with_dots_and_dashes_are_their_parts(self, library):
        library.add("see cat.png at www.e.example or well-known_things")
        for text in ("cat", "png", "cat.png", "example", '"well-known things"', "e.example"):
            assert len(library.find(text)) == 1, text

    def test_a_nul_in_a_text_is_no_word(self, library):
        library.add("apple", "a\x00b")
        assert library.find("apple") == ["apple"]

    def test_letters_with_and_without_accents_and_other_scripts(self, library):
        library.add("Grüße aus Köln")
        library.add("мир и труд")
        assert library.find("köln") == ["Grüße aus Köln"]
        assert library.find("мир") == ["мир и труд"]

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "",
                " ",
                "-",
                "-x",
                '"',
                '""',
                "''",
                "((((",
                "))",
                "a AND",
                "NOT",
                "OR OR",
                "*",
                "x*",
            ),
            *(
                "author:",
                "sub:",
                "before:x",
                "a:b",
                "& | ! <->",
                "\\",
                "NEAR(a b)",
                "{a}",
                "^a",
                "%",
            ),
            *("'; DROP TABLE x; --", "a\x00b", "title:x", "-author:ada", "a -", "😀", "a" * 5000),
            *(
                "(" * 10_000,
                "a " * 5_000,
                '"' * 999,
                ":" * 99,
                "\ud800",
                "a \udfff",
                "before:9999-99-99",
            ),
        ],
    )
    def test_any_text_is_a_query(self, library, text):
        library.add("one")
        search.query(text, person=AnonymousUser())

    @hypothesis_settings(
        max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
    )
    @given(st.text(st.sampled_from("ab\"-:*()^&|!<>' \\\ttrueäß%_~+"), max_size=30))
    def test_any_text_is_a_query_in_general(self, library, text):
        search.query(text, person=AnonymousUser())
        search.query(f"apple {text}", person=AnonymousUser())


class TestFacts:
    def test_author_sub_and_tag(self, library):
        library.add("apple one", author="Ada", sub="fruit", tag="news")
        library.add("apple two", author="bo", sub="cakes")
        assert library.find("apple author:ada") == ["apple one"]
        assert library.find("apple author:@ADA") == ["apple one"]
        assert library.find("apple sub:cakes") == ["apple two"]
        assert library.find("apple tag:news") == ["apple one"]
        assert library.find("apple -author:ada") == ["apple two"]
        assert sorted(library.find("apple author:ada author:bo")) == ["apple one", "apple two"]

    def test_a_fact_alone_lists_the_newest_first(self, library):
        for number in range(3):
            library.add(f"n{number}", author="ada")
        assert library.find("author:ada") == ["n2", "n1", "n0"]
        assert library.find("author:ada -n1") == ["n2", "n0"]

    def test_dates(self, library):
        for number in range(4):
            library.add(f"apple {number}")
        found = library.find("apple after:2026-01-02 before:2026-01-04", sort="new")
        assert found == ["apple 2", "apple 1"]

    def test_newest_first_on_demand(self, library):
        library.add("apple apple apple")
        library.add("pear", "apple")
        assert library.find("apple", sort="new") == ["pear", "apple apple apple"]


class TestRights:
    def test_what_is_hidden_is_in_no_page(self, library, django_user_model):
        secret = library.add("apple secret")
        library.add("apple open")
        library.hidden.add(secret.pk)
        member = django_user_model(pk=1, username="ada")
        assert library.find("apple") == ["apple open"]
        assert sorted(library.find("apple", person=member)) == ["apple open", "apple secret"]

    def test_hidden_ones_leave_no_gap_in_a_page(self, library):
        for number in range(6):
            group = library.add(f"apple {number}")
            if number % 2:
                library.hidden.add(group.pk)
        page = search.query("apple", person=AnonymousUser(), limit=3)
        assert len(page.hits) == 3 and page.next is None

    def test_kinds_side_by_side_with_keys_of_both_sorts(self, library, django_user_model):
        ada = django_user_model.objects.create_user("ada")
        library.add("apple")
        upload = Upload.objects.create(owner=ada, size=1, name="apple.png")
        search.write("upload", [upload.pk])
        found = search.query("apple", person=ada)
        assert {(hit.kind, type(hit.pk).__name__) for hit in found.hits} == {
            ("group", "int"),
            ("upload", "UUID"),
        }
        assert [h.pk for h in search.query("apple", person=ada, kinds=["upload"]).hits] == [
            upload.pk
        ]
        assert len(search.query("apple", person=AnonymousUser()).hits) == 1
        assert search.query("apple", person=ada, kinds=[]).hits == []

    def test_an_object_that_is_gone_is_not_found(self, library):
        group = library.add("apple")
        group.delete()
        assert library.find("apple") == []


class TestPages:
    @pytest.mark.parametrize("sort", ["relevance", "new"])
    def test_pages_neither_repeat_nor_skip(self, library, sort):
        for number in range(23):
            library.add(f"apple {number}", "apple " * (number % 4))
        seen, cursor = [], None
        while True:
            page = search.query("apple", person=AnonymousUser(), limit=5, cursor=cursor, sort=sort)
            seen += [hit.pk for hit in page.hits]
            cursor = page.next
            if cursor is None:
                break
        assert len(seen) == len(set(seen)) == 23
        back = search.query(
            "apple", person=AnonymousUser(), limit=5, cursor=page.previous, sort=sort
        )
        assert [hit.pk for hit in back.hits] == seen[15:20]

    def test_a_cursor_of_another_query_is_refused(self, library):
        for number in range(3):
            library.add(f"apple pear {number}")
        cursor = search.query("apple", person=AnonymousUser(), limit=1).next
        with pytest.raises(BadCursor):
            search.query("pear", person=AnonymousUser(), limit=1, cursor=cursor)
        with pytest.raises(BadCursor):
            search.query("apple", person=AnonymousUser(), limit=1, cursor=cursor, sort="new")

    def test_a_page_is_one_query_however_many_there_are(self, library):
        library.add("apple")

        def grow():
            for number in range(30):
                library.add(f"apple {number}")

        def call():
            return search.query("apple", person=AnonymousUser())

        assert assert_same_queries(call, grow) == 1


class TestIndex:
    def test_edits_and_removals_follow_by_a_job(self, library, django_capture_on_commit_callbacks):
        group = library.add("apple")
        library.texts[group.pk] = Document("pear", "", START)
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            search.index("group", group.pk)
        assert library.find("apple") == [] and library.find("pear") == ["pear"]
        del library.texts[group.pk]
        with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
            search.index("group", group.pk)
        assert SearchDocument.objects.count() == 0

    def test_remove_is_at_once(self, library):
        group = library.add("apple")
        search.remove("group", group.pk)
        search.remove("group", group.pk)
        assert library.find("apple") == [] and not SearchDocument.objects.exists()

    def test_writing_twice_keeps_one_document(self, library):
        group = library.add("apple")
        search.write("group", [group.pk])
        assert SearchDocument.objects.count() == 1
        assert library.find("apple") == ["apple"]

    def test_a_job_of_a_package_that_is_gone_does_nothing(self, library):
        from types import SimpleNamespace

        from threadflow_core import utility_jobs

        utility_jobs.write_document(SimpleNamespace(payload={"kind": "gone", "pk": "1"}))
        assert not SearchDocument.objects.exists()

    def test_rebuild(self, library, capsys):
        for number in range(3):
            library.add(f"apple {number}")
        SearchDocument.objects.all().delete()
        assert library.find("apple") == []
        call_command("threadflow_reindex", "group")
        assert capsys.readouterr().out == "group: 3\n"
        assert len(library.find("apple")) == 3
        with pytest.raises(CommandError, match="Unknown kind"):
            call_command("threadflow_reindex", "king")

    def test_a_rowid_used_before_brings_no_old_words_back(self, library):
        """Rows that were deleted behind our back (a flush) leave words; their place is reused."""
        first = library.add("apple")
        row = SearchDocument.objects.get()
        SearchDocument.objects.all().delete()
        SearchDocument.objects.create(pk=row.pk, kind="group", number=first.pk, created_at=START)
        engines.engine().write([(row.pk, "pear", "")])
        assert library.find("apple") == []

    @pytest.mark.django_db(transaction=True)
    def test_writers_at_once_leave_one_document(self, library):
        group = library.add("apple")
        race(lambda n: search.write("group", [group.pk]), 6)
        assert SearchDocument.objects.count() == 1
        assert library.find("apple") == ["apple"]

    def test_writing_many_costs_as_many_statements_as_writing_one(self, library):
        pks = [library.add(f"apple {number}").pk for number in range(40)]
        with assert_queries(at_most=4):
            search.write("group", pks)
        del library.texts[pks[0]]
        search.write("group", pks)
        assert SearchDocument.objects.count() == 39

    def test_rebuilding_in_slices_reads_all(self, library, monkeypatch):
        from threadflow_core.search import services

        for number in range(7):
            library.add(f"apple {number}")
        monkeypatch.setattr(services, "SLICE", 3)
        assert search.rebuild("group") == 7
        assert len(library.find("apple")) == 7


@pytest.mark.postgres
def test_postgres_reads_the_words_from_their_index(library):
    for number in range(300):
        library.add(f"word{number}")
    found = engines.engine().matching(SearchDocument.objects.all(), parse("word7"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE threadflow_core_searchdocument")
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "tf_search_words" in found.order_by("-rank", "-id").explain()


def test_another_database_has_no_engine(monkeypatch, db):
    from django.core.exceptions import ImproperlyConfigured

    monkeypatch.setattr(engines, "_ENGINES", {})
    with pytest.raises(ImproperlyConfigured):
        engines.engine()


class TestGrammar:
    def test_parts(self):
        query = parse('red "big car" -old author:@Ada sub:cars tag:news after:2026-01-02 -sub:x')
        assert query.wanted == ("red", "big car")
        assert query.unwanted == ("old",)
        assert (query.authors, query.subs, query.tags) == (("ada",), ("cars",), ("news",))
        assert query.not_subs == ("x",)
        assert query.after == datetime(2026, 1, 2, tzinfo=UTC) and query.before is None

    def test_names_in_quotes(self):
        assert parse('author:"ada lovelace"').authors == ("ada lovelace",)

    def test_a_date_that_is_none_is_a_word(self):
        assert parse("before:lunch").wanted == ("lunch",)

    @pytest.mark.parametrize("text", ["", "-x", "before:2026-01-01", "-author:ada", "--", "! ?"])
    def test_asking_for_nothing_in_particular(self, text):
        assert parse(text).is_empty

    def test_long_queries_are_cut(self):
        assert len(parse("word " * 1_000).wanted) <= 20

    @given(st.text(max_size=500))
    def test_any_text(self, text):
        parse(text)


class TestHighlight:
    def test_marks_what_was_found(self):
        html = search.highlight("They voted & <b>votes</b>", parse("vote"))
        assert html == ("They <mark>voted</mark> &amp; &lt;b&gt;<mark>votes</mark>&lt;/b&gt;")

    def test_shows_the_part_around_the_first_hit(self):
        html = search.highlight("x " * 400 + "apple " + "y " * 400, parse("apple"), 60)
        assert html.startswith("…") and html.endswith("…")
        assert "<mark>apple</mark>" in html and len(html) < 90

    def test_without_a_hit_the_beginning(self):
        assert search.highlight("abc def", parse("author:ada")) == "abc def"

    @given(st.text(max_size=200), st.text(max_size=20))
    def test_never_lets_markup_through(self, text, words):
        html = search.highlight(text, parse(words))
        rest = html.replace("<mark>", "").replace("</mark>", "")
        assert "<" not in rest and ">" not in rest
