import numpy as np

from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.training.finelabels import FINE
from cerebbids.training.finepeople import on_working_grid


def test_a_label_stays_where_it_is_in_the_world():
    labels = np.zeros(FINE.shape, np.uint8)
    labels[100, 90, 80] = 5
    moved = np.argwhere(on_working_grid(labels))
    assert len(moved) == 1
    there = FINE.affine @ [100, 90, 80, 1]
    assert np.allclose(CEREBELLUM_05MM.affine @ [*moved[0], 1], there)
