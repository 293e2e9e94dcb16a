import numpy as np
import pytest
import torch

from cerebbids.inference.cascade import (
    MARGIN,
    MULTIPLE,
    SIDE_CLASSES,
    SIDES_MIRROR,
    Cascade,
    ask,
    box_around,
    joined,
    segment_cascade,
)
from cerebbids.systems.grid import Grid

GRID = Grid((-31.75, 0, 0), (128, 96, 96), 0.5)


class Told(torch.nn.Module):
    """Answers with what it is shown in the atlas, no more classes than told, and remembers what it was shown."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes
        self.seen: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen.append(x[0])
        shares = x[:, 2:4] if self.classes == 5 else x[:, 2:]
        told = 20 * torch.cat([1 - shares.sum(1, keepdim=True), shares], 1)
        return torch.nn.functional.pad(told, (0, 0) * 3 + (0, self.classes - told.shape[1]), value=-20)


def cascade(lobules: torch.nn.Module | None = None) -> Cascade:
    return Cascade((Told(5),), (lobules or Told(14),))


def atlas() -> torch.Tensor:
    """Left Crus I (6), left white matter (13) and right Crus I (19), at 1 mm."""
    votes = torch.zeros(27, 64, 48, 48)
    votes[6, 16:30, 16:30, 16:30], votes[13, 16:30, 30:34, 16:30], votes[19, 34:46, 18:30, 14:26] = 1, 1, 1
    votes[0] = 1 - votes.sum(0)
    return votes


@pytest.mark.parametrize("flip", [False, True])
def test_the_answer_is_that_of_both_stages_where_the_atlas_is(flip: bool):
    image = np.full(GRID.shape, 200, np.float32)
    answer = segment_cascade(cascade(), image, image, atlas(), GRID, torch.device("cpu"), flip=flip)
    found, part = answer.probabilities, answer.grid
    assert torch.allclose(found.float().sum(0), torch.ones(()), atol=3e-3)
    labels = found.argmax(0)
    whole = torch.zeros(GRID.shape, dtype=torch.long)
    whole[GRID.box_of(part)] = labels
    wanted = atlas().argmax(0).repeat_interleave(2, 0).repeat_interleave(2, 1).repeat_interleave(2, 2)
    for k in (6, 13, 19):
        both = ((whole == k) & (wanted == k)).sum()
        assert 2 * both / ((whole == k).sum() + (wanted == k).sum()) > 0.93
    assert set(labels.unique().tolist()) == {0, 6, 13, 19}


def test_the_first_stage_is_told_how_far_the_midplane_is():
    sides, image = Told(5), np.full(GRID.shape, 200, np.float32)
    answer = segment_cascade(Cascade((sides,), (Told(14),)), image, image, atlas(), GRID, torch.device("cpu"))
    x = answer.grid.affine[0, 3] + 0.5 * np.arange(answer.grid.shape[0])
    assert x.min() < -8 and x.max() > 8
    assert np.allclose(sides.seen[0][4], abs(x)[:, None, None] / 20, atol=1e-6)


def test_the_second_stage_sees_nothing_outside_of_the_first_one_s_answer():
    lobules, image = Told(14), np.full(GRID.shape, 200, np.float32)
    segment_cascade(cascade(lobules), image, image, atlas(), GRID, torch.device("cpu"))
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
    for axis, side in enumerate(box):
        last = int(torch.nonzero(where)[:, axis].max())
        assert side.stop >= min(2 * where.shape[axis], 2 * last + 2 + MARGIN)


class Fixed(torch.nn.Module):
    """Sure of one class in the first half of the first axis, and of another in the rest."""

    def __init__(self, first: int, rest: int, classes: int) -> None:
        super().__init__()
        self.which, self.classes = (first, rest), classes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        here = torch.arange(x.shape[2]) >= x.shape[2] // 2
        sure = torch.nn.functional.one_hot(torch.tensor(self.which)[here.long()], self.classes).T
        return 100.0 * sure[None, :, :, None, None].expand(-1, -1, -1, *x.shape[3:])


def test_networks_are_averaged_and_each_is_heard():
    stage = ask((Fixed(0, 0, 2), Fixed(1, 1, 2), Fixed(1, 1, 2)), torch.zeros(1, 16, 2, 2), (0,), (0, 1), False)
    assert stage.mean[:, 0, 0, 0].tolist() == pytest.approx([1 / 3, 2 / 3])
    assert [int(named.max()) for named in stage.each] == [0, 1, 1]


def test_the_mirror_image_is_asked_about_with_sides_swapped():
    """What finds the left vermis on the left of whatever it is shown finds the right one on the right, too."""
    stage = ask((Fixed(3, 0, len(SIDE_CLASSES)),), torch.zeros(1, 16, 2, 2), (0,), SIDES_MIRROR, True)
    assert stage.mean[3, :8].unique().tolist() == stage.mean[4, 8:].unique().tolist() == [0.5]
    assert max(stage.mean[4, :8].max(), stage.mean[3, 8:].max()) < 1e-6


def test_what_no_lobule_claims_is_nobody_s():
    sides, lobules = torch.rand(5, 2, 2, 2), torch.zeros(14, 2, 2, 2)
    sides /= sides.sum(0)
    lobules[0] = 1
    assert not joined(sides, lobules)[1:].any()


def test_halves_of_the_vermis_belong_to_their_sides():
    sides, lobules = torch.zeros(5, 2, 1, 1), torch.zeros(14, 2, 1, 1)
    sides[3, 0], sides[4, 1], lobules[5] = 1, 1, 1
    assert joined(sides, lobules).argmax(0).flatten().tolist() == [5, 18]
