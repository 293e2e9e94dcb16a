import numpy as np
import pytest
import torch
from scipy import ndimage

from cerebbids.nets.similarity import box_mean, local_correlation, roughness, slope_energy

ONES = torch.ones(1, 1, 12, 10, 14)


def noise(seed: int, shape: tuple[int, ...] = (1, 1, 12, 10, 14)) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("width", [3, 5, 9])
def test_the_box_mean_is_that_of_a_filter(width: int):
    volumes = noise(0, (2, 3, 12, 10, 14))
    for found, volume in zip(box_mean(volumes, width).flatten(0, 1), volumes.flatten(0, 1), strict=True):
        assert np.allclose(found, ndimage.uniform_filter(volume.numpy(), width, mode="constant"), atol=1e-6)


def test_correlation_is_that_of_each_cube():
    a, b = noise(0), noise(1)
    x, y = (volume[0, 0, 3:8, 2:7, 5:10].flatten().numpy() for volume in (a, b))
    here = torch.zeros_like(a)
    here[0, 0, 5, 4, 7] = 1
    assert float(local_correlation(a, b, 5, here)) == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, abs=2e-3)


def test_only_what_has_weight_is_compared():
    a, b = noise(0), noise(0)
    b[..., 9:] = noise(1)[..., 9:]
    left = torch.zeros_like(a)
    left[..., :6] = 1
    assert local_correlation(a, b, 5, left) > 0.98
    assert local_correlation(a, b, 5, ONES - left) < 0.7


def test_a_pair_counts_alike_whatever_its_weight():
    a, b = noise(0), noise(1)
    small = torch.zeros_like(a)
    small[..., 5:8, 5:8, 5:8] = 1
    both = local_correlation(torch.cat([a, a]), torch.cat([b, a]), 5, torch.cat([ONES, small]))
    alone = local_correlation(a, b, 5, ONES), local_correlation(a, a, 5, small)
    assert float(both) == pytest.approx(float(sum(alone)) / 2, abs=1e-6)


def test_an_even_slope_costs_its_square_and_bends_cost_more():
    ramp = torch.zeros(1, 3, 8, 8, 8)
    ramp[:, 0] = 0.5 * torch.arange(8.0)
    assert float(slope_energy(ramp)) == pytest.approx(0.25 / 3)
    assert float(roughness(ramp, 2)) == pytest.approx(0.25**2 / 3)  # control points lie two voxels apart
    bent = torch.zeros(1, 3, 8, 8, 8)
    bent[:, 0] = 0.5 * (torch.arange(8) % 2)
    assert roughness(bent, 2) > 3 * roughness(ramp, 2)
