import numpy as np
import pytest
from nibabel.affines import apply_affine

from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM, HEAD_2MM, Grid

GRIDS = (CEREBELLUM_1MM, CEREBELLUM_05MM, HEAD_2MM, Grid((3.0, -4.0, 5.5), (4, 6, 8), 0.7))


def field_of_view(grid: Grid) -> np.ndarray:
    """World coordinates (mm) of the outer edges of the first and the last voxel."""
    return apply_affine(grid.affine, [np.full(3, -0.5), np.array(grid.shape) - 0.5])


@pytest.mark.parametrize("grid", GRIDS)
def test_half_and_double_cover_the_same_field_of_view(grid: Grid):
    for other in (grid.halved(), grid.doubled()):
        np.testing.assert_allclose(field_of_view(other), field_of_view(grid), atol=1e-9)
    assert (grid.halved().spacing, grid.doubled().spacing) == (2 * grid.spacing, grid.spacing / 2)


@pytest.mark.parametrize("grid", GRIDS)
def test_a_coarse_voxel_lies_in_the_middle_of_its_eight_fine_ones(grid: Grid):
    fine = np.array([(a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    place = apply_affine(grid.affine, fine + [2, 0, 4]).mean(0)
    np.testing.assert_allclose(apply_affine(grid.halved().affine, [1, 0, 2]), place)


@pytest.mark.parametrize("grid", GRIDS)
def test_double_undoes_half(grid: Grid):
    again = grid.halved().doubled()
    assert again.shape == grid.shape and again.spacing == grid.spacing
    np.testing.assert_allclose(again.origin, grid.origin)


def test_networks_look_at_the_same_cerebellum():
    assert DEEPCERES.grids["superres"].doubled() == DEEPCERES.grids["contrast"]
    assert all(grid.is_symmetric for grid in DEEPCERES.grids.values())
