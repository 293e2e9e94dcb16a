import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.nets.strides import OFFSETS, compose, decompose
from cerebbids.systems.grid import Grid

GRID = Grid((-4.0, 7.0, 2.5), (8, 6, 10), 0.5)


def landmark(place: np.ndarray) -> np.ndarray:
    """Brightness at world coordinates (..., 3), nowhere the same as in any mirror image or turn."""
    x, y, z = np.moveaxis(place, -1, 0)
    return np.sin(0.9 * x) + 0.3 * y**2 - 0.2 * x * z + 0.05 * z**3


def painted(shape: tuple[int, ...], affine: np.ndarray) -> torch.Tensor:
    voxels = np.moveaxis(np.indices(shape), 0, -1)
    return torch.from_numpy(landmark(nib.affines.apply_affine(affine, voxels)))


def strided(grid: Grid, offset: tuple[int, int, int]) -> np.ndarray:
    """Affine of every second voxel from an offset."""
    return grid.affine @ nib.affines.from_matvec(2 * np.eye(3), offset)


@pytest.mark.parametrize("channel", range(8))
def test_every_channel_lies_where_its_offset_says(channel: int):
    parts = decompose(painted(GRID.shape, GRID.affine)[None, None])
    there = painted((4, 3, 5), strided(GRID, OFFSETS[channel]))
    torch.testing.assert_close(parts[0, channel], there)


def test_eight_volumes_of_every_channel_stay_together():
    volume = torch.arange(2 * 3 * 4 * 4 * 4.0).reshape(2, 3, 4, 4, 4)
    parts = decompose(volume)
    for channel in range(3):
        torch.testing.assert_close(parts[:, 8 * channel : 8 * channel + 8], decompose(volume[:, channel : channel + 1]))


def test_composing_puts_each_channel_at_its_offset():
    for channel, (a, b, c) in enumerate(OFFSETS):
        parts = torch.zeros(1, 8, 2, 3, 4)
        parts[0, channel, 1, 2, 3] = 1
        assert torch.nonzero(compose(parts)[0, 0]).tolist() == [[2 + a, 4 + b, 6 + c]]


def test_what_was_taken_apart_is_put_together():
    parts = torch.rand(2, 16, 3, 4, 5)
    assert torch.equal(decompose(compose(parts)), parts)


def test_an_odd_side_is_refused():
    with pytest.raises(ValueError, match="sides have to be even"):
        decompose(torch.zeros(1, 1, 4, 5, 4))
