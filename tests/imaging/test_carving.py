"""A phantom of half a millimetre: what every voxel consists of is known, and so is what its label has to be."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import ndimage

from cerebbids.imaging import carving
from cerebbids.imaging.carving import carve, grey_brightness
from cerebbids.imaging.t2contrast import T2W_MEANS
from cerebbids.imaging.tissuemeans import TARGETS

MM = 0.5
SHAPE = (112, 96, 72)
LEFT, LEFT_WHITE, RIGHT, RIGHT_WHITE = 6, 13, 21, 26
FLUID, GREY, WHITE = 0.0, 1.0, 2.0
x_mm, y_mm, z_mm = (axis * MM for axis in np.indices(SHAPE))
FOLIA = (y_mm > 8) & (y_mm < 40) & (z_mm > 2) & (z_mm < 34)
CORE = (y_mm > 15) & (y_mm < 33) & (z_mm > 10) & (z_mm < 26)
STALK = (y_mm >= 33) & (z_mm > 15) & (z_mm < 21)


def side(start: float) -> np.ndarray:
    """Slab of x, 20 mm, in which one half lies."""
    return (x_mm > start) & (x_mm < start + 20)


@dataclass
class Phantom:
    """Two boxes of lobule around white cores, 10 mm apart, from whose front peduncles leave; 0.0 to 2.0 of tissue."""

    compartments: np.ndarray = field(init=False)
    tissue: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.compartments = np.zeros(SHAPE, np.uint8)
        self.tissue = np.full(SHAPE, FLUID)
        for start, lobule, white in ((4, LEFT, LEFT_WHITE), (32, RIGHT, RIGHT_WHITE)):
            inner = (x_mm > start + 5) & (x_mm < start + 15)
            self.compartments[side(start) & FOLIA] = lobule
            self.compartments[inner & (CORE | STALK)] = white
        self.tissue[self.compartments > 0] = GREY
        self.tissue[np.isin(self.compartments, (LEFT_WHITE, RIGHT_WHITE))] = WHITE

    def carved(self, grey_t1w: float = TARGETS[1]) -> np.ndarray:
        """Labels, when the cortex is as bright as is said."""
        knots = np.array([FLUID, GREY, WHITE])
        t1w = np.interp(self.tissue, knots, (TARGETS[0], grey_t1w, TARGETS[2]))
        share = (grey_t1w - TARGETS[1]) / (TARGETS[2] - TARGETS[1])
        grey_t2w = T2W_MEANS[1] + share * (T2W_MEANS[2] - T2W_MEANS[1])
        t2w = np.interp(self.tissue, knots, (T2W_MEANS[0], grey_t2w, T2W_MEANS[2]))
        return carve(self.compartments, t1w, t2w, MM)


@pytest.fixture
def phantom() -> Phantom:
    return Phantom()


def test_a_lobule_of_grey_matter_around_white_matter_stays_what_it_is(phantom):
    found = phantom.carved()
    behind = y_mm < 33
    np.testing.assert_array_equal(found[behind], phantom.compartments[behind])


@pytest.mark.parametrize("grey", [TARGETS[1], 170.0])
def test_fluid_between_folia_has_no_label_and_branches_of_the_core_are_white(phantom, grey):
    """Folia in planes of constant x: every fourth voxel is fluid, and a branch runs from the core to the surface."""
    left = phantom.compartments == LEFT
    gaps = left & (np.arange(SHAPE[0]) % 4 == 0)[:, None, None]
    branch = left & (y_mm < 20) & (np.abs(z_mm - 18) < 1) & (np.arange(SHAPE[0]) % 4 == 2)[:, None, None]
    branch &= (x_mm > 9) & (x_mm < 19) & (y_mm > 10)
    phantom.tissue[gaps], phantom.tissue[branch] = FLUID, WHITE
    found = phantom.carved(grey)
    assert not found[gaps].any()
    assert branch.any() and (found[branch] == LEFT_WHITE).all()
    assert (found[left & ~gaps & ~branch] == LEFT).all()


@pytest.mark.parametrize("grey", [TARGETS[1], 170.0])
@pytest.mark.parametrize(("fluid", "label"), [(0.6, 0), (0.4, LEFT)])
def test_the_larger_part_of_a_voxel_decides(phantom, fluid, label, grey):
    phantom.tissue[24, 20, 12] = fluid * FLUID + (1 - fluid) * GREY
    assert phantom.carved(grey)[24, 20, 12] == label


@pytest.mark.parametrize("grey", [TARGETS[1], 170.0])
@pytest.mark.parametrize(("white", "label"), [(0.4, LEFT), (0.6, LEFT_WHITE)])
def test_a_voxel_beside_the_core_is_white_when_most_of_it_is(phantom, white, label, grey):
    at = tuple(np.argwhere((phantom.compartments == LEFT) & (np.roll(phantom.compartments, 1, 2) == LEFT_WHITE))[50])
    assert (phantom.compartments[at], phantom.compartments[at[0], at[1], at[2] - 1]) == (LEFT, LEFT_WHITE)
    phantom.tissue[at] = (1 - white) * GREY + white * WHITE
    assert phantom.carved(grey)[at] == label


def test_a_bright_vessel_at_the_surface_is_no_white_matter(phantom):
    vessel = np.zeros(SHAPE, bool)
    vessel[20:30, 17:20, 10:14] = True
    phantom.tissue[vessel] = WHITE
    assert (phantom.carved()[vessel] == LEFT).all()


def test_a_dark_nucleus_in_the_core_stays_white_matter(phantom):
    nucleus = np.linalg.norm(np.stack([x_mm - 14, y_mm - 24, z_mm - 18], -1), axis=-1) < 3
    phantom.tissue[nucleus] = GREY
    assert (phantom.carved()[nucleus] == LEFT_WHITE).all()


def test_a_peduncle_that_has_left_the_lobules_has_no_label(phantom):
    found = phantom.carved()
    white = np.isin(phantom.compartments, (LEFT_WHITE, RIGHT_WHITE))
    assert (found[white & (y_mm < 38)] > 0).all()
    outside = white & (y_mm > 42)
    assert outside.any() and not found[outside].any()
    assert not np.isin(found[white], (LEFT, RIGHT)).any()  # nor does it become cortex where it passes the lobules


def test_a_mirror_image_is_carved_into_the_mirror_image():
    phantom, rng = Phantom(), np.random.default_rng(0)
    phantom.compartments = np.roll(phantom.compartments, 1, 0)  # begins at an odd voxel
    mixed = np.roll(phantom.tissue, 1, 0) + ndimage.gaussian_filter(rng.normal(0, 2, SHAPE), 1.5)
    t1w, t2w = (np.interp(mixed, (FLUID, GREY, WHITE), means) for means in (TARGETS, T2W_MEANS))
    plain = carve(phantom.compartments, t1w, t2w, MM)
    mirrored = carve(phantom.compartments[::-1], t1w[::-1], t2w[::-1], MM)
    np.testing.assert_array_equal(mirrored[::-1], plain)


def test_white_matter_of_one_side_never_becomes_cortex_of_the_other():
    compartments = np.zeros(SHAPE, np.uint8)
    box = (y_mm > 8) & (y_mm < 40) & (z_mm > 2) & (z_mm < 34)
    compartments[box & (x_mm > 8) & (x_mm < 48)] = RIGHT
    compartments[box & (x_mm > 8) & (x_mm < 28)] = LEFT_WHITE
    compartments[box & (x_mm > 8) & (x_mm < 12)] = LEFT
    t1w, t2w = np.full(SHAPE, 160.0), np.full(SHAPE, 145.0)
    found = carve(compartments, t1w, t2w, MM)
    assert not (found[compartments == LEFT_WHITE] == RIGHT).any() and (found[compartments == RIGHT] == RIGHT).all()


def test_a_bias_field_makes_one_half_less_white_than_one_brightness_would(phantom, monkeypatch):
    """The right half is a tenth brighter; everywhere there are mixtures of grey and white matter."""
    lobules = np.isin(phantom.compartments, (LEFT, RIGHT))
    phantom.tissue[lobules] = np.random.default_rng(0).normal(1.2, 0.2, lobules.sum()).clip(FLUID, WHITE)
    t1w = np.interp(phantom.tissue, (FLUID, GREY, WHITE), TARGETS) * np.where(x_mm < 28, 1.0, 1.1)
    t2w = np.interp(phantom.tissue, (FLUID, GREY, WHITE), T2W_MEANS)

    def gain() -> int:
        found = carve(phantom.compartments, t1w, t2w, MM)
        return int((found == RIGHT_WHITE).sum()) - int((found == LEFT_WHITE).sum())

    by_place = gain()
    monkeypatch.setattr(carving, "local_grey", lambda a, b, where, _: grey_brightness(a[where], b[where]))
    assert gain() > 5000 and abs(by_place) < 0.7 * gain()


def test_left_stays_left_and_nothing_is_labelled_anew():
    phantom, rng = Phantom(), np.random.default_rng(0)
    phantom.tissue = np.clip(phantom.tissue + rng.normal(0, 0.6, SHAPE), FLUID, WHITE)
    found = phantom.carved()
    assert set(np.unique(found)) == {0, LEFT, LEFT_WHITE, RIGHT, RIGHT_WHITE}
    assert not found[phantom.compartments == 0].any()
    for labels in ((LEFT, LEFT_WHITE), (RIGHT, RIGHT_WHITE)):
        was = np.isin(phantom.compartments, labels)
        assert np.isin(found[was], (0, *labels)).all()


def test_where_there_is_no_lobule_there_is_no_label():
    assert not carve(np.zeros((8, 8, 8), np.uint8), *np.full((2, 8, 8, 8), 150.0), MM).any()
