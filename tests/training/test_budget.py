import numpy as np
import pytest

from cerebbids.training.budget import AXES, labelled_slices
from cerebbids.training.supervision import UNLABELLED


@pytest.fixture
def labels() -> np.ndarray:
    """A block with a gradient of labels along every axis, not in the middle."""
    found = np.zeros((50, 60, 70), np.uint8)
    block = np.indices((30, 40, 50)).sum(0) % 9 + 1
    found[5:35, 15:55, 8:58] = block
    return found


@pytest.mark.parametrize("axis", AXES)
def test_whole_slices_along_the_axis_are_labelled(labels, axis):
    found = labelled_slices(labels, axis, 0.33, np.random.default_rng(0))
    along = AXES[axis]
    others = tuple(k for k in range(3) if k != along)
    known = (found != UNLABELLED).any(others)
    assert ((found != UNLABELLED).all(others) == known).all()
    length = (30, 40, 50)[along]
    assert known.sum() == round(0.33 * length)
    assert (found[found != UNLABELLED] == labels[found != UNLABELLED]).all()
    assert found.dtype == np.uint8


@pytest.mark.parametrize("axis", AXES)
def test_the_outermost_slices_of_the_brain_are_left_out(labels, axis):
    along = AXES[axis]
    first, length = (5, 15, 8)[along], (30, 40, 50)[along]
    for seed in range(20):
        found = labelled_slices(labels, axis, 0.33, np.random.default_rng(seed))
        known = np.flatnonzero((found != UNLABELLED).any(tuple(k for k in range(3) if k != along)))
        assert known.min() >= first + 0.1 * length and known.max() < first + 0.9 * length


def test_random_axes_are_all_three(labels):
    along = set()
    for seed in range(20):
        known = labelled_slices(labels, "random", 0.33, np.random.default_rng(seed)) != UNLABELLED
        along |= {k for k in range(3) if known.all(tuple(other for other in range(3) if other != k)).any()}
    assert along == {0, 1, 2}


def test_no_more_slices_than_there_are(labels):
    found = labelled_slices(labels, "axial", 1.0, np.random.default_rng(0))
    assert (found != UNLABELLED).any((0, 1)).sum() == 40


def test_small_brains_have_a_labelled_slice(labels):
    small = np.zeros_like(labels)
    small[20:22, 20:22, 20:22] = 1
    assert (labelled_slices(small, "axial", 0.1, np.random.default_rng(0)) == 1).any()
    with pytest.raises(ValueError, match="no label"):
        labelled_slices(np.zeros_like(labels), "axial", 0.1, np.random.default_rng(0))
