import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine, from_matvec

from cerebbids.imaging.relabel import relabel

from .phantoms import oblique

FINE = from_matvec(0.5 * np.eye(3), (-20, -32, -25))
SHAPE = (80, 64, 72)
# Balls that no flip or turn maps onto each other: label -> (centre, radius), mm.
BALLS = {5: ((-9.3, -18.1, -9.7), 9.0), 105: ((9.2, -11.4, -4.1), 7.0), 13: ((2.1, -25.3, 1.9), 4.5)}
LARGE_MM3 = 3000.0


def labels_at(world: np.ndarray) -> np.ndarray:
    found = np.zeros(world.shape[:-1], np.uint8)
    for label, (centre, radius) in BALLS.items():
        found[np.linalg.norm(world - centre, axis=-1) < radius] = label
    return found


def world_of(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    return apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))


@pytest.fixture(scope="module")
def balls() -> np.ndarray:
    return labels_at(world_of(SHAPE, FINE))


def grid(zooms: tuple[float, float, float], turned: bool, world_map: np.ndarray) -> tuple[tuple, np.ndarray]:
    """Shape and affine of a grid around the phantom, in the world that `world_map` brings to that of the phantom."""
    shape = tuple(int(64 / zoom) for zoom in zooms)
    axes = oblique(zooms, (0, 0, 0))[:3, :3] if turned else np.diag(zooms)
    middle = apply_affine(np.linalg.inv(world_map), (0, -17, -7))
    return shape, from_matvec(axes, middle - axes @ ((np.array(shape) - 1) / 2))


def test_labels_stay_what_they_are_on_their_own_grid(balls):
    np.testing.assert_array_equal(relabel(balls, FINE, SHAPE, FINE), balls)
    assert relabel(balls, FINE, SHAPE, FINE).dtype == np.uint8


def test_labels_stay_what_they_are_on_their_own_grid_with_other_axes(balls):
    flipped = nib.Nifti1Image(balls, FINE).as_reoriented(np.array([[1, -1], [2, 1], [0, -1]]))
    np.testing.assert_array_equal(relabel(balls, FINE, flipped.shape, flipped.affine), flipped.dataobj)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("zooms", [(0.5, 0.5, 0.5), (1.0, 1.0, 1.0), (0.8, 1.2, 1.0), (0.9, 0.9, 3.0)])
def test_labels_lie_where_they_lay_and_are_as_large(zooms, turned, balls):
    world_map = from_matvec(np.diag([1.05, 0.95, 1.0]) @ nib.eulerangles.euler2mat(0.1, -0.05, 0.15), [3, -6, 9])
    shape, affine = grid(zooms, turned, world_map)
    found = relabel(balls, FINE, shape, affine, world_map)
    assert set(np.unique(found)) == {0, *BALLS}
    in_phantom = world_map @ affine
    for label in BALLS:
        places = apply_affine(in_phantom, np.argwhere(found == label))
        before = apply_affine(FINE, np.argwhere(balls == label))
        np.testing.assert_allclose(places.mean(0), before.mean(0), atol=0.15)
        volumes = len(places) * abs(np.linalg.det(in_phantom[:3, :3])), len(before) * 0.5**3
        if volumes[1] > LARGE_MM3:
            assert volumes[0] == pytest.approx(volumes[1], rel=0.01)


def test_the_commonest_label_of_a_voxel_wins():
    """Background, too, and of two that are as common the one that is at the voxel's centre."""
    rows = [[0, 7, 7], [0, 0, 7], [5, 7, 7], [5, 6, 7]]
    triple = from_matvec(np.diag([3.0, 1, 1]), (1, 0, 0))
    found = relabel(np.array(rows, np.uint8).reshape(-1, 1, 1), np.eye(4), (4, 1, 1), triple)
    assert found.ravel().tolist() == [7, 0, 7, 6]


def test_a_voxel_that_reaches_out_of_the_labels_sees_background_there():
    full = np.full((8, 8, 8), 3, np.uint8)
    found = relabel(full, np.eye(4), (3, 3, 3), from_matvec(4 * np.eye(3), (-1.5, -1.5, -1.5)))
    expected = np.zeros((3, 3, 3))
    expected[1:, 1:, 1:] = 3
    expected[2, 2, 2] = 0  # three quarters of it along each axis
    np.testing.assert_array_equal(found, expected)


def test_without_labels_there_are_none():
    assert not relabel(np.zeros(SHAPE, np.uint8), FINE, (9, 9, 9), np.eye(4)).any()


def test_every_point_of_a_voxel_twice_as_large_is_read():
    """Centres of the large voxels lie on the borders of the small ones."""
    labels = np.zeros((8, 4, 4), np.uint8)
    labels[1::2] = 5  # the second of each two
    labels[0::2, :, 1:] = 5
    twice = np.diag([2.0, 2, 2, 1])
    twice[:3, 3] = 0.5
    assert (relabel(labels, np.eye(4), (4, 2, 2), twice) == 5).all()
