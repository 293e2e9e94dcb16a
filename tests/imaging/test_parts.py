import numpy as np

from cerebbids.imaging.parts import nearest_of


def test_each_voxel_belongs_to_the_nearer_part():
    parts = np.zeros((9, 3, 3), np.uint8)
    parts[0], parts[8] = 2, 3
    labelled = np.ones(parts.shape, bool)
    labelled[:, 0] = False
    found = nearest_of(parts, labelled, 2, 3)
    assert (found[:5, 1:] == 2).all() and (found[5:, 1:] == 3).all() and not found[:, 0].any()
    assert set(np.unique(nearest_of(np.minimum(parts, 2), labelled, 2, 3))) == {0, 2}
