import nibabel as nib
import numpy as np
import pytest
import torch
from scipy import ndimage

from cerebbids.imaging.template import template_brain_mask
from cerebbids.inference.cavity import find_cavity, holds_brain
from cerebbids.systems.grid import Grid

from .phantoms import TO_MNI, Bright, left_handed, world_of

GRID = Grid((-63.0, -63.0, -63.0), (64, 64, 64), 2.0)
SHAPE = (90, 100, 110)
AFFINE = left_handed((1.2, 1.0, 1.1), SHAPE, np.linalg.inv(TO_MNI)[:3, 3])
CPU = torch.device("cpu")


def skull() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """An egg in the working space with a dark ventricle in it, and a stray blob beside it."""
    place = world_of(SHAPE, TO_MNI @ AFFINE)
    egg = np.linalg.norm((place - [4, -5, 2]) / [24, 32, 20], axis=-1) < 1
    ventricle = np.linalg.norm(place - [8, 0, 4], axis=-1) < 6
    stray = np.linalg.norm(place - [-34, 26, 20], axis=-1) < 6
    return egg, ventricle, stray


def test_the_cavity_is_one_filled_piece_at_its_place():
    egg, ventricle, stray = skull()
    assert stray.sum() > 100
    noise = np.random.default_rng(0).uniform(0.9, 1.1, SHAPE)
    t1w = nib.Nifti1Image((200 * noise * ((egg & ~ventricle) | stray)).astype(np.float32), AFFINE)
    cavity = find_cavity(Bright(), GRID, t1w, TO_MNI, CPU)
    found = np.asarray(cavity.dataobj)
    assert found.dtype == np.uint8 and set(np.unique(found)) == {0, 1}
    np.testing.assert_allclose(cavity.affine, AFFINE)
    assert ndimage.label(found)[1] == 1 and found[ventricle].all()
    assert 2 * (found * egg).sum() / (found.sum() + egg.sum()) > 0.97
    offset = np.argwhere(found).mean(0) - np.argwhere(egg).mean(0)
    assert np.abs(offset).max() < 0.2  # no half-voxel shift


@pytest.fixture(scope="module")
def brain() -> nib.Nifti1Image:
    """The template's brain in voxels of 3 mm."""
    whole = template_brain_mask()
    data = np.asarray(whole.dataobj)[::3, ::3, ::3]
    return nib.Nifti1Image(data, whole.affine @ np.diag([3, 3, 3, 1]))


def test_a_cavity_holds_the_brain_as_far_as_the_image_goes(brain: nib.Nifti1Image):
    assert holds_brain(brain, np.eye(4))
    assert holds_brain(brain.slicer[:, :, 20:], np.eye(4))


def test_a_cavity_that_lacks_part_of_the_brain_is_none(brain: nib.Nifti1Image):
    data = np.asarray(brain.dataobj).copy()
    data[:, :, :20] = 0
    assert not holds_brain(nib.Nifti1Image(data, brain.affine), np.eye(4))
    elsewhere = nib.affines.from_matvec(np.eye(3), [20, 0, 0])
    assert not holds_brain(brain, elsewhere)
