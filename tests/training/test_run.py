import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cerebbids.errors import UsageError
from cerebbids.training.infantnets import InfantTraining
from cerebbids.training.infants import Infant
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import NOTES, Seen, check_unseen, open_run, read_notes
from cerebbids.training.schedule import learning_rate

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


def test_a_run_by_sgd_older_than_schedules_goes_on_by_tenths(tmp_path: Path):
    recipe = InfantTraining().recipe("tissue", (Infant("a", "a", np.zeros((1, 32, 32, 32), np.float32)),))
    open_run(tmp_path, recipe, SEEN, resume=False).touch()
    told = json.loads((tmp_path / NOTES).read_text())
    assert told["recipe"].pop("schedule") == "tenths"
    (tmp_path / NOTES).write_text(json.dumps(told))
    open_run(tmp_path, recipe, SEEN, resume=True)


def test_an_unknown_schedule_is_told():
    with pytest.raises(UsageError, match="unknown schedule, thirds.*cosine, tenths"):
        learning_rate(0, replace(RECIPE, schedule="thirds"))


def test_a_run_that_has_seen_who_is_tested_on_is_refused(tmp_path: Path):
    open_run(tmp_path, RECIPE, SEEN, resume=False)
    check_unseen(tmp_path, ["OASIS-3"])
    for name in ("OASIS-2", "head", "CoBrALab-1"):
        with pytest.raises(UsageError, match=f"has seen {name}"):
            check_unseen(tmp_path, ["OASIS-3", name])
