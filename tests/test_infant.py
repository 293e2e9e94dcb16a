"""Infants through the real program: a cerebellum that was cut out, and people whom the system is not for."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cerebbids.bids.names import OPTIONAL, YIELDS, derivative_path
from cerebbids.bids.sidecars import read_sidecar
from tests.datasets import make_dataset, validator_errors

AGES = {"two": 24, "ten": 10, "early": 3}


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    raw: Path
    out: Path
    truth: np.ndarray
    code: int
    printed: str
    errors: str

    def path(self, who: str, key: str) -> Path:
        """Path of a derivative."""
        return self.out / derivative_path(f"sub-{who}_T1w.nii.gz", key)


def cerebbids(*arguments: str | Path) -> subprocess.CompletedProcess:
    """Call the program."""
    return subprocess.run(
        [sys.executable, "-m", "cerebbids", *map(str, arguments)], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def run(kit: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One infant at two ages, and at one for which there is no system, each with other axes."""
    folder = tmp_path_factory.mktemp("infants")
    raw = make_dataset(folder / "raw")
    image = nib.load(kit / "infant/bcp24/subject-09_T1w.nii.gz")
    labels = nib.load(kit / "infant/bcp24/subject-09_label.nii.gz")
    box = tuple(slice(low - 9, high + 10) for low, high in zip((92, 112, 76), (208, 200, 142), strict=True))
    part = nib.Nifti1Image(np.asarray(image.dataobj)[box], image.slicer[box].affine)
    truth = nib.Nifti1Image(np.asarray(labels.dataobj)[box].astype(np.uint8), part.affine)
    turn = nib.io_orientation(part.affine)[[2, 0, 1]] * [1, -1]
    for who in AGES:
        (raw / f"sub-{who}/anat").mkdir(parents=True)
        turned = part.as_reoriented(turn)
        if who == "two":  # the collection's headers call back what is front
            turned = nib.Nifti1Image(turned.dataobj, np.diag([-1.0, -1, 1, 1]) @ turned.affine)
        nib.save(turned, raw / f"sub-{who}/anat/sub-{who}_T1w.nii.gz")
    rows = [f"sub-{who}\t{months}" for who, months in AGES.items()]
    (raw / "participants.tsv").write_text("\n".join(["participant_id\tage", *rows]) + "\n")
    (raw / "participants.json").write_text(json.dumps({"age": {"Units": "months"}}))
    answer = cerebbids(raw, folder / "out", "participant", "-w", folder / "work")
    turned = np.asarray(truth.as_reoriented(turn).dataobj)
    return Run(raw, folder / "out", turned, answer.returncode, answer.stdout, answer.stderr)


def test_infants_are_done_and_the_one_between_systems_is_refused(run):
    assert run.printed.strip().splitlines()[-1].startswith("2 done, 1 failed: sub-early")
    assert "sub-early" in run.errors and "force a system: --system infant" in run.errors and run.code == 1


def test_every_file_is_there_and_bids_valid(run):
    for who in ("two", "ten"):
        lacking = {key for key in YIELDS["infant"] if not run.path(who, key).exists()}
        assert lacking == YIELDS["infant"] & OPTIONAL - {"probseg"}
    assert not list((run.out / "sub-early").glob("anat/*")) and validator_errors(run.out) == []


def test_labels_lie_on_the_grid_of_the_input_and_on_the_tissues(run):
    source = nib.load(run.raw / "sub-two/anat/sub-two_T1w.nii.gz")
    for key in ("tissues", "mask", "tissues_confidence", "tissues_probseg", "t1w"):
        image = nib.load(run.path("two", key))
        assert image.shape[:3] == source.shape
        np.testing.assert_array_equal(image.affine, source.affine)
    labels = np.asarray(nib.load(run.path("two", "tissues")).dataobj)
    for tissue in (1, 2, 3):  # an infant that the network has seen: not how good it is, but that all is in its place
        found, true = labels == tissue, run.truth == tissue
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.9


def test_volumes_leave_the_brainstem_out(run):
    table = pd.read_csv(run.path("two", "tissues_morph"), sep="\t").set_index("name")
    labels = np.asarray(nib.load(run.path("two", "tissues")).dataobj)
    mask = np.asarray(nib.load(run.path("two", "mask")).dataobj) > 0
    assert table.loc["White matter", "n_voxels"] == (mask & (labels == 3)).sum() < (labels == 3).sum()
    assert table.loc["Cerebellum", "volume_mm3"] == pytest.approx((mask & (labels > 1)).sum() * 0.512, rel=1e-4)
    beside = labels[~mask & (labels > 0)]
    assert 1000 < beside.size < 0.2 * (labels > 0).sum() and (beside == 3).mean() > 0.5


def test_network_goes_by_age_and_what_is_simulated_is_said(run):
    told = {who: json.loads(run.path(who, "tissues_qc").read_text()) for who in ("two", "ten")}
    sidecars = {who: read_sidecar(run.path(who, "tissues"))["CerebBIDS"] for who in ("two", "ten")}
    assert (sidecars["two"]["network"], sidecars["ten"]["network"]) == ("tissue24", "tissue12")
    assert sidecars["two"]["cut_out"] and told["two"]["light"] == "green"
    for said in ("simulated", "back to front"):
        assert any(said in flag for flag in told["ten"]["flags"])
    page = (run.out / "sub-ten.html").read_text()
    assert "simulated images" in page and "Where labels may be wrong" in page


def test_a_correction_is_counted_again(run):
    from cerebbids.cli.tables import main

    path = run.path("two", "tissues")
    image = nib.load(path)
    labels = np.asarray(image.dataobj).copy()
    inside = np.argwhere((labels == 2) & (np.asarray(nib.load(run.path("two", "mask")).dataobj) > 0))[:500]
    labels[tuple(inside.T)] = 3
    before = pd.read_csv(run.path("two", "tissues_morph"), sep="\t").set_index("name")["n_voxels"]
    nib.save(nib.Nifti1Image(labels.astype(np.int16), image.affine), path)
    assert main([str(run.out), "--participant-label", "two"]) == 0
    after = pd.read_csv(run.path("two", "tissues_morph"), sep="\t").set_index("name")["n_voxels"]
    assert after["White matter"] == before["White matter"] + 500 and after["Cerebellum"] == before["Cerebellum"]
    told = read_sidecar(path)
    assert told["Manual"] and told["CerebBIDS"]["corrected"]
    again = cerebbids(run.raw, run.out, "participant", "--participant-label", "two", "-w", run.out.parent / "work")
    assert "was corrected by hand" in again.stderr


def test_group_has_a_table_of_tissues(run):
    answer = cerebbids(run.raw, run.out, "group")
    table = pd.read_csv(run.out / "group_seg-CerebellumTissue_morph.tsv", sep="\t")
    assert set(table["image"]) == {"sub-two", "sub-ten"} and (run.out / "group.html").exists(), answer.stderr
    assert validator_errors(run.out) == []
