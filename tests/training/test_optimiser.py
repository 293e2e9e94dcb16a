import torch

from cerebbids.nets.unet import UNet
from cerebbids.training.loop import make_optimiser, start_from_shares
from cerebbids.training.recipe import Recipe

RECIPE = Recipe("Lobules", steps=8, widths=(8, 8), channels_in=1)


def test_every_weight_is_moved_once_and_the_last_layer_faster():
    net = UNet(1, 3, RECIPE.widths)
    body, head = make_optimiser(net, RECIPE).param_groups
    moved = [id(p) for p in (*body["params"], *head["params"])]
    assert sorted(moved) == sorted(id(p) for p in net.parameters())
    assert {id(p) for p in head["params"]} == {id(p) for p in net.head.parameters()}
    assert head["factor"] == RECIPE.head_rate * body["factor"]


def test_an_untrained_net_answers_with_the_shares():
    torch.manual_seed(0)
    net, shares = UNet(1, 3, RECIPE.widths), torch.tensor([0.9, 0.09, 0.01])
    start_from_shares(net, shares)
    torch.nn.init.zeros_(net.head.weight)
    answer = net(torch.randn(1, 1, 8, 8, 8)).softmax(1)[0, :, 4, 4, 4]
    assert torch.allclose(answer, shares, atol=1e-4)
