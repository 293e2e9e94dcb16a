import pytest
import torch
from monai.losses import DiceCELoss

from cerebbids.training.loss import SLAB, dice_cross_entropy


@pytest.mark.parametrize("smooth", [1e-5, 30.0])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_value_and_gradient_are_those_of_monai(
    layout: torch.memory_format, smooth: float, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(SLAB, "cpu", 100)  # several slabs, the last one smaller
    torch.manual_seed(0)
    logits = (3 * torch.randn(2, 5, 6, 7, 8)).contiguous(memory_format=layout)
    labels = torch.randint(0, 4, (2, 1, 6, 7, 8))  # class 4 is absent
    results = []
    reference = DiceCELoss(
        to_onehot_y=True, softmax=True, batch=True, lambda_ce=3, smooth_nr=smooth, smooth_dr=smooth
    )  # fmt: skip
    for loss_of in (lambda z, y: dice_cross_entropy(z, y, 3, smooth), reference):
        x = logits.clone().requires_grad_(True)
        loss = 2 * loss_of(x, labels)
        loss.backward()
        results.append((loss.detach(), x.grad))
    (ours, our_gradient), (theirs, their_gradient) = results
    assert torch.allclose(ours, theirs, rtol=1e-5)
    assert torch.allclose(our_gradient, their_gradient, rtol=1e-4, atol=1e-8)


def test_what_a_patch_hardly_shows_counts_for_little():
    labels = torch.zeros(1, 1, 8, 8, 8, dtype=torch.int64)
    labels[0, 0, 0, 0, :2] = 1
    logits = torch.zeros(1, 3, 8, 8, 8)
    logits[:, 0] = 9  # nothing but background
    strict, lenient = (float(dice_cross_entropy(logits, labels, 0.0, smooth)) for smooth in (1e-5, 100.0))
    assert strict == pytest.approx(2 / 3, abs=0.01) and lenient < 0.02
