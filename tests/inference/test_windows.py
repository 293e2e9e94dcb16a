import numpy as np
import pytest
import torch

from cerebbids.inference.windows import both_ways, cubes, in_cubes, in_whole, starts


class Local(torch.nn.Module):
    """Answers every voxel by itself: class 1 where the image is bright."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((torch.zeros_like(x), 10 * (x - 0.5)), 1)


class Cautious(torch.nn.Module):
    """Sure of class 1, but in the first half of each cube, where it leans a little to class 0."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lean = torch.full_like(x, 5.0)
        lean[:, :, : x.shape[2] // 2] = -0.1
        return torch.cat((torch.zeros_like(x), lean), 1)


@pytest.mark.parametrize("shape", [(32, 32, 32), (45, 33, 64), (20, 50, 31)])
@pytest.mark.parametrize("stride", [8, 16, 32])
def test_every_voxel_is_answered_in_its_place(shape: tuple, stride: int):
    seen = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    for answer in in_cubes(Local(), seen, stride=stride):
        assert answer.shape == (2, *shape)
        assert torch.allclose(answer.sum(0), torch.ones(shape))
        assert torch.equal(answer.argmax(0), (seen[0] > 0.5).long())


def test_cubes_reach_both_ends_and_no_further():
    counted = np.zeros((40, 33, 32), int)
    for place in cubes(counted.shape, 32, 8):
        assert counted[place].shape == (32, 32, 32)
        counted[place] += 1
    assert counted.min() == 1 and counted[20, 16, 16] == 4


def test_majority_and_mean_differ_where_few_are_sure():
    mean, votes = in_cubes(Cautious(), torch.zeros(1, 64, 32, 32), stride=8)
    place = (slice(None), 20, 16, 16)  # in the first half of two cubes of three
    assert votes[place].tolist() == pytest.approx([2 / 3, 1 / 3])
    assert mean[place].argmax() == 1 and votes[place].argmax() == 0


def test_starts_of_an_axis_as_long_as_a_cube():
    assert starts(32, 32, 8) == [0]


class Whole(Local):
    """Answers as :class:`Local`, if sides are multiples of 8; leans to class 1 in the first half."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert not any(size % 8 for size in x.shape[2:])
        answer = super().forward(x)
        answer[:, 1, : x.shape[2] // 2] += 3
        return answer


@pytest.mark.parametrize("shape", [(32, 32, 32), (45, 33, 64), (20, 7, 31)])
def test_a_whole_box_is_answered_voxel_by_voxel(shape: tuple):
    seen = torch.rand(1, *shape, generator=torch.Generator().manual_seed(0))
    answer = in_whole(Local(), seen)
    assert answer.shape == (2, *shape) and torch.allclose(answer.sum(0), torch.ones(shape))
    assert torch.equal(answer.argmax(0), (seen[0] > 0.5).long())


def test_both_ways_see_the_same_places_and_know_no_side():
    seen = torch.rand(1, 24, 9, 16, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(both_ways(Local(), seen), in_whole(Local(), seen), atol=1e-6)
    assert torch.allclose(both_ways(Whole(), seen.flip(1)).flip(1), both_ways(Whole(), seen), atol=1e-6)
    assert not torch.allclose(in_whole(Whole(), seen.flip(1)).flip(1), in_whole(Whole(), seen), atol=1e-2)
