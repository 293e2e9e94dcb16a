import nibabel as nib
import numpy as np
import pytest
from infantheads import VIEW_MM, Box, box_of, native_grid, share_inside
from nibabel.affines import apply_affine

from cerebbids.inference.localise import BRAINSTEM, CEREBELLUM


def test_the_share_in_a_box_is_that_of_the_world():
    mask = np.zeros((10, 12, 14), bool)
    mask[2:6, 5, 7] = True
    affine = np.array([[0, 2.0, 0, 1], [-2, 0, 0, 2], [0, 0, 2, 3], [0, 0, 0, 1]])  # i runs against y, j along x
    low, high = (10.0, -6.5, 16.0), (12.0, 30.0, 18.0)  # y is -2, -4, -6 and -8
    assert share_inside(mask, affine, Box(low, high)) == pytest.approx(0.75)
    assert share_inside(mask, affine, Box((-99.0,) * 3, (99.0,) * 3)) == 1


def test_the_box_is_around_the_cerebellum_and_the_brainstem_beside_it():
    labels = np.zeros((60, 40, 60), np.uint8)
    labels[30:40, 10:20, 25:35] = CEREBELLUM
    labels[20:25, 25:30] = BRAINSTEM
    affine = np.array([[0, 2.0, 0, -9], [-2, 0, 0, 7], [0, 0, 2, 3], [0, 0, 0, 1]])  # i runs against y, j along x
    # The cerebellum ends at z = 53 and 71; the brainstem goes on, and 15 mm of it on either side are near.
    assert box_of(nib.Nifti1Image(labels, affine)) == Box((1.0, -81.0, 29.0), (59.0, -23.0, 95.0))


def test_grids_cover_a_head_in_many_orientations():
    codes = set()
    for seed in range(20):
        affine, shape = native_grid(np.random.default_rng(seed))
        codes.add(nib.aff2axcodes(affine))
        corners = apply_affine(affine, np.array(np.meshgrid(*((0, n - 1) for n in shape))).reshape(3, -1).T)
        assert np.abs(corners.mean(0)).max() < 1e-6
        assert (np.ptp(corners, 0) > np.array(VIEW_MM) - 3).all()
        zooms = np.linalg.norm(affine[:3, :3], axis=0)
        assert ((zooms > 0.8) & (zooms < 1.25)).all()
    assert len(codes) > 12
