import pytest
import torch

from cerebbids.nets.superres import SuperResolution
from cerebbids.training.degrade import REACH, degrade

INNER = (0, 0, *[slice(REACH, -REACH)] * 3)


def ramp(axis: int) -> torch.Tensor:
    """Every voxel's own place along an axis."""
    return torch.meshgrid(*[torch.arange(n) + 0.0 for n in (28, 24, 32)], indexing="ij")[axis][None, None]


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("fwhm", [0.8, 1.0, 1.2])
def test_a_coarse_voxel_lies_between_its_fine_ones(axis: int, fwhm: float):
    coarse = degrade(ramp(axis), fwhm)
    expected = torch.nn.functional.avg_pool3d(ramp(axis), 2)
    torch.testing.assert_close(coarse[INNER], expected[INNER])


@pytest.mark.parametrize("axis", range(3))
def test_there_and_back_without_a_shift(axis: int):
    with torch.inference_mode():
        back = SuperResolution(4, 1)(degrade(ramp(axis)))
    inner = (0, 0, *[slice(2 * REACH, -2 * REACH)] * 3)
    torch.testing.assert_close(back[inner], ramp(axis)[inner], atol=1e-4, rtol=0)


def test_axes_are_not_confused():
    point = torch.zeros(1, 2, 24, 20, 28)
    point[0, 1, 10, 4, 17] = 1
    coarse = degrade(point)
    assert coarse.shape == (1, 2, 12, 10, 14) and not coarse[0, 0].any()
    place = torch.stack(torch.meshgrid(*map(torch.arange, (12, 10, 14)), indexing="ij")).float()
    middle = (place * coarse[0, 1]).sum((1, 2, 3)) / coarse.sum()
    assert torch.allclose(middle, torch.tensor([4.75, 1.75, 8.25]), atol=0.1)  # (fine - 0.5) / 2


def test_brightness_stays_and_a_wider_point_spread_blurs_more():
    noise = torch.randn(1, 1, 32, 32, 32, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(degrade(torch.full_like(noise, 7.0)), torch.full((1, 1, 16, 16, 16), 7.0))
    assert degrade(noise, 0.8).std() > 1.15 * degrade(noise, 1.2).std()
