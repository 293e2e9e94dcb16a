from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from cerebbids.imaging.resample import resample

from .phantoms import blobs, oblique


def test_the_own_grid_changes_nothing():
    image = blobs((20, 24, 18), oblique((1.0, 1.3, 0.9), (10, -50, 300)))
    same = resample(image, image.shape, image.affine)
    np.testing.assert_allclose(same.get_fdata(), image.get_fdata(), atol=1e-5)


@pytest.mark.parametrize("order", [0, 1, 3])
def test_a_reoriented_grid_only_moves_voxels(order):
    image = blobs((20, 24, 18), oblique((1.0, 1.3, 0.9), (10, -50, 300)))
    turned = image.as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    found = resample(image, turned.shape, turned.affine, order=order)
    np.testing.assert_allclose(found.get_fdata(), turned.get_fdata(), atol=1e-4)


def test_the_world_map_leads_from_target_to_source():
    image = blobs((20, 20, 20), np.eye(4))
    shift = nib.affines.from_matvec(np.eye(3), [3, 0, 0])
    moved = resample(image, image.shape, np.eye(4), world_map=shift)
    np.testing.assert_allclose(moved.get_fdata()[:-3], image.get_fdata()[3:], atol=1e-6)


def test_labels_keep_their_type_and_the_outside_is_zero():
    labels = nib.Nifti1Image(np.full((4, 4, 4), 113, np.uint8), np.eye(4))
    found = np.asarray(resample(labels, (8, 4, 4), np.eye(4), order=0).dataobj)
    assert found.dtype == np.uint8
    assert (found[:4] == 113).all()
    assert not found[4:].any()


def test_sheared_source():
    shear = np.eye(4)
    shear[0, 1] = 0.2
    image = blobs((24, 24, 24), shear)
    straight = resample(image, (24, 24, 24), np.eye(4))
    i, j, k = 12, 10, 11  # lies at x = 12 + 0.2 * 10 = 14 in the world
    assert np.asarray(straight.dataobj)[14, j, k] == pytest.approx(np.asarray(image.dataobj)[i, j, k], abs=1e-5)
