import torch

from cerebbids.nets.unet import UNet


def test_every_weight_learns():
    net = UNet(4, 27, (8, 16, 16))
    net(torch.randn(1, 4, 16, 16, 16)).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_sees_as_far_as_its_deepest_level():
    torch.manual_seed(0)
    net = UNet(1, 2, (8, 8, 8)).eval()
    image = torch.randn(1, 1, 32, 32, 32)
    touched = image.clone()
    touched[..., 16, 16, 16] += 5
    with torch.inference_mode():
        change = (net(image) - net(touched)).abs().amax((0, 1))
    assert change[16, 16, 16] > change[0, 0, 0]
