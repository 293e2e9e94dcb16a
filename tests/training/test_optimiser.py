import pytest
import torch
import torch.nn.functional as F

from cerebbids.nets.unet import UNet
from cerebbids.training.optimiser import Optimiser
from cerebbids.training.recipe import Recipe
from cerebbids.training.tasks import start_from_shares

RECIPE, WIDTHS = Recipe("lobules", steps=8), (8, 8)


def learn(net: UNet, steps: int) -> tuple[list[float], Optimiser]:
    optimiser = Optimiser(net, RECIPE)
    image = torch.randn(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(net(image), (image[:, 0] > 0).long())
        net.zero_grad()
        loss.backward()
        optimiser.step(RECIPE.learning_rate)
        losses.append(loss.item())
    return losses, optimiser


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last_3d])
def test_every_parameter_is_moved(layout: torch.memory_format):
    torch.manual_seed(0)
    net = UNet(1, 3, WIDTHS).to(memory_format=layout)
    before = {name: p.detach().clone() for name, p in net.named_parameters()}
    losses, optimiser = learn(net, 12)
    assert losses[-1] < 0.7 * losses[0]
    assert not [name for name, p in net.named_parameters() if torch.equal(p, before[name])]
    names = [name for part in optimiser.names for name in part]
    assert sorted(names) == sorted(before)


def test_order_in_memory_changes_nothing():
    moved = []
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        torch.manual_seed(0)
        net = UNet(1, 3, WIDTHS).to(memory_format=layout)
        learn(net, 1)
        moved.append(net.state_dict())
    assert all(torch.allclose(moved[0][k], moved[1][k], atol=2e-4) for k in moved[0])


def test_an_untrained_net_answers_with_the_shares():
    torch.manual_seed(0)
    net, shares = UNet(1, 3, WIDTHS), torch.tensor([0.9, 0.09, 0.01])
    start_from_shares(net, shares)
    torch.nn.init.zeros_(net.head.weight)
    answer = net(torch.randn(1, 1, 8, 8, 8)).softmax(1)[0, :, 4, 4, 4]
    assert torch.allclose(answer, shares, atol=1e-4)
