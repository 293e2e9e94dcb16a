import numpy as np
import pytest
import torch

from cerebbids.errors import SegmentationFailed
from cerebbids.inference.answer import Answer, holes, keep_main_pieces, one_cerebellum
from cerebbids.systems.grid import Grid

GRID = Grid((-24.0, 0, 0), (48, 32, 32), 2.0)


def named(*blocks: tuple[int, tuple[slice, ...]]) -> torch.Tensor:
    """Probabilities: 0.6 for the label of a block, 0.3 for Crus I of its side, 0.1 for the background."""
    probabilities = torch.zeros(27, *GRID.shape)
    probabilities[0] = 1
    for label, box in blocks:
        probabilities[(slice(None), *box)] = 0
        probabilities[(0, *box)] += 0.1
        probabilities[(6 if label < 14 else 19, *box)] += 0.3
        probabilities[(label, *box)] += 0.6
    return probabilities


LEFT, RIGHT = (slice(4, 24), slice(4, 24), slice(4, 24)), (slice(24, 44), slice(4, 24), slice(4, 24))
BIT = (slice(10, 12), slice(8, 10), slice(8, 10))


def test_a_small_piece_of_a_label_goes_to_the_second():
    elsewhere = (slice(6, 20), slice(24, 30), slice(6, 20))
    probabilities = named((7, LEFT), (20, RIGHT), (8, BIT), (8, elsewhere))
    cleaned = keep_main_pieces(probabilities)
    assert probabilities[8][BIT].min() == pytest.approx(0.6)  # the argument stays as it was
    assert cleaned.argmax(0)[BIT].unique().tolist() == [6] and cleaned.argmax(0)[elsewhere].unique().tolist() == [8]
    assert torch.allclose(cleaned.sum(0), torch.ones(()))


def test_pieces_of_a_tenth_stay():
    other = (slice(26, 30), slice(26, 30), slice(4, 30))
    cleaned = keep_main_pieces(named((7, (slice(4, 14),) * 3), (7, other)))
    assert (cleaned.argmax(0)[other] == 7).all()


def test_holes_are_filled():
    probabilities = named((7, LEFT), (20, RIGHT))
    probabilities[(0, *BIT)], probabilities[(7, *BIT)] = 0.6, 0.1
    assert (keep_main_pieces(probabilities).argmax(0)[BIT] == 6).all()


def test_a_hole_is_no_bay():
    ring = np.zeros((7, 7), bool)
    ring[2:5, 2:5] = True
    ring[3, 3] = False
    assert np.argwhere(holes(~ring)).tolist() == [[3, 3]]
    ring[3, 4] = False
    assert not holes(~ring).any()


def test_half_precision_will_do():
    cleaned = keep_main_pieces(
        named((7, LEFT), (20, RIGHT), (8, BIT), (8, (slice(6, 20), slice(24, 30), slice(6, 20)))).half()
    )
    assert cleaned.dtype == torch.float16 and torch.allclose(cleaned.float().sum(0), torch.ones(()), atol=2e-3)


def test_a_half_is_no_cerebellum():
    one_cerebellum(Answer(named((7, LEFT), (20, RIGHT)), GRID), "sub-1")
    with pytest.raises(SegmentationFailed, match="implausible"):
        one_cerebellum(Answer(named((7, LEFT)), GRID), "sub-1")
