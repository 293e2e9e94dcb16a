import pytest
import torch

from cerebbids.nets.deform import CHANNELS, DeformNet, evidence, force, slopes
from cerebbids.nets.displacement import doubled, warp


def ramp(axis: int, shift: float = 0.0) -> torch.Tensor:
    shape = [1, 1, 1, 1, 1]
    shape[axis + 2] = 16
    return (torch.arange(16.0).reshape(shape) + shift).expand(1, 1, 16, 16, 16)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slopes_are_those_along_their_own_axis(axis):
    found = slopes(ramp(axis))[0, :, 5, 5, 5]
    assert found.tolist() == [float(axis == other) for other in range(3)]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_force_pulls_brightness_to_where_it_belongs(axis):
    fixed, moving = ramp(axis, 0.5), ramp(axis)
    moved = warp(moving, force(fixed, moving))
    inner = (..., slice(3, -3), slice(3, -3), slice(3, -3))
    assert (fixed - moved)[inner].abs().max() < 0.6 * (fixed - moving)[inner].abs().max()


def test_the_unet_is_shown_forces_in_voxels_of_its_own_grid():
    fixed, moving = 0.1 * ramp(1, 0.4), 0.1 * ramp(1)
    shown = evidence(fixed, moving)
    assert shown.shape == (1, CHANNELS, 8, 8, 8)
    fine = force(fixed, moving)[0, 1, 8, 8, 8]
    assert shown[0, 16 + 1, 4, 4, 4] == pytest.approx(float(fine))  # 2 for the scale, half for the voxels


def test_every_pass_starts_where_the_one_before_ended():
    torch.manual_seed(0)
    pair = torch.rand(1, 2, 16, 16, 16)
    net = DeformNet((8, 16), 2).eval()
    torch.nn.init.normal_(net.unet.head.weight, 0, 0.05)
    first, second = net(pair)
    again = DeformNet((8, 16), 1).eval()
    again.load_state_dict(net.state_dict())
    assert torch.allclose(again(pair)[0], first)
    moved = torch.cat([pair[:, :1], warp(pair[:, 1:], doubled(first))], 1)
    then = again(moved)[0]
    assert torch.allclose(second, then + warp(first, then), atol=1e-5)


def test_a_pass_learns_from_its_own_displacement_only():
    torch.manual_seed(0)
    pair = torch.rand(1, 2, 16, 16, 16)
    net = DeformNet((8, 16), 2)
    torch.nn.init.normal_(net.unet.head.weight, 0, 0.05)
    net(pair)[1].square().sum().backward()
    learned = net.unet.head.weight.grad.clone()
    first = net(pair)[0].detach()
    net.zero_grad()
    then = DeformNet.forward(_looking_once(net), torch.cat([pair[:, :1], warp(pair[:, 1:], doubled(first))], 1))[0]
    (then + warp(first, then)).square().sum().backward()
    assert torch.allclose(net.unet.head.weight.grad, learned, rtol=1e-3, atol=1e-5)


def _looking_once(net: DeformNet) -> DeformNet:
    net.passes = 1
    return net
