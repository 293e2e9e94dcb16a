import nibabel as nib
import numpy as np
import pytest

from cerebbids.imaging.brainmask import stripped_brain
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_brain_mask

from .phantoms import oblique

SHAPE = (80, 90, 80)
AFFINE = oblique((2.5, 2.5, 2.5), (0, 0, 0))
AFFINE[:3, 3] = [0, -20, 5] - AFFINE[:3, :3] @ (np.array(SHAPE) / 2)


@pytest.fixture(scope="module")
def brain() -> np.ndarray:
    return np.asarray(resample(template_brain_mask(), SHAPE, AFFINE, order=0).dataobj) > 0


def found_in(data: np.ndarray) -> np.ndarray:
    return np.asarray(stripped_brain(nib.Nifti1Image(data.astype(np.float32), AFFINE), np.eye(4)).dataobj) > 0


def test_what_is_shown_is_the_brain(brain: np.ndarray):
    assert (found_in(700.0 * brain) == brain).mean() > 0.999


def test_what_stripping_has_left_is_not(brain: np.ndarray):
    faint = np.where(brain, 700.0, 12.0)
    assert (found_in(faint) == brain).mean() > 0.999
    eye = faint.copy()
    eye[2:8, 40:46, 38:44] = 900
    assert np.array_equal(found_in(eye), found_in(faint))


def test_a_dark_ventricle_belongs_to_the_brain(brain: np.ndarray):
    data = 700.0 * brain
    middle = tuple(int(places.mean()) for places in np.nonzero(brain))
    hole = tuple(slice(n - 3, n + 3) for n in middle)
    data[hole] = 0
    assert brain[hole].all() and found_in(data)[hole].all()
