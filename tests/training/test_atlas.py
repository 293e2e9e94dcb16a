import nibabel as nib
import numpy as np
import pytest

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.carving import N_SIDE
from cerebbids.systems.grid import Grid
from cerebbids.training.atlas import LOBULES_OF_GROUP, Template, centroid_affine, mirror, vote

GRID = Grid((-19.5, -14.0, -12.0), (40, 28, 24))
SPOTS = np.random.default_rng(4).uniform([4, -10, -8], [15, 9, 7], (len(LOBULES_OF_GROUP), 3))
"""Centre of every lobule group on the right, mm; the left is its mirror image."""


def world() -> np.ndarray:
    voxels = np.stack(np.meshgrid(*map(np.arange, GRID.shape), indexing="ij"), -1)
    return nib.affines.apply_affine(GRID.affine, voxels)


def groups(world_map: np.ndarray, side: int) -> np.ndarray:
    """Balls (10, X, Y, Z) on one side (1 right, -1 left) of a world that `world_map` leads back from."""
    centres = nib.affines.apply_affine(world_map, SPOTS * [side, 1, 1])
    return np.stack([np.linalg.norm(world() - centre, axis=-1) < 2.5 for centre in centres])


@pytest.fixture(scope="module")
def template() -> Template:
    balls = (groups(np.eye(4), 1) | groups(np.eye(4), -1)).astype(np.float32)
    return Template(balls, balls.max(0), np.zeros(GRID.shape, np.float32))


def test_centroids_lead_to_where_the_lobules_were_put(template: Template):
    moved = nib.affines.from_matvec(np.diag([0.9, 0.95, 1.05]) @ nib.eulerangles.euler2mat(0.1, 0, 0.05), [1, -2, 1])
    data = np.zeros(GRID.shape, np.int16)
    for side, first in ((-1, 0), (1, N_SIDE)):
        for ball, lobules in zip(groups(moved, side), LOBULES_OF_GROUP, strict=True):
            data[ball] = load_scheme("Lobules").indices[lobules[0] + first]
    found = centroid_affine(nib.Nifti1Image(data, GRID.affine), template, GRID)
    assert np.abs(nib.affines.apply_affine(found, SPOTS) - nib.affines.apply_affine(moved, SPOTS)).max() < 0.5


def test_the_vote_is_symmetric_and_names_every_group_on_its_side(template: Template):
    brain = np.zeros((2 * N_SIDE, *GRID.shape), np.float32)
    for side, first in ((-1, 0), (1, N_SIDE)):
        for ball, lobules in zip(groups(np.eye(4), side), LOBULES_OF_GROUP, strict=True):
            brain[lobules[0] + first] = ball
    atlas = vote([brain], template)
    assert np.allclose(mirror(atlas), atlas, atol=1e-6)
    assert not atlas[[12, 25]].any() and (atlas.sum(0) > 0).all()  # tissue comes from elsewhere; no voxel is left
    for group, lobules in enumerate(LOBULES_OF_GROUP):
        for side, first in ((-1, 0), (1, N_SIDE)):
            place = tuple(
                np.round(nib.affines.apply_affine(np.linalg.inv(GRID.affine), SPOTS[group] * [side, 1, 1])).astype(int)
            )
            assert atlas[(slice(None), *place)].argmax() == lobules[0] + first


def test_a_group_is_split_as_the_brains_split_it(template: Template):
    brain = np.zeros((2 * N_SIDE, *GRID.shape), np.float32)
    right = groups(np.eye(4), 1)[0]
    front = world()[..., 1] > SPOTS[0, 1]
    brain[N_SIDE + 0], brain[N_SIDE + 2] = right & front, right & ~front  # I-II before IV
    named = vote([brain], template).argmax(0)
    assert set(np.unique(named[right & front])) <= {N_SIDE, N_SIDE + 2}
    assert (named[right & front] == N_SIDE).mean() > 0.7 and (named[right & ~front] == N_SIDE + 2).mean() > 0.7
    mirrored = named[::-1]
    assert (mirrored[right & front] == 0).mean() > 0.7
