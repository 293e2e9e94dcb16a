"""One real head through the real program, as a user would."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nibabel.affines import apply_affine

from cerebbids.bids.names import YIELDS, derivative_path
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import whole_head_template
from cerebbids.imaging.vermis import VERMIS_GROUPS
from tests.datasets import make_dataset, validator_errors


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    source: Path
    output_dir: Path
    code: int
    printed: str

    def path(self, key: str) -> Path:
        """Path of a derivative."""
        return self.output_dir / derivative_path(self.source, key)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Segment the MNI152 head, on a grid whose axes are neither in the usual order nor in the usual direction."""
    folder = tmp_path_factory.mktemp("end_to_end")
    raw = make_dataset(folder / "raw", "sub-mni/ses-a/anat/sub-mni_ses-a_run-01")
    source = raw / "sub-mni/ses-a/anat/sub-mni_ses-a_run-01_T1w.nii.gz"
    head = whole_head_template()
    turned = head.as_reoriented(nib.io_orientation(head.affine)[[1, 2, 0]] * [1, -1])
    data = np.asarray(turned.dataobj)
    nib.save(nib.Nifti1Image((data * (1000 / data.max())).astype(np.int16), turned.affine), source)
    command = [sys.executable, "-m", "cerebbids", raw, folder / "out", "participant", "-w", folder / "work"]
    answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return Run(source, folder / "out", answer.returncode, answer.stdout)


def test_run_says_that_it_is_done(run):
    assert run.printed.strip().splitlines()[-1] == "1 done, 0 failed"
    assert run.code == 0


def test_every_file_is_there_and_bids_valid(run):
    assert {key for key in YIELDS["deepceres"] if not run.path(key).exists()} == {
        "t2w", "t2w_mni",  # there is no real one
        "probseg",  # nobody has asked for it
    }  # fmt: skip
    assert (run.output_dir / "sub-mni.html").exists()
    assert validator_errors(run.output_dir) == []


def test_labels_lie_on_the_grid_of_the_input(run):
    source = nib.load(run.source)
    for key in ("dseg", "carved", "mask", "t1w", "icv", "t2w_synth"):
        image = nib.load(run.path(key))
        assert image.shape == source.shape
        np.testing.assert_array_equal(image.affine, source.affine)


def test_all_labels_are_found_on_their_sides_of_a_plausible_cerebellum(run):
    dseg = nib.load(run.path("dseg"))
    voxels = np.asarray(dseg.dataobj)
    measurable = [label for label in load_scheme("Lobules").labels if label.region != "I-II"]  # too thin at 1 mm
    for label in measurable:
        x, y, z = apply_affine(dseg.affine, np.argwhere(voxels == label.index)).mean(axis=0)
        assert (x < 0) == (label.hemisphere == "left"), label.name
        assert -95 < y < -30 and -70 < z < 0, label.name
    volumes = pd.read_csv(run.path("morph"), sep="\t").set_index("name")["volume_mm3"]
    assert 95_000 < volumes["Cerebellum"] < 200_000
    assert volumes["Cerebellum"] == np.count_nonzero(voxels) == np.count_nonzero(nib.load(run.path("mask")).dataobj)


def test_the_vermis_lies_between_the_hemispheres_and_changes_nothing_else(run):
    dseg, told = (nib.load(run.path(key)) for key in ("dseg", "vermis"))
    lobules, with_vermis = (np.asarray(image.dataobj) for image in (dseg, told))
    vermis = np.isin(with_vermis, list(VERMIS_GROUPS))
    np.testing.assert_array_equal(with_vermis[~vermis], lobules[~vermis])
    assert (lobules[vermis] > 0).all()
    for group in VERMIS_GROUPS:
        x = apply_affine(told.affine, np.argwhere(with_vermis == group))[:, 0]
        assert len(x) > 1000 and abs(np.median(x)) < 3 and np.abs(x).max() < 25, group


def test_the_cavity_holds_the_cerebellum_and_is_as_large_as_a_skull(run):
    icv, cerebellum = (np.asarray(nib.load(run.path(key)).dataobj) > 0 for key in ("icv", "mask"))
    assert 1_200_000 < np.count_nonzero(icv) < 2_100_000  # mm3; the template's head is a large one
    assert icv[cerebellum].mean() > 0.97
    assert not np.array([face.any() for axis in range(3) for face in (icv.take(0, axis), icv.take(-1, axis))]).all()


def test_the_fine_image_shows_what_the_labels_name(run):
    """White matter is bright and the cortex grey at 0.5 mm, where the labels of 1 mm lie."""
    fine, dseg = nib.load(run.path("superres")), nib.load(run.path("dseg"))
    np.testing.assert_allclose(nib.affines.voxel_sizes(fine.affine), 0.5, atol=1e-4)
    labels = np.asarray(resample(dseg, fine.shape, fine.affine, order=0).dataobj)
    bright = fine.get_fdata(dtype=np.float32)
    white = [label.index for label in load_scheme("Lobules").labels if label.tissue == "WM"]
    core, cortex = np.isin(labels, white), (labels > 0) & ~np.isin(labels, white)
    assert np.median(bright[core]) == pytest.approx(250, abs=25)
    assert np.median(bright[cortex]) < np.median(bright[core]) - 20  # the template's cortex is blurred white matter


def test_fine_labels_lie_on_the_grids_of_the_fine_images(run):
    for key, like in (("carved_fine", "superres"), ("carved_mni", "superres_mni")):
        labels, image = nib.load(run.path(key)), nib.load(run.path(like))
        assert labels.shape == image.shape
        np.testing.assert_array_equal(labels.affine, image.affine)


def test_without_fluid_a_cerebellum_is_smaller_and_its_white_matter_branches(run):
    whole, carved = (np.asarray(nib.load(run.path(key)).dataobj) for key in ("dseg", "carved"))
    assert np.mean(whole[carved > 0] > 0) > 0.99  # each is the larger part of a voxel, by itself
    both = (whole > 0) & (carved > 0)
    assert np.mean((whole > 100)[both] == (carved > 100)[both]) > 0.99
    volumes, smaller = (
        pd.read_csv(run.path(key), sep="\t").set_index("name")["volume_mm3"] for key in ("morph", "carved_morph")
    )
    assert 0.6 < smaller["Cerebellum"] / volumes["Cerebellum"] < 0.98
    assert smaller["Intracranial cavity"] == volumes["Intracranial cavity"]
    fine = nib.load(run.path("carved_fine"))
    assert smaller["Cerebellum"] == pytest.approx(np.count_nonzero(fine.dataobj) * 0.5**3, rel=1e-4)
    assert np.count_nonzero(carved) == pytest.approx(smaller["Cerebellum"], rel=0.02)


def test_t2w_contrast_is_the_other_way_round(run):
    t1w, t2w = (nib.load(run.path(key)).get_fdata(dtype=np.float32) for key in ("superres_mni", "t2w_synth_mni"))
    csf, grey, white = (np.median(t2w[(np.abs(t1w - target) < 15) & (t2w > 0)]) for target in (50, 150, 250))
    assert white < grey < csf


def test_sidecar_says_what_made_the_labels(run):
    made = json.loads(Path(str(run.path("dseg")).replace(".nii.gz", ".json")).read_text())["CerebBIDS"]
    assert len(made["weights_sha256"]) == 64 and made["version"] and made["device"]
