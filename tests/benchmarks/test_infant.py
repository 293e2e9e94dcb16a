"""Roles, statistics and all experiments of ``infant.py``, on eggs and with networks that have learnt nothing."""

from pathlib import Path

import infant
import infantchain
import infantcohorts
import numpy as np
import pandas as pd
import pytest
import torch
from infantchain import Chain, dice_of_tissues
from infantcohorts import AGES, COPIES, ROLES, SPLITS, images_of, split_of
from infantstatistics import calibration, compared, curve, order, reliability, summary

from cerebbids.errors import UsageError
from cerebbids.training.infantnets import InfantTraining
from cerebbids.training.infants import TISSUES, Infant
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen
from cerebbids.training.trained import trained_net
from tests.training.runs import untrained

PEOPLE = tuple(f"subject-{place:02d}" for place in range(1, 14))


def egg(person: str) -> Infant:
    rng = np.random.default_rng(int(person[-2:]))
    place = (np.indices((32, 32, 32)) - 15.5) / np.reshape((14, 12, 13), (3, 1, 1, 1))
    far = np.linalg.norm(place, axis=0)
    labels = np.select([far < 0.5, far < 0.8, far < 1], [3, 2, 1], 0).astype(np.uint8)
    image = np.where(labels > 0, labels - 2.0 + rng.normal(0, 0.1, labels.shape), 0).astype(np.float32)
    return Infant(person, person, image[None], labels)


def test_nobody_is_in_two_roles_and_nobody_is_tested_on_twice():
    tested = []
    for number in range(SPLITS):
        split = split_of(PEOPLE, number)
        dealt = [person for role in ROLES for person in getattr(split, role)]
        assert sorted(dealt) == sorted(PEOPLE)
        tested += split.test
    assert len(tested) == len(set(tested)) == 12


def test_a_network_that_has_met_who_is_tested_on_is_refused(tmp_path: Path):
    chain = Chain(split_of(PEOPLE, 0), {}, tmp_path, InfantTraining(4, 1, "muon"))
    recipe = chain.train.recipe("tissue", (egg(PEOPLE[0]),))
    untrained(tmp_path / "a", recipe, Seen((PEOPLE[9],), (), (PEOPLE[2],)))
    with pytest.raises(UsageError, match=PEOPLE[2]):
        chain.net(tmp_path / "a")
    untrained(tmp_path / "b", recipe, Seen((PEOPLE[9],), (), (PEOPLE[8],)))
    assert not chain.net(tmp_path / "b").training


def test_dice_is_that_of_each_tissue_in_percent():
    truth = np.array([0, 1, 1, 2, 2, 3])
    assert dice_of_tissues(truth, truth) == {"CSF": 100, "GM": 100, "WM": 100, "mean": 100}
    assert dice_of_tissues(np.zeros(6, int), truth)["mean"] == 0


def rows(**dice: list[float]) -> pd.DataFrame:
    """Two images of each of six people."""
    return pd.DataFrame([
        {"variant": variant, "age": 6, "person": f"p{place // 2}", "image": f"{place}",
         **dict.fromkeys((*TISSUES, "mean"), value)}
        for variant, values in dice.items() for place, value in enumerate(values)
    ])  # fmt: skip


def test_people_are_compared_and_not_images():
    better = [80 + place for place in range(12)]
    table = summary(rows(old=[value - 2 for value in better], new=better), {"new": "old"}).set_index(
        ["variant", "measure"]
    )
    row = table.loc["new", "WM"]
    assert (row["n"], row["images"], row["worst"], row["better"]) == (6, 12, 80, 6)
    assert row["mean"] == pytest.approx(85.5) and row["sd"] == pytest.approx(np.std([0, 2, 4, 6, 8, 10], ddof=1))
    assert row["effect"] == pytest.approx(2) and row["p"] == pytest.approx(2 / 2**6)
    assert pd.isna(table.loc["old", "WM"]["effect"])


def test_intervals_hold_the_effect_and_few_people_get_no_p():
    own = np.array([3.0, 4, 5, 8, 9])
    found = compared(own, np.array([2.0, 2, 2, 2, 2]))
    assert 1 < found["low"] < found["effect"] < found["high"] < 7 and np.isnan(found["p"])
    assert found["effect"] == pytest.approx(3.8)
    assert np.isnan(compared(own, own)["low"])


