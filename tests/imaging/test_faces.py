from __future__ import annotations

import numpy as np
import pytest

from cerebbids.imaging.faces import cut_off

MIDDLE = np.pad(np.ones((3, 3, 3), np.uint8), 2)


def test_labels_in_the_middle_are_whole():
    assert list(cut_off(MIDDLE, MIDDLE)) == []


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shift", [-2, 2])
def test_each_end_of_either_grid_gives_its_warning(axis, shift):
    (box,) = cut_off(np.roll(MIDDLE, shift, axis), MIDDLE)
    (template,) = cut_off(MIDDLE, np.roll(MIDDLE, shift, axis))
    assert "the box that the network sees" in box
    assert "the template's grid" in template
