import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.pair import MIN_SHARPNESS, pair
from tests.brainphantom import pair_of
from tests.imaging.contrasts import rigid

MIDDLE = (4.0, -8.0, 11.0)


def farthest(found: np.ndarray, truth: np.ndarray) -> float:
    """Largest distance, mm, that two affines of a T2w image leave between a voxel's places."""
    corners = np.array(np.meshgrid(*[(18, 52)] * 3)).reshape(3, -1).T
    apply = nib.affines.apply_affine
    return float(np.linalg.norm(apply(found, corners) - apply(truth, corners), axis=1).max())


@pytest.mark.parametrize(
    ("angles", "shift", "codes"), [((2, -3, 4), (3, -5, 2), "RAS"), ((-9, 6, -8), (25, 30, -40), "LIP")]
)
def test_motion_between_the_images_is_found(angles, shift, codes):
    motion = rigid(angles, shift, MIDDLE)
    t1w, t2w, parts = pair_of(motion)
    turn = nib.orientations.ornt_transform(nib.io_orientation(t1w.affine), nib.orientations.axcodes2ornt(codes))
    brain = np.asarray(nib.Nifti1Image(parts, t1w.affine).as_reoriented(turn).dataobj) > 0
    found = pair(t1w.as_reoriented(turn), t2w, brain, "T1w")
    assert farthest(found.t2w.affine, np.linalg.inv(motion) @ t2w.affine) < 0.6
    assert np.linalg.det(np.linalg.inv(t2w.affine) @ found.t2w.affine) == pytest.approx(1, abs=1e-6)
    assert found.coverage > 0.99 and found.sharpness > MIN_SHARPNESS
    corners = nib.affines.apply_affine(t1w.as_reoriented(turn).affine, np.argwhere(brain))
    middle = (corners.min(0) + corners.max(0)) / 2
    true = np.linalg.norm(nib.affines.apply_affine(motion, middle) - middle)
    assert found.displacement_mm == pytest.approx(true, abs=1)


def test_image_of_another_brain_is_refused():
    t1w, t2w, parts = pair_of(np.eye(4))
    other = np.asarray(t2w.dataobj)[::-1].copy()
    with pytest.raises(SegmentationFailed, match="does not fit its anatomy"):
        pair(t1w, nib.Nifti1Image(other, t2w.affine), parts > 0, "T1w")


def test_image_of_half_the_brain_is_refused():
    t1w, t2w, parts = pair_of(np.eye(4))
    with pytest.raises(SegmentationFailed, match="% of the brain"):
        pair(t1w, t2w.slicer[:, :, 28:], parts > 0, "T1w")


def test_image_that_is_black_where_it_shows_no_brain_is_refused_as_such():
    t1w, t2w, parts = pair_of(np.eye(4))
    cut = np.asarray(t2w.dataobj).copy()
    cut[:, :, :24] = 0
    with pytest.raises(SegmentationFailed, match=r"its T2w image shows only \d+\.\d % of the brain"):
        pair(t1w, nib.Nifti1Image(cut, t2w.affine), parts > 0, "T1w")
