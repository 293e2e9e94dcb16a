import numpy as np
import pytest
import torch

from cerebbids.inference.answer import Answer
from cerebbids.inference.opinions import (
    agreement,
    averaged,
    first_guess,
    likeness,
    mean_dice,
    where_likely,
)
from cerebbids.systems.grid import Grid

GRID = Grid((-31.75, 0, 0), (128, 96, 96), 0.5)


def atlas() -> torch.Tensor:
    """Left Crus I (6), left white matter (13) and right Crus I (19), at 1 mm."""
    votes = torch.zeros(27, 64, 48, 48)
    votes[6, 16:30, 16:30, 16:30], votes[13, 16:30, 30:34, 16:30], votes[19, 34:46, 18:30, 14:26] = 1, 1, 1
    votes[0] = 1 - votes.sum(0)
    return votes


@pytest.mark.parametrize(("atlas", "quick", "likely"), [(0, 255, True), (255, 0, True), (1, 255, False)])
def test_one_of_two_opinions_is_enough_to_look(atlas: int, quick: int, likely: bool):
    """Parts of 255 that the background gets."""
    guess = torch.from_numpy(first_guess(np.array([atlas], np.uint8), np.array([quick], np.uint8)))
    assert where_likely(guess.float() / 255).item() == likely


def test_a_voxel_that_is_as_likely_none_is_looked_at():
    assert where_likely(torch.tensor([[0.5, 0.501]])).tolist() == [True, False]


@pytest.mark.parametrize(("end", "dice"), [(64, 2 / 3), (80, 8 / 9), (128, 1)])
def test_what_the_atlas_has_beyond_the_answer_counts_as_missed(end: int, dice: float):
    """The answer's box ends before right Crus I, in its middle, and behind it."""
    box = (slice(16, end), slice(8, 96), slice(0, 96))
    fine = atlas().repeat_interleave(2, 1).repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert likeness(Answer(fine[:, *box], GRID.part(box)), atlas(), GRID) == pytest.approx(dice)


def test_the_network_at_1_mm_counts_as_much_where_its_voxels_are():
    """It is sure of an eighth of right Crus I (19), rounded so that its parts are 254, and the cascade of none."""
    box = (slice(16, 96), slice(8, 88), slice(4, 84))
    own = torch.zeros(27, 80, 80, 80).half()
    own[0], own[0, 40, 50, 60], own[6, 40, 50, 60] = 1, 0.5, 0.5
    quick = np.zeros((27, 64, 48, 48), np.uint8)
    quick[0] = 254
    quick[:, 30:38, 20:26, 14:18] = 0
    quick[19, 30:38, 20:26, 14:18] = 254
    answer = averaged(Answer(own, GRID.part(box)), quick, GRID)
    mean = answer.probabilities
    assert answer.with_quick == 0
    assert torch.allclose(mean.float().sum(0), torch.ones(()), atol=2e-3) and mean.dtype == torch.half
    assert mean[:, 40, 50, 60].nonzero().flatten().tolist() == [0, 6] and mean[6, 40, 50, 60] == 0.25
    where = (mean[19] > 0.25).nonzero()
    first = torch.tensor([60 - 16, 40 - 8, 28 - 4])
    assert where.min(0)[0].tolist() == first.tolist()
    assert where.max(0)[0].tolist() == (first + 2 * torch.tensor([8, 6, 4]) - 1).tolist()
    assert mean[19].max() == 0.5


def test_agreement_is_of_labels_of_both_stages():
    left, right = torch.full((4, 4, 4), 1, dtype=torch.uint8), torch.full((4, 4, 4), 4, dtype=torch.uint8)
    crus = torch.full((4, 4, 4), 6, dtype=torch.uint8)
    assert agreement((left, left), (crus, crus)) == 1 and agreement((left, right), (crus, crus)) == 0
    assert agreement((left,), (crus,)) is None
    half = crus.clone()
    half[:2] = 7
    assert agreement((left, left), (crus, half)) == pytest.approx((2 / 3 + 0) / 2)


def test_maps_without_labels_agree_in_nothing():
    nothing = torch.zeros(2, 2, dtype=torch.uint8)
    assert mean_dice(nothing, nothing, 27) == 0
    assert agreement((nothing, nothing), (nothing, nothing)) == 0
