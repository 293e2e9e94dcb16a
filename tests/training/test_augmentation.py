import numpy as np
import pytest
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.training.augmentation import Case, augment

MIRROR = load_scheme("Lobules").mirror


@pytest.fixture(scope="module")
def case() -> Case:
    labels = np.zeros((64, 48, 48), np.uint8)
    labels[8:28, 10:38, 10:38] = 6  # left, dark
    labels[36:56, 10:38, 10:38] = 19  # right, bright
    t1w = np.select([labels == 6, labels == 19], [0.4, 1.0], 0).astype(np.float32)
    return Case("phantom", t1w, labels)


def test_the_same_seed_gives_the_same_example(case: Case):
    first, again, other = (augment(case, (), MIRROR, seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_names_follow_the_side_and_the_image_the_names(case: Case):
    flipped = 0
    for seed in range(12):
        image, labels = augment(case, (), MIRROR, seed)
        left, right = (torch.nonzero(labels[0] == channel)[:, 0].float().mean() for channel in (6, 19))
        assert left < right  # channel 6 is on the left whatever happened
        brighter = image[0][labels[0] == 6].mean() > image[0][labels[0] == 19].mean()
        flipped += int(brighter)
    assert 2 <= flipped <= 10  # the bright half was on either side
