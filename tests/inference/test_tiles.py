import pytest
import torch

from cerebbids.inference import tiles
from cerebbids.inference.tiles import AT_ONCE, MOST, in_tiles, probabilities_of, softmax_of
from cerebbids.nets.build import build
from cerebbids.training.recipe import LOBULES_DPN, SIDES_UNET


class Blur(torch.nn.Module):
    """Reaches five voxels, and remembers how thick its inputs were."""

    def __init__(self) -> None:
        super().__init__()
        self.thick: list[int] = []

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.thick.append(x.shape[2])
        return torch.nn.functional.avg_pool3d(x, 11, 1, 5)


@pytest.mark.parametrize("pieces", [1, 2, 3, 5])
def test_tiles_answer_as_the_whole_does(pieces: int):
    net, seen = Blur(), torch.randn(3, 80, 16, 16)
    assert torch.allclose(in_tiles(net, seen, pieces), softmax_of(Blur(), seen), atol=1e-6)
    assert len(net.thick) == {1: 1, 2: 2, 3: 3, 5: 5}[pieces] and max(net.thick) <= 80


@pytest.mark.parametrize("recipe", [LOBULES_DPN, SIDES_UNET])
def test_networks_of_the_cascade_can_be_tiled(recipe):
    torch.manual_seed(0)
    net = build(recipe.architecture, recipe.sizes).eval()
    seen = torch.randn(recipe.sizes["channels_in"], 96, 16, 16)
    seen[2:] = seen[2:].softmax(0)
    whole, pieces = softmax_of(net, seen), in_tiles(net, seen, 2)
    assert (whole - pieces).abs().max() < 0.02 and torch.allclose(whole[:, :24], pieces[:, :24], atol=2e-3)


NO_MEMORY = [torch.OutOfMemoryError("CUDA out of memory"), RuntimeError("FIND was unable to find an engine to execute")]
ON_GPU = torch.zeros(1, 16, 2, 2, device="meta")
"""Stands for an image on a GPU: it is on no CPU."""


@pytest.mark.parametrize("error", NO_MEMORY)
def test_a_gpu_without_memory_gets_smaller_and_smaller_tiles(error: Exception, monkeypatch: pytest.MonkeyPatch):
    asked = []

    def in_tiles_of_a_small_gpu(net, seen, number):
        asked.append(number)
        if number < 4:
            raise error
        return seen

    monkeypatch.setattr(tiles, "in_tiles", in_tiles_of_a_small_gpu)
    probabilities_of(Blur(), ON_GPU)
    assert asked == [1, 2, 4]


@pytest.mark.parametrize(
    ("error", "tries", "seen"),
    [
        (NO_MEMORY[0], 4, ON_GPU),
        (RuntimeError("shapes do not fit"), 1, ON_GPU),
        (NO_MEMORY[0], 1, torch.zeros(1, 16, 2, 2)),
    ],
)
def test_a_gpu_without_any_memory_is_given_up_and_other_errors_at_once(error, tries, seen, monkeypatch):
    asked = []

    def fail(net, seen, number):
        asked.append(number)
        raise error

    monkeypatch.setattr(tiles, "in_tiles", fail)
    with pytest.raises(type(error), match=str(error)):
        probabilities_of(Blur(), seen)
    assert len(asked) == tries and max(asked) <= MOST


def test_a_cpu_works_on_some_millions_of_voxels_at_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tiles, "AT_ONCE", 32 * 16 * 16)
    net = Blur()
    probabilities_of(net, torch.zeros(1, 80, 16, 16))
    assert len(net.thick) == 3 and max(net.thick) <= 64 and AT_ONCE > 1e6
