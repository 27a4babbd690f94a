"""The swap helpers and the matrix that tries every subset, on a package made for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import models
from django.test import override_settings
from django.test.utils import isolate_apps

from threadflow_core import swaps
from threadflow_core.testing import MatrixFailed, SiteMatrix, subsets

POINTS = {
    "Board": "swapping.abstract_models.AbstractBoard",
    "Note": "swapping.abstract_models.AbstractNote",
}
WRITE_AND_READ = """
from django.apps import apps
from threadflow_core import swaps
Board, Note = swaps.load("swapping", "Board"), swaps.load("swapping", "Note")
board = Board.objects.create(title="b")
note = Note.objects.create(board=board)
Board.objects.update(newest=note)
apps.get_model("swapping.Pin").objects.create(note=note)
assert note.board.notes.get().board.pk == board.pk
print("replaced:", swaps.is_swapped("swapping", "Board"), swaps.is_swapped("swapping", "Note"))
"""


def matrix(**more):
    path = [str(Path(__file__).parent)]
    return SiteMatrix("swapping", POINTS, script=WRITE_AND_READ, path=path, **more)


def test_subsets_from_none_to_all():
    assert subsets(POINTS) == [(), ("Board",), ("Note",), ("Board", "Note")]
    assert len(subsets("abcde")) == 32


@pytest.mark.parametrize("subset", subsets(POINTS), ids=lambda s: "+".join(s) or "none")
def test_every_subset_migrates(subset, tmp_path):
    output = matrix().run(subset, tmp_path)
    assert f"replaced: {'Board' in subset} {'Note' in subset}" in output


def test_a_subset_that_fails_shows_why(tmp_path):
    with pytest.raises(MatrixFailed, match=r"swapping with Board replaced:[\s\S]*OwnBoard"):
        matrix(settings='SWAPPING_BOARD_MODEL = "nowhere.OwnBoard"').run(["Board"], tmp_path)


class TestCheck:
    def found(self, points, **settings):
        with override_settings(**settings):
            return [m.id for m in swaps.swap_check("swapping", points)(None)]

    def points(self, **paths):
        return {name: f"django.db.models.{path}" for name, path in paths.items()}

    def test_a_replacement_that_is_not_installed(self):
        found = self.found(self.points(Board="Model"), SWAPPING_BOARD_MODEL="nowhere.Board")
        assert found == ["swapping.E101"]

    def test_a_replacement_that_is_something_else(self):
        points = {"Board": "django.contrib.auth.models.AbstractUser"}
        assert self.found(points, SWAPPING_BOARD_MODEL="auth.Group") == ["swapping.E102"]

    def test_two_settings_that_name_one_model(self):
        found = self.found(
            self.points(Board="Model", Note="Model"),
            SWAPPING_BOARD_MODEL="auth.Group",
            SWAPPING_NOTE_MODEL="auth.Group",
        )
        assert found == ["swapping.E103"]

    def test_a_swappable_model_must_not_point_at_a_closed_one(self):
        with isolate_apps("tests"):

            class Closed(models.Model):
                class Meta:
                    app_label = "swapping"

            class Board(models.Model):
                closed = models.ForeignKey(Closed, models.CASCADE)
                group = models.ForeignKey(Group, models.CASCADE, related_name="+")

                class Meta:
                    app_label = "swapping"

            found = swaps._closed_targets("swapping", Board, {"Board": ""})
        assert [m.id for m in found] == ["swapping.E104"]
        assert "Board.closed" in found[0].msg

    def test_all_good(self):
        points = {"Board": "django.contrib.auth.models.Group"}
        assert self.found(points, SWAPPING_BOARD_MODEL="auth.Group") == []


def test_load_and_label():
    with override_settings(SWAPPING_BOARD_MODEL="auth.Group"):
        assert swaps.label("swapping", "Board") == "auth.Group"
        assert swaps.load("swapping", "Board") is Group
        assert swaps.is_swapped("swapping", "Board")
