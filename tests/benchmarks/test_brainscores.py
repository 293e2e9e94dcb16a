import numpy as np
import pytest
from brainscores import tissue_scores


def slab(first: int, last: int) -> np.ndarray:
    """Voxels from ``first`` to before ``last`` along the first axis, all along the others."""
    mask = np.zeros((24, 6, 6), bool)
    mask[first:last] = True
    return mask


def test_slabs_beside_each_other():
    """Surfaces are the first and the last layer: those of 4..11 and 6..13 lie 2 voxels apart at either end."""
    found = tissue_scores(slab(4, 12), slab(6, 14), (1, 1, 1))
    assert found["dice"] == pytest.approx(2 * 6 / (8 + 8))
    sides = tissue_scores(slab(4, 12)[:, 1:-1, 1:-1], slab(6, 14)[:, 1:-1, 1:-1], (1, 1, 1))
    assert sides["mhd"] == pytest.approx(2)


def test_distances_are_in_mm_along_every_axis():
    cube = np.zeros((20, 20, 20), bool)
    cube[10, 10, 10] = True
    for axis, spacing in enumerate((0.5, 1.0, 2.0)):
        moved = np.roll(cube, 3, axis)
        found = tissue_scores(moved, cube, (0.5, 1.0, 2.0))
        assert found == pytest.approx({"dice": 0, "asd": 3 * spacing, "mhd": 3 * spacing})


def test_the_mean_distance_goes_both_ways():
    """One voxel, and the same with another 4 away: from there 0 and 4, from here 0: the mean of all three."""
    truth = np.zeros((16, 5, 5), bool)
    truth[4, 2, 2] = True
    found = truth.copy()
    found[8, 2, 2] = True
    told = tissue_scores(found, truth, (1, 1, 1))
    assert told["dice"] == pytest.approx(2 / 3)
    assert told["asd"] == pytest.approx(4 / 3)


def test_a_far_voxel_does_not_decide_the_95th_percentile():
    truth = np.zeros((60, 12, 12), bool)
    truth[:10] = True
    found = truth.copy()
    found[50, 6, 6] = True
    assert tissue_scores(found, truth, (1, 1, 1))["mhd"] == 0


def test_what_is_missing_is_told_as_missing():
    nothing, something = np.zeros((4, 4, 4), bool), np.ones((4, 4, 4), bool)
    assert np.isnan([*tissue_scores(nothing, nothing, (1, 1, 1)).values()]).all()
    told = tissue_scores(nothing, something, (1, 1, 1))
    assert told["dice"] == 0 and np.isnan(told["asd"]) and np.isnan(told["mhd"])