def test_order_is_that_of_trust_and_dice_within_splits():
    table = pd.DataFrame({
        "age": 12, "split": [0] * 6 + [1] * 6, "person": [f"p{place // 2}" for place in range(12)],
        "trust": [*range(6), *range(10, 16)], "mean": [*range(80, 86), *range(60, 66)],
    })  # fmt: skip
    found = order(table).set_index("split")
    assert found["rho"].tolist() == [1, 1, 1]  # though splits differ the other way round
    assert found.loc["all", ["images", "people"]].tolist() == [12, 6] and found.loc["all", "low"] == pytest.approx(1)


def test_reliability_is_one_where_confidence_is_that_of_being_right():
    rng = np.random.default_rng(0)
    confidence = rng.random(100_000)
    counted = reliability(confidence, rng.random(100_000) < confidence)
    steps = curve(pd.DataFrame([{"age": 6, **counted}]))
    assert np.abs(steps["confidence"] - steps["right"]).max() < 0.02 and steps["voxels"].sum() == 100_000
    assert calibration(*counted.values())["error"] < 1
    sure = calibration(*reliability(np.full(10, 0.9), np.arange(10) < 6).values())
    assert sure["error"] == pytest.approx(30) and sure["right"] == pytest.approx(60)


def test_copies_of_younger_ages_differ_and_scans_are_as_they_are():
    infants = {person: egg(person) for person in PEOPLE[:2]}
    made = images_of(infants, PEOPLE[:2], 6, 2)
    assert [each.person for each in made] == [*PEOPLE[:2], *PEOPLE[:2]] and len({each.id for each in made}) == 4
    assert images_of(infants, PEOPLE[:1], 24, 2) == (infants[PEOPLE[0]],)


def test_every_experiment_writes_its_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def small(self, kind: str, infants: tuple[Infant, ...]) -> Recipe:
        sizes = {"channels_in": len(infants[0].images), "classes": 4 if kind == "tissue" else 3, "widths": (4, 4)}
        return Recipe(kind, 1, "unet", sizes)

    def learn_nothing(self, folder: Path, kind: str, infants: tuple[Infant, ...], seen: Seen) -> torch.nn.Module:
        if not folder.exists():
            torch.manual_seed(len(infants))
            untrained(folder, self.recipe(kind, infants), seen)
        return trained_net(folder)

    monkeypatch.setattr(infant, "kit_infants", lambda kit: tuple(map(egg, PEOPLE)))
    monkeypatch.setattr(InfantTraining, "__call__", learn_nothing)
    monkeypatch.setattr(InfantTraining, "recipe", small)
    monkeypatch.setattr(infantchain, "COPIES", dict.fromkeys(COPIES, 1))
    monkeypatch.setattr(infant, "KS", (2, 10))
    monkeypatch.setattr(infant, "NS", (1,))
    command = ["all", *map(str, (tmp_path, tmp_path / "work", tmp_path / "out")), "--splits", "1"]
    infant.main(command)
    tables = {path.stem: pd.read_csv(path, sep="\t") for path in (tmp_path / "out").glob("*.tsv")}
    assert set(tables) == {*infant.EXPERIMENTS, *(f"{name}_images" for name in infant.EXPERIMENTS), "confidence_curve"}
    assert set(tables["transfer"]["age"]) == {24, *AGES} and set(tables["transfer"]["n"]) == {3}
    for name, pairs in infant.AGAINST.items():
        compared = tables[name].dropna(subset="against")
        assert dict(zip(compared["variant"], compared["against"], strict=True)).items() <= pairs.items(), name
        assert compared["effect"].notna().all() and len(compared)
    assert (tmp_path / "out" / "confidence_curve.svg").read_text().startswith("<?xml")
    assert infantcohorts.COPIES["unlabelled"] == 4
    monkeypatch.setattr(InfantTraining, "__call__", None)  # all is there
    before = (tmp_path / "out" / "weights.tsv").read_text()
    infant.main(["transfer", "order", "windows", "confidence", *command[1:]])
    assert (tmp_path / "out" / "weights.tsv").read_text() == before
