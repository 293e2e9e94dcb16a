from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.errors import ModelError, SegmentationFailed
from cerebbids.inference.answer import check_plausible, keep_largest
from cerebbids.inference.library import Library
from cerebbids.inference.models import read_bundle
from cerebbids.inference.segment import (
    crop_probabilities,
    labels_on_grid,
    load_net,
    propagate,
)
from cerebbids.systems.grid import CEREBELLUM_1MM, Grid

SCHEME = load_scheme("Lobules")
GRID = CEREBELLUM_1MM
# Three balls in template space that no flip or rotation maps onto each other: channel -> (centre, radius) in mm.
BALLS = {6: ((-35.0, -70.0, -30.0), 14.0), 19: ((30.0, -60.0, -40.0), 9.0), 13: ((-8.0, -50.0, -15.0), 6.0)}


def labels_at(world: np.ndarray) -> np.ndarray:
    channels = np.zeros(world.shape[:-1], int)
    for channel, (centre, radius) in BALLS.items():
        channels[np.linalg.norm(world - centre, axis=-1) < radius] = channel
    return channels


def world_of(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    return nib.affines.apply_affine(affine, np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), -1))


def phantom(grid: Grid = GRID) -> torch.Tensor:
    channels = torch.from_numpy(labels_at(world_of(grid.shape, grid.affine)))
    return torch.nn.functional.one_hot(channels, 27).permute(3, 0, 1, 2).float()


