import numpy as np
import pytest
import torch

from cerebbids.inference.cascade import MARGIN, MULTIPLE, Cascade, box_around, joined, mean_answer, segment_cascade
from cerebbids.systems.grid import Grid

GRID = Grid((-31.75, 0, 0), (128, 96, 96), 0.5)


class Told(torch.nn.Module):
    """Answers with what it is shown in the atlas, and remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(x[0])
        shares = x[:, 2:]
        return 20 * torch.cat([1 - shares.sum(1, keepdim=True), shares], 1)


def atlas() -> torch.Tensor:
    """Left Crus I (6), left white matter (13) and right Crus I (19), at 1 mm."""
    votes = torch.zeros(27, 64, 48, 48)
    votes[6, 16:30, 16:30, 16:30], votes[13, 16:30, 30:34, 16:30], votes[19, 34:46, 18:30, 14:26] = 1, 1, 1
    votes[0] = 1 - votes.sum(0)
    return votes


def test_the_answer_is_that_of_both_stages_where_the_atlas_is():
    cascade, image = Cascade((Told(),), (Told(),)), np.full(GRID.shape, 200, np.float32)
    found, part = segment_cascade(cascade, image, image, atlas(), GRID, torch.device("cpu"))
    assert torch.allclose(found.sum(0), torch.ones(()), atol=1e-4)
    labels = found.argmax(0)
    first = [round((a - b) / GRID.spacing) for a, b in zip(part.origin, GRID.origin, strict=True)]
    whole = torch.zeros(GRID.shape, dtype=torch.long)
    whole[tuple(slice(f, f + n) for f, n in zip(first, part.shape, strict=True))] = labels
    wanted = atlas().argmax(0).repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2)
    for k in (6, 13, 19):
        both = ((whole == k) & (wanted == k)).sum()
        assert 2 * both / ((whole == k).sum() + (wanted == k).sum()) > 0.93
    assert set(labels.unique().tolist()) == {0, 6, 13, 19}


def test_the_second_stage_sees_nothing_outside_of_the_first_one_s_answer():
    lobules, image = Told(), np.full(GRID.shape, 200, np.float32)
    segment_cascade(Cascade((Told(),), (lobules,)), image, image, atlas(), GRID, torch.device("cpu"))
    (seen,) = lobules.seen
    inside = seen[0] > 0
    assert torch.equal(inside, seen[1] > 0) and 0.01 < inside.float().mean() < 0.5
    assert seen[0].min() == -2.5 and seen.shape[0] == 15


@pytest.mark.parametrize("corner", [(0, 0, 0), (50, 30, 30), (20, 10, 12)])
def test_boxes_fit_networks_and_the_grid(corner: tuple[int, int, int]):
    where = torch.zeros(64, 48, 48, dtype=torch.bool)
    where[corner[0] : corner[0] + 9, corner[1] : corner[1] + 13, corner[2] : corner[2] + 8] = True
    box = box_around(where)
    for side, size, first in zip(box, where.shape, corner, strict=True):
        assert (side.stop - side.start) % MULTIPLE == 0 and side.start % 2 == 0
        assert 0 <= side.start <= max(0, 2 * first - MARGIN) + 1 and side.stop <= 2 * size


def test_networks_are_averaged():
    class Sure(torch.nn.Module):
        def __init__(self, which: int) -> None:
            super().__init__()
            self.which = which

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 100.0 * torch.nn.functional.one_hot(torch.tensor(self.which), 2).reshape(1, 2, 1, 1, 1)

    assert mean_answer((Sure(0), Sure(1), Sure(1)), torch.zeros(1, 2, 2, 2)).flatten().tolist() == pytest.approx(
        [1 / 3, 2 / 3]
    )


def test_what_no_lobule_claims_is_nobody_s():
    sides, lobules = torch.rand(3, 2, 2, 2), torch.zeros(14, 2, 2, 2)
    sides /= sides.sum(0)
    lobules[0] = 1
    assert torch.equal(joined(sides, lobules)[1:], torch.zeros(26, 2, 2, 2))
