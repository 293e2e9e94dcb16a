"""From prepared people to a bundle through the command line, on people of noise."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cerebbids.cli import train
from cerebbids.cli.train import main
from cerebbids.data.labels import load_scheme
from cerebbids.inference.models import read_bundle
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.data import Examples, class_shares, load_cases
from cerebbids.training.prepare import save_arrays
from cerebbids.training.recipe import RECIPES, Recipe
from cerebbids.training.run import Seen, library_folder, run_folder
from tests.inference.libraries import write_blocks

from .runs import untrained

PEOPLE = tuple(str(1000 + place) for place in range(6))
SHAPE = (16, 16, 16)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A kit of six people and one head, and the work folder that was made of it."""
    kit, work = tmp_path_factory.mktemp("kit"), tmp_path_factory.mktemp("work")
    (kit / "adult" / "oasis").mkdir(parents=True)
    table = pd.DataFrame({"id": PEOPLE, "age": [20, 21, 22, 40, 60, 80]})
    table.to_csv(kit / "adult" / "oasis" / "participants.tsv", sep="\t", index=False)
    (kit / "adult" / "heads").mkdir()
    (kit / "adult" / "heads" / "somebody_T1w.nii.gz").touch()
    rng = np.random.default_rng(0)
    for person in PEOPLE:
        labels = rng.integers(0, 27, SHAPE).astype(np.uint8)
        save_arrays(work / "people" / f"{person}.npz", t1w=(labels / 27).astype(np.float16), labels=labels)
    outside = np.ones(SHAPE, bool)
    save_arrays(work / "surroundings" / "somebody_T1w.npz", outside=outside, image=np.ones(SHAPE, np.float16))
    return kit, work


def test_a_fold_is_trained_and_exported_without_its_people(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    kit, work = folders
    fit = ["fit", str(kit), str(work), "--fold", "0", "--steps", "2", "--workers", "0", "--device", "cpu"]
    assert main(fit) == 0
    for net in DEEPCERES.grids.keys() - {"lobules"}:
        untrained(run_folder(work, net, "0"), RECIPES[net], Seen((), (f"seen by {net}",)))
    assert main(["export", str(work), str(tmp_path), "--fold", "0"]) == 2
    assert "make it with cerebbids-train exemplars" in capsys.readouterr().err
    write_blocks(library_folder(work, "0"))
    assert main(["export", str(work), str(tmp_path), "--fold", "0"]) == 0
    left_out = {"OASIS-1003", "OASIS-1002"}  # 40 and 22 years old
    seen = read_bundle(tmp_path, "deepceres").networks["lobules"].training_ids
    assert set(seen) == {f"OASIS-{p}" for p in PEOPLE} - left_out
    notes = json.loads((run_folder(work, "lobules", "0") / "run.json").read_text())
    assert notes["seen"]["surroundings"] == ["somebody_T1w"]
    assert main(fit) == 2
    assert "is there; go on with --resume, or remove the folder" in capsys.readouterr().err


def test_a_head_that_was_not_prepared_is_missed(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    kit, work = shutil.copytree(folders[0], tmp_path / "kit"), folders[1]
    (kit / "adult" / "heads" / "other_T1w.nii.gz").touch()
    assert main(["fit", str(kit), str(work), "--fold", "1", "--steps", "2", "--workers", "0"]) == 1
    assert "other_T1w.npz: No such file" in capsys.readouterr().err


def test_a_fold_that_there_is_not_is_refused(folders: tuple[Path, Path]):
    with pytest.raises(SystemExit):
        main(["fit", *map(str, folders), "--fold", "7"])


def test_example_k_is_the_same_for_whoever_asks(folders: tuple[Path, Path]):
    def example(step: int, seed: int = 0) -> torch.Tensor:
        recipe = Recipe("lobules", steps=8, seed=seed)
        return Examples(load_cases(folders[1], PEOPLE), (), load_scheme("Lobules").mirror, recipe)[step][0]

    assert torch.equal(example(3), example(3))
    assert not torch.equal(example(3), example(4))
    assert not torch.equal(example(3), example(3, seed=1))


def test_shares_count_every_voxel(folders: tuple[Path, Path]):
    cases = load_cases(folders[1], PEOPLE)
    shares = class_shares(cases, 27)
    assert float(shares.sum()) == pytest.approx(1)
    assert float(shares[5]) == pytest.approx(np.mean([case.labels == 5 for case in cases]))


def test_missing_packages_of_training_are_told_in_one_line(monkeypatch, capsys):
    def lacking(_: object) -> int:
        raise ModuleNotFoundError("No module named 'monai'", name="monai")

    monkeypatch.setattr(train, "_run", lacking)
    assert main(["extend", "kit", "work"]) == 2
    assert "needs the package monai; install the packages of cerebbids[train]" in capsys.readouterr().err
