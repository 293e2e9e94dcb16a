"""A user's own infants, from a folder to networks, a bundle, and labels by them."""

import json
import tomllib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.cli.train import main
from cerebbids.inference.localise import CEREBELLUM, CEREBRUM
from cerebbids.inference.models import packaged_models, read_bundle
from cerebbids.inference.segment import load_net
from cerebbids.inference.wholebrain import label_brain
from cerebbids.systems import isointense, neonatal
from cerebbids.systems.infant import INFANT
from cerebbids.training.recipe import RECIPES
from cerebbids.training.run import Seen, run_folder

from .blobs import write_brain
from .runs import untrained
from .test_infantfolders import write_infant

SMALL = ("--width", "4", "--steps", "2", "--optimiser", "muon", "--device", "cpu", "--threads", "1")
SYSTEMS = {"isointense": isointense, "neonatal": neonatal}
TERMS = {"isointense": "CC-BY-NC-SA-4.0", "neonatal": "GPL-3.0-only"}
NETS = {"isointense": {"cerebrum", "context"}, "neonatal": {"brain"}}


class FindsBlobs(torch.nn.Module):
    """Finds the cerebellum of the brain of blobs, the brightest part, and calls all else cerebrum."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        parts = [torch.zeros_like(x)] * 4
        parts[CEREBELLUM] = (x > 0.75).float()
        parts[CEREBRUM] = ((x > 0.05) & (x <= 0.75)).float()
        parts[0] = (x <= 0.05).float()
        return 20 * torch.cat(parts, 1)


@pytest.fixture(scope="module", params=SYSTEMS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, list[str]]:
    """System, folder of a training on two infants, and the command that trained it."""
    folder = tmp_path_factory.mktemp(request.param)
    for person in ("sub-01", "sub-02"):
        write_brain(folder / "bids", request.param, person, size=0.4)
    command = ["brain", "--system", request.param, "--source", str(folder / "bids"), "--work", str(folder / "work")]
    if request.param == "neonatal":
        table = "participant_id\tage\nsub-01\t30\nsub-02\t41\n"
        (folder / "bids" / "participants.tsv").write_text(table, encoding="utf-8")
        about = {"age": {"Units": "weeks", "Description": "Postmenstrual age at the scan"}}
        (folder / "bids" / "participants.json").write_text(json.dumps(about), encoding="utf-8")
        command.append("--age")
    assert main([*command, *SMALL]) == 0
    return request.param, folder, command


def test_a_training_goes_on_with_what_it_was_begun_with(trained, capsys: pytest.CaptureFixture[str]):
    system, folder, command = trained
    kept = sorted((folder / "work").rglob("checkpoint.safetensors"))
    assert {path.parent.parent.name for path in kept} == NETS[system]
    before = [path.stat().st_mtime_ns for path in kept]
    assert main([*command, *SMALL]) == 0
    assert [path.stat().st_mtime_ns for path in kept] == before
    assert main([*command, *SMALL, "--steps", "3"]) == 2
    assert "was begun with another recipe" in capsys.readouterr().err
    write_brain(folder / "bids", system, "sub-03", size=0.4)
    table = folder / "bids" / "participants.tsv"
    if table.exists():
        table.write_text(table.read_text(encoding="utf-8") + "sub-03\t44\n", encoding="utf-8")
    assert main([*command, *SMALL]) == 2
    assert "was begun with other images, labels, ages, --system or --age" in capsys.readouterr().err


def test_own_networks_label_a_brain_in_the_app(trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    system, folder, _ = trained
    own, work = SYSTEMS[system], folder / "work"
    export = ["export", str(work), str(tmp_path / "models"), "--system", system]
    assert main(export) == 2
    assert f"{own.PLACE}/all: has not been begun; train it with cerebbids-train" in capsys.readouterr().err
    if own.PLACE not in read_bundle(None, INFANT.name).networks:
        untrained(run_folder(work, own.PLACE, "all"), RECIPES[own.PLACE], Seen((), ("painted",)))
    assert main([*export, "--keep"]) == 0
    bundle = read_bundle(tmp_path / "models", system)
    learnt = [name for name in bundle.networks if name != own.PLACE]
    assert all(bundle.networks[name].training_ids == ("sub-01", "sub-02") for name in learnt)
    pronoun = "they" if len(learnt) > 1 else "it"
    terms = f"terms of the images that {pronoun} learnt from ({', '.join(learnt)}); CC-BY-NC-SA-4.0 ({own.PLACE})"
    assert bundle.licence == terms.replace("CC-BY-NC-SA-4.0", TERMS[system])
    cpu = torch.device("cpu")
    nets = {name: load_net(network, cpu) for name, network in bundle.needed("brain").items()}
    t1w = nib.load(write_brain(tmp_path / "bids", system, "sub-04", codes="LPS"))
    t2w = nib.load(tmp_path / "bids" / "sub-04" / "anat" / "sub-04_T2w.nii.gz")
    nets[own.PLACE] = FindsBlobs()
    brain = label_brain(system, nets, t1w, t2w, cpu, 1, "sub-04_T1w", lambda stage: None)
    assert brain.labels.shape == t1w.dataobj[brain.part].shape and brain.skull_stripped == (True, True)
    assert np.allclose(brain.probabilities.sum(0), 1, atol=1e-5)
    assert (brain.weeks is not None) == (system == "neonatal")


def test_ages_are_not_learnt_by_the_isointense_networks(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["brain", "--system", "isointense", "--source", str(tmp_path), "--work", str(tmp_path), "--age"]
    assert main(command) == 2
    assert "--age: is nothing that networks of isointense tell" in capsys.readouterr().err


def carried(folder: Path, names: tuple[str, str] = ("24m", "13mo"), *, t2w: bool = False) -> Path:
    """Train on two infants of an age, and carry their labels to two of another; return the work folder."""
    for place, name in enumerate(names):
        for person in ("01", "02"):
            write_infant(folder / name, f"sub-{person}", labels=None if place else "dseg", t2w=t2w)
    source, target = (str(folder / name) for name in names)
    work = folder / "work"
    assert main(["infant", "--source", source, "--target", target, "--work", str(work), "--k", "1", *SMALL]) == 0
    return work


def test_own_networks_of_two_ages_stand_beside_the_packaged_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    work, models = carried(tmp_path), tmp_path / "models"
    assert main(["export", str(work), str(models), "--system", "infant"]) == 2
    assert "has not been begun" in capsys.readouterr().err
    assert main(["export", str(work), str(models), "--system", "infant", "--keep"]) == 0
    found, packaged = (read_bundle(folder, INFANT.name).networks for folder in (models, packaged_models()))
    kept = {name for name in packaged if found[name].sha256 == packaged[name].sha256}
    assert kept == {"place", "tissue18", "tissue06"}
    assert found["tissue24"].training_ids == ("sub-01", "sub-02") and len(found["tissue12"].training_ids) == 1
    told = tomllib.loads((models / "infant" / "model.toml").read_text(encoding="utf-8"))
    own = "terms of the images that they learnt from (tissue12, tissue24, confidence)"
    assert told["licence"] == f"{own}; CC-BY-NC-SA-4.0 (place, tissue06, tissue18)"
    assert load_net(found["tissue12"], torch.device("cpu"))(torch.zeros(1, 1, 8, 8, 8)).shape == (1, 4, 8, 8, 8)


def test_networks_that_see_two_contrasts_are_not_exported(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    work = carried(tmp_path, t2w=True)
    assert main(["export", str(work), str(tmp_path / "models"), "--system", "infant", "--keep"]) == 2
    assert "2 and 4 channels and classes, where tissue12 of infant has 1 and 4" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("two-years", "12m"), "has a name that does not tell the age in months"),
        (("24m", "12m-3T"), "has a name that does not tell the age in months"),
        (("60m", "12m"), "has a name that does not tell the age in months"),
        (("24m", "22m"), "is of an age that tissue24 is for, and so is 24m"),
    ],
)
def test_names_of_cohorts_have_to_tell_an_age_each(
    tmp_path: Path, names: tuple[str, str], reason: str, capsys: pytest.CaptureFixture[str]
):
    cohorts = [{"name": name, "infants": {}} for name in names]
    (tmp_path / "transfer.json").write_text(json.dumps({"cohorts": cohorts}), encoding="utf-8")
    assert main(["export", str(tmp_path), str(tmp_path / "models"), "--system", "infant", "--keep"]) == 2
    assert reason in capsys.readouterr().err
