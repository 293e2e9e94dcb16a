"""The networks kept beside the tables are those that never saw whom they were scored on."""

from pathlib import Path

import pytest
from card import read_result
from keep import KEPT, NETS, is_kept

from cerebbids.systems.infant import INFANT
from cerebbids.training.kit import N_FOLDS
from cerebbids.training.recipe import RECIPES
from cerebbids.training.run import read_notes, run_folder
from cerebbids.training.trained import check_finished, keep_result

PEOPLE = {"deepceres": 20, "infant": 13}
"""Labelled people of the folds."""


def kept_runs() -> list[tuple[str, int]]:
    """All folds of the networks for adults, and those of infants that are trained."""
    pairs = [(net, fold) for net in NETS for fold in range(N_FOLDS)]
    return [(net, fold) for net, fold in pairs if NETS[net] is not INFANT or run_folder(KEPT, net, str(fold)).exists()]


@pytest.mark.parametrize(("net", "fold"), kept_runs())
def test_nobody_of_a_fold_was_seen_by_its_networks(net: str, fold: int):
    run = run_folder(KEPT, net, str(fold))
    check_finished(run)
    recipe, seen = read_notes(run)
    table = read_result("infant/folds_images" if NETS[net] is INFANT else "atlas")
    ids = "BCP24-" + table["person"] if NETS[net] is INFANT else table["id"]
    scored = set(ids[table["fold"] == fold])
    assert scored and not scored & set(seen.people)
    assert len(scored) + len(seen.people) == PEOPLE[NETS[net].name] and recipe == RECIPES[net]


@pytest.mark.parametrize("net", NETS)
def test_what_is_kept_is_known(net: str, tmp_path: Path):
    first, second = (run_folder(KEPT, net, fold) for fold in "01")
    assert not is_kept(first, tmp_path)
    keep_result(first, tmp_path)
    assert is_kept(first, tmp_path) and not is_kept(second, tmp_path)
