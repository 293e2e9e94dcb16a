import numpy as np
import pytest

from cerebbids.inference.context import BIT_MM3, REACH_MM, distance_maps, without_bits


def test_distances_are_in_mm_along_every_axis_and_end_at_the_reach():
    labels = np.zeros((40, 40, 40), np.uint8)
    labels[20, 20, 20] = 2
    found = REACH_MM * distance_maps(labels, 4, (1.0, 2.0, 0.5))
    assert found.shape == (3, 40, 40, 40) and found.dtype == np.float32
    for axis, zoom in enumerate((1.0, 2.0, 0.5)):
        place = [20, 20, 20]
        place[axis] += 3
        assert found[1][tuple(place)] == pytest.approx(3 * zoom - 0.25)
    assert found[1, 20, 20, 20] == pytest.approx(0.25 - 0.5)
    assert found[1, 0, 0, 0] == REACH_MM
    assert (found[0] == REACH_MM).all() and (found[2] == REACH_MM).all()  # not there


def test_a_tissue_is_below_0_within():
    labels = np.zeros((20, 20, 20), np.uint8)
    labels[4:16, 4:16, 4:16] = 1
    found = distance_maps(labels, 2, (1.0, 1.0, 1.0))[0]
    assert ((found < 0) == (labels == 1)).all()
    assert REACH_MM * found.min() == pytest.approx(-5.5)


def brain() -> np.ndarray:
    """White matter in grey matter in fluid, off the middle."""
    labels = np.zeros((30, 30, 30), np.uint8)
    labels[4:26, 4:26, 2:26], labels[7:23, 7:23, 5:23], labels[11:19, 11:19, 9:19] = 1, 2, 3
    return labels


def test_bits_and_holes_become_what_is_around_them():
    labels, clean = brain(), brain()
    labels[14, 14, 12] = 0  # a hole in white matter
    labels[9, 9, 7] = 3  # a bit of white in grey matter
    labels[1, 1, 1] = 2  # a bit far outside
    assert np.array_equal(without_bits(labels, (1.0, 1.0, 1.0)), clean)


def test_pieces_of_some_size_stay():
    labels = brain()
    labels[7:10, 7:10, 5:8] = 3  # 27 voxels
    assert np.array_equal(without_bits(labels, (1.0, 1.0, 1.0)), labels)
    assert not np.array_equal(without_bits(labels, (0.5, 0.5, 0.5)), labels)
    assert 0.5**3 * 27 < BIT_MM3 < 27


def test_the_largest_piece_of_a_class_stays_however_small():
    labels = np.full((10, 10, 10), 1, np.uint8)
    labels[5, 5, 5] = 2
    assert without_bits(labels, (1.0, 1.0, 1.0))[5, 5, 5] == 2


def test_a_thin_strand_is_one_piece():
    """Fluid of a sulcus, whose voxels share edges and corners alone."""
    labels = np.full((24, 24, 24), 2, np.uint8)
    labels[:, :, :4] = 1
    for step in range(16):
        labels[4 + step, 4 + step, 6 + step % 2] = 1
    assert np.array_equal(without_bits(labels, (1.0, 1.0, 1.0)), labels)
