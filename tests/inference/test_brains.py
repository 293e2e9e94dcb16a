import numpy as np
import pytest
import torch
from torch import nn

from cerebbids.inference.brains import isointense_probabilities, label_isointense, label_neonate


class Bright(nn.Module):
    """White matter where the first channel is above 0, grey matter where it is below: of what it is shown."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        first = x[:, :1]
        return 20 * torch.cat((-1 + 0 * first, -1 + 0 * first, -first, first), 1)


class Distances(nn.Module):
    """Each tissue where the distance to it is below 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((torch.zeros_like(x[:, :1]), -50 * x[:, 2:]), 1)


def halves() -> torch.Tensor:
    """T1w and T2w whose brightness rises along x, far from 0."""
    ramp = torch.linspace(90, 110, 24).reshape(24, 1, 1).expand(24, 24, 26)
    return torch.stack((ramp, -ramp)).clone()


def test_every_patch_is_standardised_by_itself():
    found = isointense_probabilities(Bright(), halves(), 16)
    assert found.shape == (4, 24, 24, 26) and torch.allclose(found.sum(0), torch.ones(()))
    bright = found[3, :, 0, 0] > 0.5
    assert not bright[:6].any() and bright[-6:].all()
    assert found[3, 9:15, 0, 0].numpy() == pytest.approx(0.5, abs=0.02)  # bright in one patch, dark in the other


def test_the_second_network_sees_what_the_first_has_found():
    images = torch.full((2, 24, 24, 26), 90.0)
    images[:, 17:] = 110  # far from the middle: the mean distance from the border is not 0
    labels, probabilities = label_isointense((Bright(), Distances()), images, 24, (1.0, 1.0, 1.0))
    first, _ = label_isointense((Bright(),), images, 24, (1.0, 1.0, 1.0))
    assert np.array_equal(labels, first) and (labels[16:18, 0, 0] == (2, 3)).all()
    assert {*np.unique(labels).tolist()} == {2, 3} and labels.dtype == np.uint8
    assert probabilities.shape == (4, 24, 24, 26)


def test_answers_have_no_bits():
    images = halves()
    images[0, 3, 10, 10] = 200  # brighter than all: one voxel of white in grey matter
    labels, probabilities = label_isointense((Bright(),), images, 24, (1.0, 1.0, 1.0))
    assert probabilities.argmax(0)[3, 10, 10] == 3 and labels[3, 10, 10] == 2


class Tells(nn.Module):
    """The age is the mean of the patch where something is shown."""

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        shown = (x[:, 0] != 0).float()
        ages = x[:, 0].sum((1, 2, 3)) / shown.sum((1, 2, 3)).clamp(min=1)
        return torch.cat((1 - shown[:, None], shown[:, None]), 1) * 20, ages


def test_ages_of_patches_are_pooled_over_what_they_show():
    images = torch.zeros(2, 48, 16, 16)
    images[:, :16], images[:, 40:] = 2.0, 8.0
    probabilities, age = label_neonate(Tells(), images, 16)
    assert torch.equal(probabilities.argmax(0) > 0, images[0] > 0)
    # patches begin at 0, 8 ... 32: they show 16, 8, 0, 0 and 8 voxels along the axis
    assert age == pytest.approx((16 * 2 + 8 * 2 + 8 * 8) / (16 + 8 + 8))


def test_a_network_without_an_age_head_tells_none():
    probabilities, age = label_neonate(Bright(), halves(), 16)
    assert age is None and probabilities.shape == (4, 24, 24, 26)


class NoNumberAtFirst(Tells):
    """What some GPUs answer in half precision, age and all, before they are asked again."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        labels, ages = super().forward(x)
        self.calls += 1
        return (labels, ages) if self.calls % 2 == 0 else (labels * torch.nan, ages * torch.nan)


def test_ages_are_those_of_the_answer_that_counts():
    images = torch.full((2, 24, 16, 16), 3.0)
    assert label_neonate(NoNumberAtFirst(), images, 16)[1] == pytest.approx(3)
