import numpy as np
import pytest
import torch

from cerebbids.inference.brains import standardised
from cerebbids.training.braincases import BrainCase
from cerebbids.training.brainpatches import BrainPatches, _rescanned, bent, cropped, turned
from cerebbids.training.recipe import Recipe
from cerebbids.training.supervision import UNLABELLED

RECIPE = Recipe("brain", steps=4, batch=2)


@pytest.fixture
def case() -> BrainCase:
    """A block whose labels are its brightness: what becomes of one becomes of the other."""
    rng = np.random.default_rng(0)
    labels = np.zeros((40, 44, 36), np.uint8)
    labels[4:36, 4:40, 4:32] = np.kron(rng.integers(1, 5, (8, 9, 7)), np.ones((4, 4, 4)))
    return BrainCase("block", np.stack((labels, -1.0 * labels)).astype(np.float32), labels, 33.0)


@pytest.mark.parametrize("vary", [turned, bent])
def test_images_and_labels_stay_on_each_other(case, vary):
    for seed in range(12):
        images, labels = vary(case.images, case.labels, np.array((20, 20, 16)), 24, np.random.default_rng(seed))
        assert images.shape == (2, 24, 24, 24) and images.dtype == np.float32
        assert labels.shape == (24, 24, 24) and labels.dtype == np.uint8
        assert np.corrcoef(images[0].ravel(), labels.ravel())[0, 1] > 0.85


@pytest.mark.parametrize("vary", [turned, bent])
def test_patches_vary(case, vary):
    drawn = [
        vary(case.images, case.labels, np.array((20, 20, 16)), 24, np.random.default_rng(seed))[1] for seed in range(8)
    ]
    assert len({labels.tobytes() for labels in drawn}) > 3


def test_turns_are_about_z_and_flips_along_y():
    images = np.zeros((1, 4, 4, 4), np.float32)
    images[0, 0, 1, 3] = 1  # z is 3 whatever is done
    seen = set()
    for seed in range(60):
        _, labels = turned(images, images[0].astype(np.uint8), np.array((2, 2, 2)), 4, np.random.default_rng(seed))
        seen.add(tuple(np.argwhere(labels)[0].tolist()))
    assert seen == {(x, y, 3) for x, y in ((0, 1), (0, 2), (3, 1), (3, 2), (1, 0), (2, 0), (1, 3), (2, 3))}


def test_a_patch_is_standardised_by_itself(case):
    images, _ = turned(7 + 3 * case.images, case.labels, np.array((20, 20, 16)), 16, np.random.default_rng(0))
    assert np.allclose(images.mean((1, 2, 3)), 0, atol=1e-5) and np.allclose(images.std((1, 2, 3)), 1, atol=1e-4)
    assert not standardised(torch.full((1, 1, 4, 4, 4), 5.0)).any()


def test_brightness_changes_where_something_is_shown(case):
    changed = 0
    for seed in range(12):
        found = _rescanned(case.images[0], np.random.default_rng(seed))
        assert not found[case.images[0] == 0].any()
        changed += not np.array_equal(found, case.images[0])
    assert 3 < changed < 12


def test_a_cube_lies_around_its_voxel_or_at_the_edge(case):
    _, middle = cropped(case.images, case.labels, np.array((20, 20, 16)), 8)
    assert np.array_equal(middle, case.labels[16:24, 16:24, 12:20])
    _, edge = cropped(case.images, case.labels, np.array((0, 43, 16)), 8)
    assert np.array_equal(edge, case.labels[0:8, 36:44, 12:20])
    images, large = cropped(case.images, case.labels, np.array((20, 20, 16)), 48)
    assert large.shape == (48, 48, 48) and images.shape == (2, 48, 48, 48)
    assert np.array_equal(large[4:44, 2:46, 6:42], case.labels)


def test_ages_are_told_in_units(case):
    _, target = BrainPatches((case,), RECIPE, 16, turned, (37.0, 2.0))[0]
    assert target.shape == (2, 16, 16, 16) and bool((target[1] == -2).all())


@pytest.mark.parametrize("vary", [turned, bent])
def test_unknown_labels_go_through_all_of_it(case, vary):
    """A slice that nobody has labelled stays one, wherever it comes to lie; its images are those of a brain."""
    labels = case.labels.copy()
    labels[20] = UNLABELLED
    for seed in range(6):
        _, found = vary(case.images, labels, np.array((20, 20, 16)), 16, np.random.default_rng(seed))
        assert 0.5 * 256 < np.count_nonzero(found == UNLABELLED) < 2 * 256
        assert {*np.unique(found).tolist()} <= {0, 1, 2, 3, 4, UNLABELLED}


def test_the_same_place_gives_the_same_patch(case):
    patches = BrainPatches((case, case), RECIPE, 16, bent, (37.0, 2.0))
    for first, again in zip(patches[3], patches[3], strict=True):
        assert bool((first == again).all())
    assert not bool((patches[3][0] == patches[4][0]).all())


@pytest.mark.parametrize("vary", [turned, bent])
def test_nobody_has_labelled_what_is_beyond_a_partly_labelled_image(case, vary):
    """Of an image that is labelled as a whole it is background."""
    partly = case.labels.copy()
    partly[:20] = UNLABELLED
    for seed in range(6):
        for labels, beyond in ((case.labels, 0), (partly, UNLABELLED)):
            _, found = vary(case.images, labels, np.array((20, 20, 16)), 60, np.random.default_rng(seed))
            assert {found[0, 0, 0], found[-1, -1, -1]} == {beyond}


def test_distances_keep_their_zero_and_unit(case):
    far = np.concatenate((case.images, np.ones((1, *case.labels.shape), np.float32)))
    images, _ = turned(far, case.labels, np.array((20, 20, 16)), 16, np.random.default_rng(0))
    assert (images[2] == 1).all() and abs(images[0].mean()) < 1e-5
