import pytest
import torch
from torch import nn

from cerebbids.nets.adunet import ADUNet, DenseBlock
from cerebbids.nets.build import build


def convolutions(net: nn.Module) -> int:
    """Weights and biases of convolutions, which are what the published table counts."""
    kinds = (nn.Conv3d, nn.ConvTranspose3d)
    return sum(values.numel() for part in net.modules() if isinstance(part, kinds) for values in part.parameters())


@pytest.mark.parametrize(
    ("channels", "classes", "weights"),
    [(1, 4, 16_400_916), (2, 4, 16_402_644), (4, 3, 16_403_075)],
    ids=["T1w", "T1w and T2w", "confidence"],
)
def test_networks_have_as_many_weights_as_the_released_ones(channels: int, classes: int, weights: int):
    assert convolutions(ADUNet(channels, classes)) == weights


def test_there_are_seven_dense_blocks():
    assert sum(isinstance(part, DenseBlock) for part in ADUNet(1, 4, width=8).modules()) == 7


def test_a_dense_block_shows_every_convolution_all_before_it():
    torch.manual_seed(0)
    block = DenseBlock(2, 4, 3, dropout=0.0).eval()
    x = torch.rand(1, 2, 8, 8, 8)
    answer = block(x)
    assert answer.shape[1] == block.channels_out == 13
    assert torch.equal(answer[:, :4], block.enter(x))
    assert torch.allclose(answer[:, 4:7], block.layers[0](answer[:, :4]))
    assert torch.allclose(answer[:, 10:], block.layers[2](answer[:, :10]))


def test_a_narrow_one_has_the_same_blocks_and_few_weights():
    assert convolutions(ADUNet(1, 4, width=16)) < convolutions(ADUNet(1, 4)) / 15


@pytest.mark.parametrize("side", [32, 40, 64])
def test_answers_lie_on_the_grid_that_was_seen(side: int):
    net = build("adunet", {"channels_in": 1, "classes": 4, "width": 8}).eval()
    assert net(torch.zeros(1, 1, side, 32, 48)).shape == (1, 4, side, 32, 48)


def test_nothing_is_dropped_in_use():
    net = ADUNet(1, 4, width=8).eval()
    image = torch.rand(1, 1, 32, 32, 32)
    assert torch.equal(net(image), net(image))
