import pytest
import torch
import torch.nn.functional as F

from cerebbids.training.loss import dice_cross_entropy
from cerebbids.training.supervision import UNLABELLED, coarser, deeply_supervised, labels_alone, where_known, with_age


def entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return F.cross_entropy(logits, labels[:, 0])


def test_a_coarse_voxel_has_the_label_of_most_of_its_voxels():
    labels = torch.zeros(1, 1, 4, 4, 2, dtype=torch.int64)
    labels[0, 0, :2, :2] = 3
    labels[0, 0, 1, 1] = 1  # two of eight
    labels[0, 0, 2:, 2:] = UNLABELLED
    labels[0, 0, 2, 2, 0] = 2
    assert coarser(labels, 2, 4)[0, 0, :, :, 0].tolist() == [[3, 0], [0, 2]]
    labels[0, 0, 2, 2, 0] = UNLABELLED
    assert int(coarser(labels, 2, 4)[0, 0, 1, 1, 0]) == UNLABELLED


def test_coarse_labels_lie_where_coarse_features_lie():
    """On average the middle of what is labelled stays where it is: with every second voxel it would move by half."""
    moved = []
    for first in range(4, 8):
        labels = torch.zeros(1, 1, 32, 4, 4, dtype=torch.int64)
        labels[0, 0, first : first + 16] = 1
        middle = torch.nonzero(coarser(labels, 4, 2)[0, 0, :, 0, 0]).float().mean()
        moved.append(float(4 * (middle + 0.5)) - (first + 8))
    assert sum(moved) == pytest.approx(0)


def test_scales_are_weighed():
    torch.manual_seed(0)
    labels = torch.randint(0, 3, (2, 1, 8, 8, 8))
    answers = tuple(torch.randn(2, 3, side, side, side) for side in (8, 4, 2))
    expected = sum(
        weight * entropy(answer, coarser(labels, factor, 3))
        for weight, answer, factor in zip((1.0, 0.67, 0.33), answers, (1, 2, 4), strict=True)
    )
    assert torch.allclose(deeply_supervised(entropy, (1.0, 0.67, 0.33))(answers, labels), expected)


def test_one_weight_for_each_answer():
    with pytest.raises(ValueError, match="shorter"):
        deeply_supervised(entropy, (1.0, 0.5))((torch.zeros(1, 2, 2, 2, 2),), torch.zeros(1, 1, 2, 2, 2).long())


def test_unlabelled_voxels_do_not_count():
    torch.manual_seed(0)
    logits = torch.randn(1, 4, 6, 6, 6, requires_grad=True)
    labels = torch.randint(0, 4, (1, 1, 6, 6, 6))
    part = labels.clone()
    part[:, :, 3:] = UNLABELLED
    found = where_known(dice_cross_entropy)(logits, part)
    assert torch.allclose(found, dice_cross_entropy(logits[:, :, :3], labels[:, :, :3]))
    found.backward()
    assert logits.grad[:, :, :3].abs().min() > 0 and logits.grad[:, :, 3:].abs().max() == 0


def test_a_patch_without_labels_teaches_nothing():
    logits = torch.randn(1, 2, 4, 4, 4, requires_grad=True)
    where_known(dice_cross_entropy)(logits, torch.full((1, 1, 4, 4, 4), UNLABELLED)).backward()
    assert logits.grad.abs().max() == 0


def test_the_age_counts_by_its_factor():
    logits, labels = torch.randn(2, 3, 2, 2, 2), torch.randint(0, 3, (2, 1, 2, 2, 2))
    ages = torch.tensor([0.0, 2.0]).reshape(2, 1, 1, 1, 1).expand_as(labels)
    answer, target = (logits, torch.tensor([1.0, -1.0])), torch.cat((labels, ages), 1)
    assert torch.allclose(with_age(entropy, 0.01)(answer, target), entropy(logits, labels) + 0.01 * (1 + 9) / 2)
    assert torch.allclose(labels_alone(entropy)(logits, target), entropy(logits, labels))