def rotation(degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


TARGETS = {
    "RAS, 1 mm": np.diag([1.0, 1, 1, 1]),
    "LPS, 0.8 mm": np.diag([-0.8, -0.8, 0.8, 1]),
    "axes swapped, anisotropic": np.array([[0, 0, 1.2, 0], [1.0, 0, 0, 0], [0, 0.9, 0, 0], [0, 0, 0, 1]]),
    "oblique, far origin": rotation(20) @ np.diag([1.0, 1, 1.3, 1]),
}


@pytest.mark.parametrize("wrapping", TARGETS)
def test_labels_come_back_where_they_belong(wrapping: str):
    to_mni = rotation(-7) @ np.diag([1.1, 0.95, 1.05, 1])
    to_mni[:3, 3] = [3, -5, 8]
    affine, shape = TARGETS[wrapping].copy(), (150, 150, 150)
    middle = nib.affines.apply_affine(np.linalg.inv(to_mni), [0, -60, -30])
    affine[:3, 3] = middle - affine[:3, :3] @ (np.array(shape) / 2)
    found = labels_on_grid(phantom(), GRID, shape, affine, to_mni, SCHEME.indices)
    expected = np.array((0, *SCHEME.indices))[labels_at(world_of(shape, to_mni @ affine))]
    assert set(np.unique(found)) == {0, 6, 13, 106}
    for index in (6, 13, 106):
        a, b = found == index, expected == index
        assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.95
        offset = np.argwhere(a).mean(0) - np.argwhere(b).mean(0)
        assert np.abs(offset).max() < 0.2  # no half-voxel shift


def test_beyond_the_crop_there_is_only_background():
    everywhere = torch.zeros(27, *GRID.shape)
    everywhere[5] = 1
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = [-120, -180, -150]
    found = labels_on_grid(everywhere, GRID, (120, 120, 120), affine, np.eye(4), SCHEME.indices)
    inside = np.argwhere(found > 0)
    low, high = (nib.affines.apply_affine(affine, edge(inside, axis=0)) for edge in (np.min, np.max))
    first = np.array(GRID.origin)
    last = first + np.array(GRID.shape) - 1
    assert (low >= first - 0.5).all() and (low < first + 2).all()
    assert (high <= last + 0.5).all() and (high > last - 2).all()


class LeftIsBright(torch.nn.Module):
    """Calls bright voxels left Crus I in the left half of the crop and right Crus I in the right half."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        bright, position = x[:, 0], x[:, 1]
        logits = torch.zeros(1, 27, *x.shape[2:])
        logits[:, 6] = 10 * (bright > 0) * (position < 0)
        logits[:, 19] = 10 * (bright > 0) * (position > 0)
        return logits


def test_averaging_with_the_mirror_image_keeps_the_sides():
    image = np.full((16, 16, 16), 0.5, np.float32)
    image[2:5, 6:10, 6:10] = 3
    image[6:7, 8:, 4:] = 2
    found = crop_probabilities(LeftIsBright(), image, SCHEME.mirror, torch.device("cpu")).argmax(0)
    assert (found[3, 7, 7], found[12, 7, 7]) == (6, 0)
    swapped = crop_probabilities(LeftIsBright(), image[::-1].copy(), SCHEME.mirror, torch.device("cpu")).argmax(0)
    assert torch.equal(torch.tensor(SCHEME.mirror)[swapped.flip(0)], found)


def test_only_the_largest_piece_stays():
    probabilities = phantom()
    cleaned = keep_largest(probabilities)
    assert set(cleaned.argmax(0).unique().tolist()) == {0, 6}
    assert torch.allclose(cleaned.sum(0), torch.ones(GRID.shape))


def test_half_a_cerebellum_is_refused():
    ball = torch.zeros(27, *GRID.shape)
    ball[0] = 1
    ball[:, 20:60, 20:60, 20:60] = 0
    ball[6, 20:60, 20:60, 20:60] = 1
    with pytest.raises(SegmentationFailed, match="sub-01.*implausible"):
        check_plausible(ball, GRID, "sub-01")
    both = ball + ball.flip(1)[list(SCHEME.mirror)]
    both[0] = 1 - both[1:].sum(0)
    check_plausible(both, GRID, "sub-01")


def test_weights_of_another_network_are_refused():
    network = read_bundle(None, "deepceres").networks["lobules"]
    smaller = replace(network, sizes={**network.sizes, "widths": (16, 48, 96)})
    for other in (smaller, replace(network, architecture="superres"), replace(network, sizes={})):
        with pytest.raises(ModelError, match="does not fit the network"):
            load_net(other, torch.device("cpu"))


class Still(torch.nn.Module):
    """A registration that moves nothing."""

    def forward(self, pair: torch.Tensor) -> torch.Tensor:
        return torch.zeros(1, len(pair), 3, *(n // 2 for n in pair.shape[2:]))


def test_a_library_labels_the_image_where_its_members_have_labels():
    world = world_of(GRID.shape, GRID.affine)
    labels = np.zeros(GRID.shape, np.uint8)
    labels[np.linalg.norm(world - (-17, -60, -35), axis=-1) < 20] = 6
    labels[np.linalg.norm(world - (16, -62, -38), axis=-1) < 17] = 19
    bright = np.where(labels > 0, 100 + world[..., 1], 20).astype(np.float32)
    member = torch.from_numpy(bright)[None].half()
    library = Library(member, torch.from_numpy(labels)[None], 27, (), "", "")
    turned = nib.Nifti1Image(bright.transpose(1, 0, 2)[::-1].copy(), GRID.affine @ TURN)
    answer = propagate(Still(), library, GRID, turned, np.eye(4), torch.device("cpu"), "a.nii")
    wrong = answer.probabilities.argmax(0).numpy() != labels
    assert answer.atlas.grid == GRID and answer.atlas.probabilities.shape == answer.probabilities.shape
    assert wrong.sum() < 0.005 * (labels > 0).sum()  # some at the rim: registration is never quite still
    with pytest.raises(SegmentationFailed, match="a.nii: the cerebellum found is implausible"):
        empty = Library(member, torch.zeros_like(member, dtype=torch.uint8), 27, (), "", "")
        propagate(Still(), empty, GRID, turned, np.eye(4), torch.device("cpu"), "a.nii")


TURN = np.array([[0, 1, 0, 0], [-1, 0, 0, GRID.shape[1] - 1], [0, 0, 1, 0], [0, 0, 0, 1.0]])
"""Voxels of an image with its first two axes swapped, the first reversed -> voxels of the grid."""
