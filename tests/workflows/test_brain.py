"""From T1w and T2w files to all outputs of the systems for whole brains; only the networks' process is stood in for."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import LABELS, YIELDS, derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.files import as_json
from cerebbids.imaging.pair import Pair
from cerebbids.inference.brainoutputs import write_brain
from cerebbids.inference.localise import Place
from cerebbids.inference.wholebrain import Brain
from cerebbids.interfaces.predict import NetworkProcess
from cerebbids.systems.published import SYSTEMS
from cerebbids.workflows.brain import init_brain_wf
from tests.datasets import make_dataset

SHAPE, AFFINE = (34, 36, 30), np.diag([-2.5, 2.5, 3.0, 1.0])
NAME = "sub-01/anat/sub-01_T1w.nii.gz"
PART = np.s_[4:30, 5:31, 4:26]


def answer(t1w: nib.Nifti1Image, t2w: nib.Nifti1Image, classes: int) -> Brain:
    """What the networks might say: layers of all classes."""
    layers = np.broadcast_to(np.arange(22) % classes, (26, 26, 22))
    probabilities = 0.9 * np.eye(classes, dtype=np.float32)[layers] + np.float32(0.1 / classes)
    shown = np.zeros(SHAPE, bool)
    shown[PART] = True
    place = Place(t1w, 300.0, 20.0, 4.0, True, 0.9)
    pair = Pair(t2w, 0.9, 0.2, 1.0, 3.0)
    return Brain(t1w, pair, PART, np.moveaxis(probabilities, -1, 0), shown, place, (False, True), 38.0)


@pytest.fixture(params=["isointense", "neonatal"])
def done(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Path]:
    """System, and output folder of a run."""
    system, raw, out = request.param, make_dataset(tmp_path / "raw", "sub-01/anat/sub-01"), tmp_path / "out"
    values = np.random.default_rng(0).uniform(50, 900, SHAPE).astype(np.float32)
    for path, data in ((raw / NAME, values), (raw / NAME.replace("T1w", "T2w"), 950 - values)):
        nib.save(nib.Nifti1Image(data, AFFINE), path)

    def label(self: NetworkProcess, folder: Path, **job: object) -> dict:
        assert job == {"system": system, "t2w": self.inputs.t2w, "months": -0.5}
        t1w, t2w = nib.load(self.inputs.t1w), nib.load(self.inputs.t2w)
        brain = answer(t1w, t2w, len(LABELLED[system]) + 1)
        write_brain(folder, brain, t1w, SYSTEMS[system].cerebellum)
        facts = {"model": "m", "months": -0.5, **brain.facts()}
        (folder / "predict.json").write_text(as_json(facts))
        return facts

    monkeypatch.setattr(NetworkProcess, "_label", label)
    out.mkdir()
    t2w = raw / NAME.replace("T1w", "T2w")
    image = SourceImage(raw / NAME, "01", NAME, t2w, 1, system=system, months=-0.5, remarks=("Said before.",))
    workflow = init_brain_wf(
        image=image, model="m", model_sha256="0", models_dir=None, output_dir=out, device="cpu", omp_nthreads=1
    )
    workflow.base_dir = str(tmp_path / "work")
    workflow.run()
    return system, out


LABELLED = {"isointense": (1, 2, 3), "neonatal": tuple(range(1, 10))}


def test_every_output_is_written_with_its_sidecar_on_the_grid_of_the_t1w(done):
    system, out = done
    made = {path for path in out.rglob("*") if path.is_file() and path.suffix != ".json"}
    wanted = {out / derivative_path(NAME, key) for key in YIELDS[system]}
    assert made == {path for path in wanted if path.suffix != ".json"}
    for path in made:
        if path.name.endswith(".nii.gz"):
            image = nib.load(path)
            assert image.shape[:3] == SHAPE and np.allclose(image.affine, AFFINE), path.name
            assert sidecar_path(path).exists()
    labels = np.asarray(nib.load(out / derivative_path(NAME, LABELS[system])).dataobj)
    assert {*np.unique(labels)} == {0, *LABELLED[system]} and not labels[:4].any()
    if system == "neonatal":
        mask = np.asarray(nib.load(out / derivative_path(NAME, "mask")).dataobj)
        assert np.array_equal(mask > 0, labels == 6)


def test_sidecars_tell_what_was_said_and_what_each_image_shows(done):
    system, out = done
    told = {key: json.loads(sidecar_path(out / derivative_path(NAME, key)).read_text()) for key in ("t1w", "t2w")}
    assert told["t1w"]["SkullStripped"] is False and told["t2w"]["SkullStripped"] is True
    assert told["t2w"]["Sources"][0].endswith("sub-01_T2w.nii.gz") and len(told["t1w"]["Sources"]) == 1
    labels = json.loads(sidecar_path(out / derivative_path(NAME, LABELS[system])).read_text())
    assert labels["CerebBIDS"]["warnings"][-2:] == ["Said before.", "The image ends within the cerebellum."]
    quality = json.loads((out / derivative_path(NAME, f"{LABELS[system]}_qc")).read_text())
    assert quality["flags"] == labels["CerebBIDS"]["warnings"] and labels["CerebBIDS"]["weeks_told"] == 38
