from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from threadflow_core import ids
from threadflow_core.app_settings import CoreSettings, app_settings
from threadflow_core.ids import PublicIds, uuid7

THREADS, COMMENTS = PublicIds("forum.thread"), PublicIds("forum.comment")
KEYS = st.integers(0, 2**63 - 1)


@given(KEYS)
@example(0)
@example(2**63 - 1)
def test_what_was_encoded_is_decoded(pk):
    public = THREADS.encode(pk)
    assert THREADS.decode(public) == pk
    assert len(public) >= 6 and public.isalnum() and public.isascii()


@given(st.one_of(st.text(max_size=40), st.text(CoreSettings.ID_ALPHABET, max_size=32)))
@example("")
@example("a" * 33)
@example("ä")
def test_any_other_text_is_nothing_or_canonical(text):
    found = THREADS.decode(text)
    assert found is None or THREADS.encode(found) == text


@given(KEYS, st.integers(0, 30), st.characters())
def test_a_changed_letter_is_never_another_spelling_of_the_same_row(pk, place, letter):
    public = THREADS.encode(pk)
    changed = public[: place % len(public)] + letter + public[place % len(public) + 1 :]
    if changed != public:
        assert THREADS.decode(changed) != pk


def test_kinds_cannot_be_mixed_up():
    same = [n for n in range(2_000) if THREADS.encode(n) == COMMENTS.encode(n)]
    assert len(same) < 5


def test_keys_too_large_for_a_row_are_nothing():
    assert THREADS.decode("Z" * 32) is None
    codec = ids._codec(app_settings.ID_ALPHABET, app_settings.ID_MIN_LENGTH, THREADS.kind)
    assert THREADS.decode(codec.encode([1, 2])) is None


def test_the_alphabet_is_a_setting(settings):
    before = THREADS.encode(7)
    settings.THREADFLOW_CORE = {"ID_ALPHABET": "abcdefghij", "ID_MIN_LENGTH": 10}
    after = THREADS.encode(7)
    assert after != before and len(after) >= 10 and set(after) <= set("abcdefghij")
    assert THREADS.decode(after) == 7


def test_public_ids_never_change():
    """Links live for ever: these come from the first release."""
    assert [THREADS.encode(n) for n in (1, 2, 10**6)] == ["WN3nCd", "YnKwjQ", "nHmgCR"]


def test_uuid7_is_ordered_by_time_and_of_the_standard_type():
    made = [uuid7() for _ in range(2_000)]
    assert made == sorted(made) and len(set(made)) == 2_000
    assert {u.version for u in made} == {7}


@pytest.mark.parametrize("bad", ["../x", "a b", "%00", "١٢٣٤٥٦"])
def test_hostile_paths(bad):
    assert THREADS.decode(bad) is None
