"""How the networks for infants are trained, and the command from folders to networks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cerebbids.cli.train import main
from cerebbids.training.infantnets import InfantTraining
from cerebbids.training.infants import Infant
from cerebbids.training.run import Seen, read_notes
from cerebbids.training.schedule import learning_rate

from .test_infantfolders import write_infant

TEN = tuple(Infant(f"{name}", f"{name}", np.zeros((2, 32, 32, 32), np.float32)) for name in range(10))


def test_the_default_is_the_published_way():
    recipe = InfantTraining().recipe("tissue", TEN)
    assert (recipe.method, recipe.batch, recipe.weight_decay) == ("sgd", 3, 5e-4)
    assert recipe.sizes == {"channels_in": 2, "classes": 4, "width": 64}
    epoch = 1000 * len(TEN) // recipe.batch
    rates = [learning_rate(step, recipe) for step in (0, epoch - 1, epoch + 1, 2 * epoch + 1)]
    assert rates == pytest.approx([0.005, 0.005, 0.0005, 0.00005])


def test_steps_and_muon_may_be_chosen():
    recipe = InfantTraining(16, 7, "muon").recipe("confidence", TEN)
    assert (recipe.method, recipe.steps, recipe.sizes["classes"], recipe.sizes["width"]) == ("muon", 7, 3, 16)


@pytest.fixture(scope="module")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Options of the command that name two folders of two infants each."""
    folder = tmp_path_factory.mktemp("infants")
    for name in ("24m", "12m"):
        for person in ("01", "02"):
            write_infant(folder / name, f"sub-{person}", labels="dseg" if name == "24m" else None)
    return ["--source", f"{folder}/24m", "--target", f"{folder}/12m"]


def command(cohorts: list[str], work: Path, *more: str) -> int:
    small = ("--width", "4", "--steps", "3", "--k", "1", "--device", "cpu", "--threads", "1")
    return main(["infant", *cohorts, "--work", str(work), *small, *more])


@pytest.mark.parametrize("optimiser", ["sgd", "muon"])
def test_labels_are_carried_from_folder_to_folder(
    cohorts: list[str], tmp_path: Path, optimiser: str, capsys: pytest.CaptureFixture[str]
):
    assert command(cohorts, tmp_path, "--optimiser", optimiser) == 0
    assert capsys.readouterr().out.endswith("done\n")
    recipe, seen = read_notes(tmp_path / "12m" / "tissue")
    assert recipe.steps == 3 and recipe.method == optimiser and len(seen.people) == 1
    assert pd.read_csv(tmp_path / "12m" / "ranking.tsv", sep="\t")["person"].isin(["sub-01", "sub-02"]).all()
    before = (tmp_path / "12m" / "tissue" / "checkpoint.safetensors").stat().st_mtime_ns
    assert command(cohorts, tmp_path, "--optimiser", optimiser) == 0
    assert (tmp_path / "12m" / "tissue" / "checkpoint.safetensors").stat().st_mtime_ns == before
    assert command(cohorts, tmp_path, "--optimiser", optimiser, "--unweighted") == 2
    assert "was begun with other images, labels, --k or --unweighted" in capsys.readouterr().err


def test_nonsense_is_refused(cohorts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for option, value in (("--k", "0"), ("--steps", "-1"), ("--width", "6")):
        with pytest.raises(SystemExit):
            command(cohorts, tmp_path, option, value)
        assert f"argument {option}" in capsys.readouterr().err
    assert command(["--source", str(tmp_path / "none"), *cohorts[2:]], tmp_path) == 2
    assert "is no folder" in capsys.readouterr().err


def test_a_trained_network_is_ready_to_be_asked(tmp_path: Path):
    labelled = Infant("a", "a", np.ones((1, 32, 32, 32), np.float32), np.full((32, 32, 32), 2, np.uint8))
    net = InfantTraining(4, 2, "muon", workers=0)(tmp_path, "tissue", (labelled,), Seen(("a",)))
    assert not net.training and net(torch.zeros(1, 1, 8, 8, 8)).shape == (1, 4, 8, 8, 8)


def test_names_that_tell_no_age_are_refused_before_anything_is_trained(cohorts: list[str], tmp_path: Path, capsys):
    (tmp_path / "site-a").symlink_to(cohorts[1])
    assert command(["--source", str(tmp_path / "site-a"), *cohorts[2:]], tmp_path / "work") == 2
    assert f"{tmp_path}/site-a: has a name that does not tell the age in months" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()
    (tmp_path / "12m").symlink_to(cohorts[3])  # a link is known by its own name
    (tmp_path / "24m").symlink_to(cohorts[1])
    (tmp_path / "23m").symlink_to(cohorts[1])
    assert command(["--source", cohorts[1], "--target", str(tmp_path / "23m")], tmp_path / "work") == 2
    assert "or is the same" in capsys.readouterr().err
    linked = ["--source", str(tmp_path / "24m"), "--target", str(tmp_path / "12m")]
    assert command(linked, tmp_path / "work") == 0 and (tmp_path / "work" / "12m" / "tissue").is_dir()


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()])
def test_too_little_memory_is_one_line(cohorts: list[str], tmp_path: Path, error, capsys, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("cerebbids.training.transfer.transfer", full)
    assert command(cohorts, tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("cerebbids: cerebbids-train: needs more memory than there is; take a thinner network")
