from __future__ import annotations

import pytest
from django.contrib.auth.models import Group

from threadflow_core import idempotency, ports, privacy
from threadflow_core.models import FeatureHold, FeatureUse, IdempotencyKey, Report, Upload


def test_every_model_with_a_link_to_a_person_has_an_entry():
    assert privacy.unregistered_models() == []


def test_a_forgotten_model_is_found(monkeypatch):
    known = {k: v for k, v in privacy._entries.items() if k != "threadflow_core.upload"}
    monkeypatch.setattr(privacy, "_entries", known)
    assert privacy.unregistered_models() == ["threadflow_core.Upload"]


def test_an_entry_does_both_or_says_why():
    with pytest.raises(ValueError, match="say why"):
        privacy.register("x.Y", export=lambda person: [])


@pytest.fixture
def ada(django_user_model, db):
    ada = django_user_model.objects.create_user("ada")
    bo = django_user_model.objects.create_user("bo")
    group = Group.objects.create(name="g")
    for person in (ada, bo):
        FeatureUse.objects.create(person=person, feature="f", period="2026-01", used=3)
        FeatureHold.objects.create(key=person.username, person=person, feature="f", amount=1)
        ports.report(group, person, f"from {person}")
        Upload.objects.create(owner=person, size=1, name=f"of-{person}.png")
        idempotency.run("k", "POST /", "", idempotency.Answer, owner=f"u:{person.pk}")
    return ada


def test_the_export_holds_what_is_theirs_and_nothing_else(ada):
    found = list(privacy.export(ada))
    assert {label for label, _ in found} == {
        "threadflow_core.FeatureHold",
        "threadflow_core.FeatureUse",
        "threadflow_core.Report",
        "threadflow_core.Upload",
    }
    assert "of-ada.png" in str(found) and "bo" not in str(found)


def test_erasing_leaves_nothing_of_theirs_and_all_of_others(ada):
    heard = []
    privacy.person_erased.connect(lambda sender, person, **kw: heard.append(person), weak=False)
    privacy.erase(ada)
    assert heard == [ada]
    assert not list(privacy.export(ada))
    for model in (FeatureUse, FeatureHold, Upload, IdempotencyKey):
        assert model.objects.count() == 1
    assert Report.objects.count() == 2, "a report concerns somebody else and stays"
    assert Report.objects.filter(reporter=None).count() == 1


def test_erasing_is_all_or_nothing(ada, monkeypatch):
    def broken(person):
        raise ZeroDivisionError

    entry = privacy.Entry("z.Z", None, broken, "test")
    monkeypatch.setitem(privacy._entries, "z.z", entry)
    with pytest.raises(ZeroDivisionError):
        privacy.erase(ada)
    assert Upload.objects.count() == 2
