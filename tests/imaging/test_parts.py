import numpy as np
import pytest

from cerebbids.imaging.parts import nearest_of


def test_each_voxel_belongs_to_the_nearer_part():
    parts = np.zeros((9, 3, 3), np.uint8)
    parts[0], parts[8] = 2, 3
    labelled = np.ones(parts.shape, bool)
    labelled[:, 0] = False
    found = nearest_of(parts, labelled, 2, 3, (1, 1, 1))
    assert (found[:5, 1:] == 2).all() and (found[5:, 1:] == 3).all() and not found[:, 0].any()


def test_distances_are_in_mm():
    parts, labelled = np.zeros((7, 7, 1), np.uint8), np.zeros((7, 7, 1), bool)
    parts[3, 0], parts[0, 3], labelled[3, 3] = (
        2,
        3,
        True,
    )  # as many voxels away along the second axis as along the first
    for zooms, nearer in (((1.0, 0.8, 1.0), 2), ((0.8, 1.0, 1.0), 3), ((1.0, 3.0, 1.0), 3), ((3.0, 1.0, 1.0), 2)):
        assert nearest_of(parts, labelled, 2, 3, zooms)[3, 3, 0] == nearer
    parts[0, 3], parts[2, 3] = 0, 3  # fewer voxels, and further
    assert nearest_of(parts, labelled, 2, 3, (3.0, 0.8, 1.0))[3, 3, 0] == 2


@pytest.mark.parametrize(("there", "owner"), [((2,), 2), ((3,), 3), ((), 2)])
def test_where_one_part_is_nowhere_all_is_of_the_other(there, owner):
    parts, labelled = np.zeros((5, 4, 3), np.uint8), np.ones((5, 4, 3), bool)
    labelled[0] = False
    for part in there:
        parts[part, 0, 0] = part
    found = nearest_of(parts, labelled, 2, 3, (1, 1, 2))
    assert (found[labelled] == owner).all() and not found[~labelled].any()
