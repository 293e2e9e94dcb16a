from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import BadImage
from cerebbids.imaging.missing import check_missing
from cerebbids.imaging.template import template_brain_mask

AFFINE = np.array([[-2.0, 0, 0, 98], [0, 2, 0, -134], [0, 0, 2, -72], [0, 0, 0, 1]])
SHIFT = nib.affines.from_matvec(np.eye(3), [-100, 50, 20])
"""World of the image -> world of the template."""


@pytest.fixture
def image(tmp_path):
    """Make an image of ones with NaN at the given voxels, whose brain is where `SHIFT` takes it."""
    brain = np.asarray(template_brain_mask().dataobj)[::-2, ::2, ::2] > 0

    def make(missing, dtype=np.float32):
        data = np.ones(brain.shape)
        data[missing(brain)] = np.nan
        header = nib.Nifti1Header()
        header.set_data_dtype(dtype)
        path = tmp_path / "sub-01_T1w.nii.gz"
        nib.save(nib.Nifti1Image(data.astype(dtype), np.linalg.inv(SHIFT) @ AFFINE, header), path)
        return path

    return make


def plane(brain, first, last):
    """Voxels between two heights (mm) of the template."""
    z = np.arange(brain.shape[2]) * 2 - 72
    return np.broadcast_to((first < z) & (z < last), brain.shape)


def test_nan_around_the_brain_is_background(image):
    check_missing(image(lambda brain: ~brain), SHIFT)


def test_a_few_holes_are_left_to_the_warning(image):
    check_missing(image(lambda brain: np.random.default_rng(0).random(brain.shape) < 0.01), SHIFT)


@pytest.mark.parametrize(
    ("missing", "region"),
    [
        (lambda brain: np.random.default_rng(0).random(brain.shape) < 0.2, "of the brain"),
        (lambda brain: plane(brain, 30, 50), "of the brain"),
        (lambda brain: plane(brain, -100, -48), "of the cerebellum"),
    ],
)
def test_an_image_without_much_of_its_brain_is_refused(image, missing, region):
    path = image(missing)
    with pytest.raises(BadImage, match=rf"NaN or infinity in \d+% {region}") as caught:
        check_missing(path, SHIFT)
    assert str(caught.value).startswith(f"{path}: ")


def test_integers_need_no_look(image):
    path = image(lambda brain: np.zeros(brain.shape, bool), np.int16)
    check_missing(path, np.full((4, 4), np.nan))
