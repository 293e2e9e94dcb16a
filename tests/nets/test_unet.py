import torch

from cerebbids.nets.unet import InstanceNorm, UNet


def test_every_weight_learns():
    net = UNet(4, 27, (8, 16, 16))
    net(torch.randn(1, 4, 16, 16, 16)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_sees_as_far_as_its_deepest_level(monkeypatch):
    monkeypatch.setattr(InstanceNorm, "forward", lambda _, x: x)  # it would carry every change everywhere
    torch.manual_seed(0)
    image = torch.randn(1, 1, 64, 8, 8)
    touched = image.clone()
    touched[0, 0, 32, 4, 4] += 5

    def reach(levels: int) -> int:
        net = UNet(1, 2, (8,) * levels).eval()
        with torch.inference_mode():
            change = (net(image) - net(touched)).abs().amax((0, 1, 3, 4))
        return int((torch.nonzero(change > 0)[:, 0] - 32).abs().max())

    assert reach(1) == 1
    assert reach(2) > 6  # two convolutions of twice the width more, and two on the way up
    assert reach(3) > 16
