import pytest
import torch
from monai.losses import DiceCELoss

from cerebbids.training.loss import SLAB, dice_cross_entropy


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_value_and_gradient_are_those_of_monai(layout: torch.memory_format, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SLAB, "cpu", 100)  # several slabs, the last one smaller
    torch.manual_seed(0)
    logits = (3 * torch.randn(2, 5, 6, 7, 8)).contiguous(memory_format=layout)
    labels = torch.randint(0, 4, (2, 1, 6, 7, 8))  # class 4 is absent
    results = []
    reference = DiceCELoss(to_onehot_y=True, softmax=True, batch=True, lambda_ce=3)
    for loss_of in (lambda z, y: dice_cross_entropy(z, y, 3), reference):
        x = logits.clone().requires_grad_(True)
        loss = 2 * loss_of(x, labels)
        loss.backward()
        results.append((loss.detach(), x.grad))
    (ours, our_gradient), (theirs, their_gradient) = results
    assert torch.allclose(ours, theirs, rtol=1e-5)
    assert torch.allclose(our_gradient, their_gradient, rtol=1e-4, atol=1e-8)
