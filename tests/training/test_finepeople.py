import numpy as np

from cerebbids.imaging.resample import moved_up
from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.training.finelabels import FINE


def test_a_label_stays_where_it_is_in_the_world():
    labels = np.zeros(FINE.shape, np.uint8)
    labels[100, 90, 80] = 5
    moved = np.argwhere(moved_up(labels, FINE, CEREBELLUM_05MM))
    assert len(moved) == 1
    there = FINE.affine @ [100, 90, 80, 1]
    assert np.allclose(CEREBELLUM_05MM.affine @ [*moved[0], 1], there)
