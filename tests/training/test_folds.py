import json
import tomllib
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from card import RESULTS, read_result

from cerebbids.inference.models import read_bundle
from cerebbids.systems.deepceres import LOBULE_NETS, SIDE_NETS
from cerebbids.training import tasks
from cerebbids.training.augmentation import Case
from cerebbids.training.kit import HELD_BACK, N_FOLDS, deal_folds, oasis_people
from cerebbids.training.recipe import RECIPES, Recipe


@pytest.fixture(scope="module")
def scored() -> pd.DataFrame:
    return read_result("crossvalidation")


@pytest.fixture(scope="module")
def by_cascade() -> pd.DataFrame:
    return read_result("cascade")


def notes(fold: int, net: str) -> dict:
    """Recipe of a network of the cascade of a fold, and whom it has seen."""
    return json.loads((RESULTS / "folds" / f"fold-{fold}_{net}.json").read_text(encoding="utf-8"))


def as_json(told: dict) -> dict:
    """As notes have it: lists, not tuples."""
    return json.loads(json.dumps(told))


def fold_toml(fold: int) -> Path:
    return RESULTS / "folds" / f"fold-{fold}.toml"


def training(toml: Path) -> dict:
    return tomllib.loads(toml.read_text(encoding="utf-8"))["lobules"]["training"]


def seen_by(toml: Path) -> set[str]:
    return set(training(toml)["ids"])


def test_every_fold_was_trained_by_the_recipe_of_the_packaged_weights():
    packaged = training(read_bundle(None, "deepceres").folder / "model.toml")
    tomls = list((RESULTS / "folds").glob("*.toml"))
    assert tomls
    for toml in tomls:
        assert {**training(toml), "ids": None} == {**packaged, "ids": None}


def test_everybody_was_scored_by_the_weights_of_their_fold(scored: pd.DataFrame):
    for fold, people in scored.groupby("fold"):
        toml = tomllib.loads(fold_toml(fold).read_text(encoding="utf-8"))
        assert set(people["weights_sha256"]) == {toml["lobules"]["sha256"]}


def test_nobody_was_scored_by_a_network_that_had_seen_them(scored: pd.DataFrame):
    assert len(scored) > 0
    for fold, people in scored.groupby("fold"):
        left_out, seen = set(people["id"]), seen_by(fold_toml(fold))
        assert seen and not left_out & seen


def test_everybody_was_scored_or_seen(scored: pd.DataFrame):
    everybody = set(read_bundle(None, "deepceres").networks["lobules"].training_ids) | set(scored["id"])
    for fold, people in scored.groupby("fold"):
        assert seen_by(fold_toml(fold)) | set(people["id"]) == everybody
    assert scored[scored["age"] > 30]["fold"].is_unique


def test_everybody_whom_the_packaged_weights_have_seen_was_scored(scored: pd.DataFrame):
    assert set(scored["id"]) == set(read_bundle(None, "deepceres").networks["lobules"].training_ids)


@pytest.mark.parametrize("net", ("lobules", *SIDE_NETS, *LOBULE_NETS))
def test_nobody_was_scored_by_a_cascade_that_had_seen_them(by_cascade: pd.DataFrame, net: str):
    assert len(by_cascade) > 0
    for fold, people in by_cascade.groupby("fold"):
        left_out, seen = set(people["id"]), set(notes(fold, net)["seen"]["people"])
        assert len(left_out) == 4 and len(seen) == 16 and not left_out & seen


@pytest.mark.parametrize("net", ("lobules", *SIDE_NETS, *LOBULE_NETS))
def test_every_scored_cascade_was_trained_by_the_recipe(by_cascade: pd.DataFrame, net: str):
    recipe = as_json(asdict(RECIPES[net]))
    for fold in set(by_cascade["fold"]):
        told = as_json(asdict(Recipe(net, steps=0))) | notes(fold, net)["recipe"]  # notes may be older than a field
        assert told == recipe, fold


def test_an_answer_of_a_fold_is_of_one_training(by_cascade: pd.DataFrame):
    assert by_cascade["weights_sha256"].notna().all()
    for _, of_fold in by_cascade.groupby("fold"):
        hashes = of_fold.groupby("by")["weights_sha256"].unique()
        assert hashes.map(len).eq(1).all()
        assert hashes["nets"] == hashes.get("flip", hashes["nets"])


def test_the_old_are_dealt_apart():
    ages = {f"young{i}": 20.0 for i in range(15)} | {f"old{i}": 34.0 + 10 * i for i in range(N_FOLDS)}
    folds = deal_folds(ages)
    assert sorted(folds[f"old{i}"] for i in range(N_FOLDS)) == list(range(N_FOLDS))
    assert sorted(folds.values()) == sorted(4 * list(range(N_FOLDS)))


def test_no_weights_have_seen_the_heads_of_the_benchmarks():
    tomls = [read_bundle(None, "deepceres").folder / "model.toml", *(RESULTS / "folds").glob("*.toml")]
    for toml in tomls:
        around = training(toml)["surroundings"]
        assert around and not [name for name in around if name.startswith(HELD_BACK)]


def test_a_fold_of_the_kit_never_sees_its_people(kit: Path, monkeypatch: pytest.MonkeyPatch):
    voxel = Case("one", np.ones((1, 1, 1), np.float32), np.zeros((1, 1, 1), np.uint8))
    monkeypatch.setattr(tasks, "load_cases", lambda *_: [voxel])
    monkeypatch.setattr(tasks, "load_surroundings", lambda *_: ())
    for fold in range(N_FOLDS):
        left_out = {f"OASIS-{p.id}" for p in oasis_people(kit) if p.fold == fold}
        seen = set(tasks.lobules(kit, kit, str(fold), RECIPES["lobules"]).seen.people)
        assert not left_out & seen
        assert len(left_out | seen) == 20
