import pytest
import torch
import torch.nn.functional as F

from cerebbids.nets.ageunet import AgeUNet
from cerebbids.nets.unet import UNet
from cerebbids.training.optimiser import Optimiser
from cerebbids.training.recipe import Recipe
from cerebbids.training.task import start_from_shares

RECIPE, WIDTHS = Recipe("lobules", steps=8), (8, 8)


def learn(net: UNet, steps: int, recipe: Recipe = RECIPE) -> tuple[list[float], Optimiser]:
    optimiser = Optimiser(net, recipe)
    image = torch.randn(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(1))
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(net(image), (image[:, 0] > 0).long())
        net.zero_grad()
        loss.backward()
        optimiser.step(recipe.learning_rate)
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


def test_sgd_moves_by_gradient_decay_and_momentum():
    recipe = Recipe("tissue", 8, method="sgd", learning_rate=0.1, weight_decay=0.5)
    net = torch.nn.Conv3d(1, 1, 1, bias=False)
    torch.nn.init.ones_(net.weight)
    optimiser = Optimiser(net, recipe)
    expected, moved = 1.0, 0.0
    for _ in range(3):
        net.weight.grad = torch.full_like(net.weight, 100.0)  # not clipped
        optimiser.step(0.1)
        moved = 0.9 * moved + 100 + 0.5 * expected
        expected -= 0.1 * moved
        assert net.weight.item() == pytest.approx(expected, rel=1e-5)


def test_sgd_goes_on_with_its_moments():
    recipe = Recipe("tissue", 8, method="sgd", learning_rate=0.01)
    torch.manual_seed(0)
    net = UNet(1, 3, WIDTHS)
    losses, optimiser = learn(net, 12, recipe)
    assert losses[-1] < losses[0]
    kept = optimiser.moments()
    assert {name.partition(".")[2] for name in kept} == {name for name, _ in net.named_parameters()}
    other = Optimiser(net, recipe)
    other.load_moments(kept)
    assert all(torch.equal(kept[name], moment) for name, moment in other.moments().items()) and len(kept) > 5


@pytest.mark.parametrize("method", ["muon", "sgd"])
def test_frozen_weights_stay(method: str):
    net = AgeUNet(1, 3, (4, 4, 4, 4), scales=1).to(memory_format=torch.channels_last_3d)
    learning = {id(weight) for weight in net.learning("shallow")}
    for weight in net.parameters():
        weight.requires_grad_(id(weight) in learning)
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    optimiser = Optimiser(net, Recipe("neonatal", steps=2, method=method))
    for _ in range(2):
        net.zero_grad()
        net(torch.randn(1, 1, 16, 16, 16))[0].square().mean().backward()
        optimiser.step(0.01)
    moved = {name for name, weight in net.named_parameters() if not torch.equal(weight, before[name])}
    assert moved == {name for name, weight in net.named_parameters() if id(weight) in learning}
    assert {key.partition(".")[2] for key in optimiser.moments()} == moved


def test_the_last_layers_of_a_network_are_none_of_muons():
    net = AgeUNet(1, 3, (4, 4, 4, 4), scales=2)
    convolutions, others = Optimiser(net, Recipe("neonatal", steps=2)).names
    assert [name for name in others if name.startswith("heads")] == [
        f"heads.{scale}.{kind}" for scale in (0, 1) for kind in ("weight", "bias")
    ]
    assert not any(name.startswith("heads") for name in convolutions)


@pytest.mark.parametrize("method", ["muon", "sgd"])
def test_an_age_head_has_a_learning_rate_of_its_own(method: str):
    def largest_move(age_rate: float) -> tuple[float, float]:
        torch.manual_seed(0)
        net = AgeUNet(1, 3, (4, 4, 4), scales=1, age=True).to(memory_format=torch.channels_last_3d)
        before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
        optimiser = Optimiser(net, Recipe("neonatal", steps=2, method=method, age_rate=age_rate))
        labels, ages = net(torch.randn(2, 1, 16, 16, 16))
        (labels[0].square().mean() + ages.square().mean()).backward()
        optimiser.step(0.01)
        moves = {name: float((weight - before[name]).abs().max().detach()) for name, weight in net.named_parameters()}
        return max(moves[name] for name in moves if name.startswith("age")), moves["blocks.0.first.0.weight"]

    (age, rest), (slow_age, same) = largest_move(1.0), largest_move(0.1)
    assert slow_age == pytest.approx(0.1 * age, rel=0.05) and same == pytest.approx(rest, rel=0.05)
