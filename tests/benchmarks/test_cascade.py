"""Rows of the cascade's table tell of which training their networks are."""

import hashlib
import shutil
import tomllib
from pathlib import Path

import pytest
import torch
from cascade import BY, FLIPPED, weights_sha256

from cerebbids.errors import UsageError
from cerebbids.systems.deepceres import LOBULE_NETS, SIDE_NETS
from cerebbids.training.bundle import export
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen, run_folder
from tests.inference.libraries import write_blocks
from tests.training.runs import untrained

NETS = ("deform", "lobules", *SIDE_NETS, *LOBULE_NETS)


def train(work: Path, net: str, seed: int, step: int | None = None) -> Path:
    """Make a run of fold 1 anew."""
    run = run_folder(work, net, "1")
    shutil.rmtree(run, ignore_errors=True)
    torch.manual_seed(seed)
    untrained(run, Recipe(net, 2, sizes={"channels_in": 1, "classes": 2, "widths": (2, 4)}), Seen(()), step)
    return run


def hashes(work: Path) -> dict[str, str]:
    return {by: weights_sha256(work, 1, by) for by in BY + FLIPPED}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    for seed, net in enumerate(NETS):
        train(tmp_path, net, seed)
    return tmp_path


@pytest.mark.parametrize("net", NETS)
def test_another_training_shows_in_the_answers_that_it_has_part_in(work: Path, net: str):
    before = hashes(work)
    assert before["nets"] == before["flip"] and len(set(before.values())) == 3
    train(work, net, 99)
    after = hashes(work)
    spared = {"sides_dpn": "unet", "lobules_dpn": "unet", "sides_unet": "dpn", "lobules_unet": "dpn"}.get(net)
    assert {by for by in before if before[by] == after[by]} == {spared} - {None}


def test_the_hash_is_that_of_the_hashes_in_a_bundle(work: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("cerebbids.training.bundle._check_channels", lambda *_: None)  # of tiny networks
    folder = export({net: run_folder(work, net, "1") for net in NETS}, write_blocks(work / "library"), work / "models")
    told = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
    joined = "".join(told[net]["sha256"] for net in NETS)
    assert weights_sha256(work, 1, "nets") == hashlib.sha256(joined.encode()).hexdigest()


def test_a_training_that_goes_on_has_no_hash(work: Path):
    train(work, "sides_unet", 0, step=1)
    assert weights_sha256(work, 1, "dpn")
    with pytest.raises(UsageError, match="1 of 2 steps"):
        weights_sha256(work, 1, "nets")
