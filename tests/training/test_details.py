import numpy as np
import pytest
import torch

from cerebbids.training.degrade import degrade
from cerebbids.training.details import SIDE, DetailExamples, Details, Folded, painted_patch, patch_around, real_patch
from cerebbids.training.recipe import Recipe

RECIPE = Recipe("superres", steps=8, batch=2)


@pytest.fixture(scope="module")
def folded() -> Folded:
    """A half space of tissue in layers, with everything outside of the hull on one side."""
    shape = (SIDE + 16,) * 3
    place = np.indices(shape)
    hull = place[0] < 60
    grey = np.where(hull & (place[1] % 12 < 6), 255, 0).astype(np.uint8)
    white = np.where(hull & (place[1] % 12 >= 8), 255, 0).astype(np.uint8)
    return Folded(grey, white, hull)


@pytest.fixture(scope="module")
def details(folded: Folded) -> Details:
    noise = np.random.default_rng(0).uniform(100, 250, (SIDE + 6, SIDE + 8, SIDE + 10))
    return Details((folded,), (noise.astype(np.float16),))


def test_the_same_seed_gives_the_same_example(details: Details):
    def example(place: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
        return DetailExamples(details, Recipe("superres", steps=8, batch=2, seed=seed))[place]

    first, again = example(3), example(3)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(example(4)[1], first[1]) and not torch.equal(example(3, 1)[1], first[1])
    assert len(DetailExamples(details, RECIPE)) == RECIPE.steps * RECIPE.batch


def test_the_coarse_patch_is_what_coarse_voxels_make_of_the_fine_one(details: Details):
    examples = DetailExamples(details, RECIPE)
    for place in range(6):
        coarse, fine = examples[place]
        assert coarse.dtype == fine.dtype == torch.float32
        assert coarse.shape == (1, *[SIDE // 2] * 3) and fine.shape == (1, *[SIDE] * 3)
        widths = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2)
        errors = [float((coarse - degrade(fine[None], fwhm)[0]).square().mean().sqrt()) for fwhm in widths]
        assert min(errors) < 0.12  # noise of up to 4 in spreads of 50, and the point spread between two of these


def test_a_painted_patch_shows_the_tissues_near_their_brightness(folded: Folded):
    rng, seen = np.random.default_rng(0), []
    for _ in range(12):
        patch = painted_patch(folded, rng)
        assert patch.shape == (SIDE,) * 3 and patch.dtype == np.float32
        seen.append(np.quantile(patch, [0.75, 0.95]))
    assert np.median(seen, axis=0)[1] == pytest.approx(250, abs=40)
    assert (np.array(seen)[:, 0] < np.array(seen)[:, 1]).all()


def test_a_patch_is_centred_on_what_is_shown():
    shown = np.zeros((SIDE + 20,) * 3, bool)
    shown[40:44, 50:52, 35:38] = True
    for seed in range(5):
        box = patch_around(shown, np.random.default_rng(seed))
        assert shown[tuple(side.start + SIDE // 2 for side in box)]
        assert all(side.stop - side.start == SIDE and side.start >= 0 for side in box)


def test_a_real_patch_is_a_part_of_the_image(details: Details):
    image = details.real[0].astype(np.float32)
    patch = real_patch(details.real[0], np.random.default_rng(1))
    box = patch_around(image > 0, np.random.default_rng(1))
    assert np.corrcoef(patch.ravel(), image[box].ravel())[0, 1] > 0.9999
