import numpy as np
import pytest

from cerebbids.inference.inputs import standardise_inside
from cerebbids.training.infants import Infant
from cerebbids.training.younger import LOOKS, Look, fade, shares_of, size_at, younger


@pytest.fixture(scope="module")
def infant() -> Infant:
    """An egg of white matter in grey matter in fluid, larger on the side of low x."""
    x, y, z = np.indices((64, 56, 48)) - np.array([28, 28, 24]).reshape(3, 1, 1, 1)
    far = np.sqrt((x / np.where(x < 0, 24, 30)) ** 2 + (y / 22) ** 2 + (z / 18) ** 2)
    labels = np.select([far < 0.5, far < 0.85, far < 1], [3, 2, 1], 0).astype(np.uint8)
    scan = np.array([0, 400, 600, 700])[labels] + np.random.default_rng(0).normal(0, 20, labels.shape)
    return Infant("a", "a", standardise_inside(scan, labels > 0)[None], labels)


def contrast(image: np.ndarray, labels: np.ndarray) -> float:
    """White with grey matter, in parts of fluid with grey matter."""
    csf, grey, white = (image[labels == label].mean() for label in (1, 2, 3))
    return (white - grey) / (grey - csf)


def test_white_matter_fades_more_the_younger(infant: Infant):
    rng = np.random.default_rng(0)
    left = [contrast(fade(infant.images[0], infant.labels, LOOKS[age], rng), infant.labels) for age in (18, 12, 6)]
    assert contrast(infant.images[0], infant.labels) > left[0] > left[1] > left[2] > 0


@pytest.mark.parametrize("look", [Look(0.5, 1, 0, 0), Look(0.2, 0.8, 0, 0)])
def test_contrasts_fall_about_as_far_as_is_told(infant: Infant, look: Look):
    faded = fade(infant.images[0], infant.labels, look, np.random.default_rng(0))
    told = contrast(infant.images[0], infant.labels) * look.white / look.fluid
    assert contrast(faded, infant.labels) == pytest.approx(told, rel=0.3)


@pytest.mark.parametrize("months", LOOKS)
def test_a_younger_one_is_smaller_and_keeps_whose_it_is(infant: Infant, months: int):
    made = younger(infant, months, 3)
    size = np.count_nonzero(made.labels) / np.count_nonzero(infant.labels)
    assert size == pytest.approx(size_at(months), rel=0.03)
    assert (made.person, made.id) == ("a", f"a-{months}m-3") and made.images.shape[1:] == made.labels.shape
    assert not made.images[0][made.labels == 0].any()


def test_image_and_labels_are_bent_together(infant: Infant):
    made = younger(infant, 18, 0)
    csf, grey, white = (made.images[0][made.labels == label].mean() for label in (1, 2, 3))
    assert csf < grey < white
    thick = made.labels > 0
    low, high = thick[: thick.shape[0] // 2].sum(), thick[thick.shape[0] // 2 :].sum()
    assert low != high and set(np.unique(made.labels)) == {0, 1, 2, 3}


def test_copies_differ_and_each_is_the_same_again(infant: Infant):
    first, again, second = (younger(infant, 6, copy) for copy in (0, 0, 1))
    assert np.array_equal(first.images, again.images) and np.array_equal(first.labels, again.labels)
    assert first.labels.shape != second.labels.shape or not np.array_equal(first.labels, second.labels)


def test_shares_add_up_inside(infant: Infant):
    shares = shares_of(infant.labels)
    assert np.allclose(shares.sum(0), infant.labels > 0, atol=1e-4)
