import numpy as np
import pytest
import torch
from monai.transforms import RandGaussianSmooth, RandSimulateLowResolution

from cerebbids.data.labels import load_scheme
from cerebbids.training.augmentation import Case, augment, scanner, spatial

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


def ramp(axis: int) -> torch.Tensor:
    """Every voxel's own index along an axis, (1, X, Y, Z), lifted so that nothing is 0."""
    return torch.stack(torch.meshgrid(*[torch.arange(n) + 100.0 for n in (68, 48, 48)], indexing="ij"))[axis][None]


@pytest.mark.parametrize("axis", range(3))
def test_blur_and_low_resolution_leave_the_image_on_its_labels(axis: int):
    steps = [s for s in scanner().transforms if isinstance(s, RandGaussianSmooth | RandSimulateLowResolution)]
    assert len(steps) == 2
    inside = (0, *[slice(8, -8)] * 3)
    for step in steps:
        step.prob = 1.0
        for seed in range(8):
            step.set_random_state(seed)
            moved = torch.as_tensor(step(ramp(axis))) - ramp(axis)
            assert abs(float(moved[inside].mean())) < 0.02


@pytest.mark.parametrize("axis", range(3))
def test_image_and_labels_are_deformed_alike(axis: int):
    image, labels = spatial(ramp(axis), ramp(axis), seed=3)
    outside = torch.nn.functional.max_pool3d((labels == 0).float(), 5, stride=1)  # widened by the cut edge
    image, labels, before = (part[:, 2:-2, 2:-2, 2:-2] for part in (image, labels, ramp(axis)))
    inside = outside == 0
    assert float(inside.float().mean()) > 0.5
    assert abs(float((image - labels)[inside].mean())) < 0.05
    assert float((image - before)[inside].abs().mean()) > 0.5  # something was deformed
