import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.inference.fine import fine_t1w, is_fine
from cerebbids.nets.superres import SuperResolution
from cerebbids.systems.grid import Grid

from .phantoms import TO_MNI, left_handed, world_of

GRID = Grid((-11.5, -10.0, -14.0), (24, 22, 28), 1.0)
CENTRE = nib.affines.apply_affine(np.linalg.inv(TO_MNI), [0, 0, 0])
CPU = torch.device("cpu")


def smooth(place: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(place, -1, 0)
    return 150 + 50 * np.sin(0.15 * x + 0.05 * y) + 2 * z + 0.1 * x * z


def stripes(place: np.ndarray) -> np.ndarray:
    """Waves of 2 mm, which voxels of 1 mm can hardly hold."""
    return 150 + 50 * np.sin(np.pi * place[..., 0])


def seen(paint, zoom: float, side: int) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """An image that covers the box, painted by places in the working space, and a mask of all of it."""
    shape = (side, side + 2, side + 4)
    affine = left_handed((zoom, zoom, zoom), shape, CENTRE)
    data = paint(world_of(shape, TO_MNI @ affine)).astype(np.float32)
    return nib.Nifti1Image(data, affine), nib.Nifti1Image(np.ones(shape, np.uint8), affine)


def brought(paint, zoom: float, side: int) -> tuple[np.ndarray, np.ndarray]:
    """What comes of an image on the fine box, and what is there in truth; borders left out."""
    found = fine_t1w(SuperResolution(4, 1), GRID, *seen(paint, zoom, side), TO_MNI, CPU)
    fine = GRID.doubled()
    assert found.shape == fine.shape and found.dtype == np.float32
    inner = (slice(4, -4),) * 3
    return found[inner], paint(world_of(fine.shape, fine.affine))[inner]


@pytest.mark.parametrize(("zoom", "side"), [(0.5, 90), (1.0, 46)])
def test_a_smooth_phantom_is_at_its_place_at_half_a_millimetre(zoom: float, side: int):
    found, truth = brought(smooth, zoom, side)
    assert np.abs(found - truth).max() < 1.5  # a quarter of a millimetre beside is 2 and more
    assert abs((found - truth).mean()) < 0.1


def test_a_fine_scan_keeps_its_own_detail():
    found, truth = brought(stripes, 0.5, 90)
    assert np.corrcoef(found.ravel(), truth.ravel())[0, 1] > 0.98
    assert found.std() > 0.9 * truth.std()


def test_only_the_largest_side_of_a_voxel_counts():
    def image(*zooms: float) -> nib.Nifti1Image:
        return nib.Nifti1Image(np.zeros((2, 2, 2), np.float32), left_handed(zooms, (2, 2, 2), np.zeros(3)))

    assert is_fine(image(0.6, 0.5, 0.6)) and not is_fine(image(0.5, 0.5, 0.8)) and not is_fine(image(1, 1, 1))


@pytest.mark.parametrize("zoom", [0.5, 1.0])
def test_where_the_scan_does_not_reach_there_is_nothing(zoom: float):
    shape = (int(12 / zoom),) * 3
    affine = nib.affines.from_matvec(zoom * np.eye(3), [-6, -6, -6])
    t1w = nib.Nifti1Image(np.full(shape, 150, np.float32), affine)
    mask = nib.Nifti1Image(np.ones(shape, np.uint8), affine)
    found = fine_t1w(SuperResolution(4, 1), GRID, t1w, mask, np.eye(4), CPU)
    place = world_of(GRID.doubled().shape, GRID.doubled().affine)
    assert np.abs(found[np.abs(place + 0.5).max(-1) < 4] - 150).max() < 3
    assert found[(np.abs(place + 0.5) > 10).any(-1)].max() < 1  # the spline swings beyond the edge
