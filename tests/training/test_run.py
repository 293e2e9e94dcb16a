import json
from dataclasses import replace
from pathlib import Path

import pytest

from cerebbids.errors import UsageError
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import NOTES, Seen, open_run, read_notes

RECIPE = Recipe("lobules", steps=8, sizes={"channels_in": 4, "widths": (8, 16)})
SEEN = Seen(("OASIS-1", "OASIS-2"), ("head",), ("CoBrALab-1",))


def test_a_run_remembers_its_recipe_and_whom_it_has_seen(tmp_path: Path):
    open_run(tmp_path, RECIPE, SEEN, resume=False)
    assert read_notes(tmp_path) == (RECIPE, SEEN)


@pytest.mark.parametrize(
    ("recipe", "seen"), [(replace(RECIPE, steps=9), SEEN), (RECIPE, replace(SEEN, people=("OASIS-1",)))]
)
def test_a_run_does_not_change_in_the_middle(tmp_path: Path, recipe: Recipe, seen: Seen):
    open_run(tmp_path, RECIPE, SEEN, resume=False)
    with pytest.raises(UsageError, match="another recipe or on other people"):
        open_run(tmp_path, recipe, seen, resume=True)


def test_weights_that_do_not_tell_whom_they_have_seen_are_not_trained_on(tmp_path: Path):
    open_run(tmp_path, RECIPE, SEEN, resume=False).touch()
    (tmp_path / NOTES).unlink()
    with pytest.raises(UsageError, match="does not tell whom it has seen"):
        open_run(tmp_path, RECIPE, SEEN, resume=True)


def test_a_run_older_than_a_field_goes_on(tmp_path: Path):
    open_run(tmp_path, RECIPE, SEEN, resume=False).touch()
    told = json.loads((tmp_path / NOTES).read_text())
    del told["recipe"]["method"], told["recipe"]["epochs"]
    (tmp_path / NOTES).write_text(json.dumps(told))
    assert read_notes(tmp_path) == (RECIPE, SEEN)
    open_run(tmp_path, RECIPE, SEEN, resume=True)
