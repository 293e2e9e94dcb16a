"""T2w images made from real heads, and what else may lie beside a T1w image under that name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from cerebbids.imaging import t2w
from cerebbids.imaging.conform import conform
from cerebbids.imaging.registration import locate_brain, register_to_mni
from cerebbids.imaging.resample import resample
from cerebbids.imaging.rigid import white_brightness
from cerebbids.imaging.t2w import PreparedT2w, prepare_t2w
from cerebbids.imaging.t2wcheck import MIN_SHARPNESS
from tests.imaging.contrasts import PD, T1W, T2W, cerebellum_distance, rigid, t2w_of

ZOOMS = (1.5, 1.5, 2.0)


@dataclass(frozen=True)
class Person:
    """T1w image, where its brain is, how its T2w image lies, and that image."""

    t1w: nib.Nifti1Image
    t1w_to_mni: np.ndarray
    motion: np.ndarray
    t2w: nib.Nifti1Image

    def other(self, contrast: tuple[float, ...]) -> nib.Nifti1Image:
        """Image of another contrast that lies as the T2w image does."""
        return t2w_of(self.t1w, white_brightness(self.t1w, self.t1w_to_mni), self.motion, ZOOMS, contrast, bias=0.06)


def person(path: Path, seed: int) -> Person:
    """Read a head, thinned to be quick, and make its T2w image."""
    image = conform(path).image
    smooth = nib.Nifti1Image(ndimage.median_filter(np.asarray(image.dataobj), 3), image.affine)
    grid = image.affine @ np.diag([1.3, 1.3, 1.3, 1])
    t1w = resample(smooth, np.array(image.shape) * 10 // 13, grid)
    t1w_to_mni = register_to_mni(t1w, 1, locate_brain(t1w, 1)).t1w_to_mni
    rng = np.random.default_rng(seed)
    motion = rigid(rng.uniform(-6, 6, 3), rng.uniform(-15, 15, 3), np.linalg.inv(t1w_to_mni)[:3, 3])
    made = t2w_of(t1w, white_brightness(t1w, t1w_to_mni), motion, ZOOMS, seed=seed)
    return Person(t1w, t1w_to_mni, motion, made)


@pytest.fixture(scope="module")
def one(kit: Path) -> Person:
    return person(kit / "adult" / "heads" / "ds011_sub-01_T1w.nii.gz", 1)


@pytest.fixture(scope="module")
def another(kit: Path) -> Person:
    return person(kit / "adult" / "heads" / "chris_T1w.nii.gz", 2)


def prepared(folder: Path, image: nib.Nifti1Image, person: Person) -> PreparedT2w:
    path = folder / "sub-01_T2w.nii.gz"
    image.set_sform(image.affine, 1)
    nib.save(image, path)
    return prepare_t2w(path, person.t1w, person.t1w_to_mni, 1)


@pytest.mark.parametrize(
    "displaced",
    [pytest.param(0, id="as the header says", marks=pytest.mark.long), pytest.param(70, id="header wrong by 70 mm")],
)
def test_t2w_of_the_same_person_passes_and_lies_on_the_t1w(tmp_path, one, displaced):
    header = np.eye(4)
    header[1, 3] = displaced
    image = nib.Nifti1Image(one.t2w.dataobj, header @ one.t2w.affine)
    found = prepared(tmp_path, image, one)
    assert found.check.refused == ""
    t1w_to_t2w = np.linalg.inv(found.t2w_to_t1w)
    assert cerebellum_distance(t1w_to_t2w, header @ one.motion, one.t1w_to_mni) < 0.5
    assert found.image.shape == image.shape
    np.testing.assert_allclose(found.image.affine, image.affine, atol=1e-4)
    assert found.check.sharpness > 1.5 * MIN_SHARPNESS


@pytest.fixture
def quick(monkeypatch):
    """Leave out what takes the time and changes little; the images for it have hardly any bias field."""
    for step in ("denoise", "correct_bias"):
        monkeypatch.setattr(t2w, step, lambda image, *_: image)


def test_t2w_of_another_person_is_refused(tmp_path, one, another, quick):
    check = prepared(tmp_path, another.other(T2W), one).check
    assert "it does not fit the anatomy of the T1w image" in check.refused
    assert check.sharpness < 0.75 * MIN_SHARPNESS


def test_t2w_that_cuts_the_cerebellum_off_is_refused(tmp_path, one, quick):
    found = prepared(tmp_path, one.t2w.slicer[:, :, 60:], one)
    assert found.check.refused.startswith("it shows only ") and "% of the cerebellum" in found.check.refused
    assert found.image is None and found.t2w_to_t1w is None


@pytest.mark.parametrize(
    "contrast",
    [
        pytest.param(tuple(900 * level for level in T1W), id="T1w"),
        pytest.param(PD, id="proton density", marks=pytest.mark.long),
    ],
)
def test_image_of_another_contrast_is_refused(tmp_path, one, contrast, quick):
    assert "it is not T2-weighted" in prepared(tmp_path, one.other(contrast), one).check.refused


NOTHING = Person(nib.Nifti1Image(np.ones((9, 9, 9), np.float32), np.eye(4)), np.eye(4), np.eye(4), None)


def test_thick_slices_are_refused_by_the_header(tmp_path):
    image = nib.Nifti1Image(np.ones((200, 200, 30), np.int16), np.diag([1.0, 1, 5, 1]))
    check = prepared(tmp_path, image, NOTHING).check
    assert (check.refused, check.voxel_mm) == ("its slices are 5 mm thick", 5.0)


def test_file_that_is_cut_or_none_is_refused_with_its_reason(tmp_path):
    noise = np.random.default_rng(0).integers(1, 1000, (70, 70, 70)).astype(np.int16)
    path = tmp_path / "sub-01_T2w.nii.gz"
    image = nib.Nifti1Image(noise, np.eye(4))
    image.set_sform(np.eye(4), 1)
    nib.save(image, path)
    for content, reason in ((path.read_bytes()[:99999], "it is truncated or damaged"), (b"", "it is empty")):
        path.write_bytes(content)
        assert prepare_t2w(path, NOTHING.t1w, np.eye(4), 1).check.refused == reason
