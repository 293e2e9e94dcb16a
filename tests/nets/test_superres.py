import pytest
import torch

from cerebbids.nets.contrast import ContrastNet
from cerebbids.nets.superres import SuperResolution
from cerebbids.systems.grid import Grid

COARSE = Grid((-7.5, -6.0, 3.0), (16, 14, 12), 1.0)


def smooth(grid: Grid) -> torch.Tensor:
    """Smooth phantom without symmetry, (1, 1, X, Y, Z), painted at the places of the grid's voxels."""
    x, y, z = (torch.arange(n) * grid.spacing + o for n, o in zip(grid.shape, grid.origin, strict=True))
    x, y, z = torch.meshgrid(x.float(), y.float(), z.float(), indexing="ij")
    return (torch.sin(0.2 * x) + torch.cos(0.15 * y + 0.1 * z) + 0.03 * x * y + 0.2 * z)[None, None]


def test_an_untrained_network_shows_a_smooth_phantom_where_it_is():
    with torch.inference_mode():
        found = SuperResolution(4, 1)(smooth(COARSE))
    inner = (..., *[slice(2, -2)] * 3)
    error = (found - smooth(COARSE.doubled()))[inner]
    assert error.abs().max() < 0.01  # half a voxel beside would be 0.2


def test_trained_work_is_done_at_half_the_resolution_and_ends_in_the_right_voxels():
    net = SuperResolution(2, 0)
    with torch.no_grad():
        net.head.bias.copy_(torch.arange(8.0))
        answer = net(torch.zeros(1, 1, 2, 2, 2))[0, 0]
    assert answer[:2, :2, :2].flatten().tolist() == list(range(8))


@pytest.mark.parametrize("net", [SuperResolution(4, 2), ContrastNet(4, 2)])
def test_every_weight_learns(net: torch.nn.Module):
    torch.nn.init.normal_(net.head.weight)  # both begin with nothing to add
    (1 + net(torch.randn(1, 1, 8, 8, 8))).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_what_the_contrast_network_adds_ends_in_the_right_voxels():
    net = ContrastNet(2, 0)
    with torch.no_grad():
        net.head.bias.copy_(torch.arange(8.0))
        answer = net(torch.full((1, 1, 4, 2, 2), 10.0))[0, 0]
    assert answer[2:].flatten().tolist() == list(range(10, 18))
