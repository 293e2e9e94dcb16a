"""The box at 0.5 mm along a T1w image's axes, and what is taken out before voxels become coarser."""

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine

from cerebbids.imaging.resample import blurred, fine_box, resample
from cerebbids.systems.grid import Grid

from .phantoms import oblique

GRID = Grid((-10.0, 3.0, -20.0), (24, 20, 28), 0.5)
TO_MNI = nib.affines.from_matvec(np.diag([1.08, 0.93, 1.02]) @ nib.eulerangles.euler2mat(0.1, -0.05, 0.2), [4, -9, 12])
SHEAR = np.array([[1, 0.15, 0, 0], [0, 1, -0.1, 0], [0.05, 0, 1, 0], [0, 0, 0, 1.0]])
AXES = {
    "straight": np.diag([1.0, 1, 1, 1]),
    "axes swapped, left-handed": np.array([[0, 0, 1.2, 5], [1.0, 0, 0, -40], [0, 0.9, 0, 7], [0, 0, 0, 1]]),
    "oblique, left-handed": oblique((0.9, 1.3, 1.0), (30, -80, 100)),
    "sheared": SHEAR @ oblique((1.0, 1.0, 1.2), (-12, 5, 8)),
}


def t1w_with(axes: str) -> nib.Nifti1Image:
    return nib.Nifti1Image(np.zeros((4, 5, 6), np.float32), AXES[axes])


def centre_of_mass(image: nib.Nifti1Image) -> np.ndarray:
    """World coordinates, mm."""
    weights = image.get_fdata()
    voxels = np.moveaxis(np.indices(image.shape), 0, -1)
    return apply_affine(image.affine, (voxels * weights[..., None]).sum((0, 1, 2)) / weights.sum())


@pytest.mark.parametrize("axes", AXES)
def test_the_whole_working_box_is_inside_and_little_else(axes: str):
    shape, affine = fine_box(t1w_with(axes), GRID, TO_MNI)
    corners = np.array(np.meshgrid(*((-0.5, n - 0.5) for n in GRID.shape))).reshape(3, -1).T
    voxels = apply_affine(np.linalg.inv(TO_MNI @ affine) @ GRID.affine, corners)
    np.testing.assert_allclose(voxels.min(0), -0.5, atol=1e-6)
    beyond = np.array(shape) - 0.5 - voxels.max(0)
    assert (beyond > -1e-6).all() and (beyond < 1).all()


@pytest.mark.parametrize("axes", AXES)
def test_voxels_are_cubes_along_the_axes_of_the_t1w(axes: str):
    _, affine = fine_box(t1w_with(axes), GRID, TO_MNI)
    np.testing.assert_allclose(affine[:3, :3].T @ affine[:3, :3], 0.25 * np.eye(3), atol=1e-9)
    own = AXES[axes][:3, :3] / np.linalg.norm(AXES[axes][:3, :3], axis=0)
    assert (np.diag(own.T @ affine[:3, :3]) > 0.49).all()  # no axis is reversed or another's
    assert np.sign(np.linalg.det(affine)) == np.sign(np.linalg.det(AXES[axes]))


@pytest.mark.parametrize("axes", AXES)
def test_a_point_of_the_working_box_comes_out_at_its_place(axes: str):
    voxel = np.array([5, 13, 21])
    place = np.moveaxis(np.indices(GRID.shape), 0, -1) - voxel
    spot = np.exp(-0.5 * (place**2).sum(-1) / 1.5**2).astype(np.float32)
    shape, affine = fine_box(t1w_with(axes), GRID, TO_MNI)
    found = resample(nib.Nifti1Image(spot, GRID.affine), shape, affine, TO_MNI, order=3)
    world = apply_affine(TO_MNI, centre_of_mass(found))
    np.testing.assert_allclose(world, apply_affine(GRID.affine, voxel), atol=0.03)


def test_blurring_takes_out_what_the_coarse_voxels_cannot_hold():
    """The width grows to that of the coarse voxel along fine axes only, and nothing moves."""
    zooms = (0.5, 1.0, 3.0)
    data = np.zeros((41, 31, 21), np.float32)
    data[17, 14, 9] = 8
    image = nib.Nifti1Image(data, oblique(zooms, (7, -3, 50)))
    found = blurred(image, 2.0)
    assert (found.affine == image.affine).all()
    np.testing.assert_allclose(centre_of_mass(found), centre_of_mass(image), atol=1e-3)
    assert found.get_fdata().sum() == pytest.approx(8, rel=1e-3)
    for axis, zoom in enumerate(zooms):
        profile = found.get_fdata().sum(tuple({0, 1, 2} - {axis})) / 8
        spread = zoom * np.sqrt((profile * (np.arange(len(profile)) - (17, 14, 9)[axis]) ** 2).sum())
        assert spread == pytest.approx(np.sqrt(max(4 - zoom**2, 0)) / 2.3548, abs=0.02)
