from functools import partial

import numpy as np
import torch

from cerebbids.imaging.carving import N_SIDE
from cerebbids.nets.displacement import doubled, warp
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from cerebbids.training.atlas import Template
from cerebbids.training.deformable import Pair, Stage, register
from cerebbids.training.finelabels import FINE, carry, mirrored_manual, read_fine, vermal_groups


def test_the_fine_grid_is_the_working_grid_but_for_whole_voxels():
    offset = (np.array(CEREBELLUM_05MM.origin) - np.array(FINE.origin)) / 0.5
    assert np.array_equal(offset, [0, 0, 4]) and FINE.shape == CEREBELLUM_05MM.shape


def test_the_mirror_image_of_manual_labels_swaps_sides_twice_over():
    manual = np.random.default_rng(0).choice([0, 38, 39, 40, 41, 71, 72, 73], (6, 4, 4)).astype(np.uint8)
    mirrored = mirrored_manual(manual)
    assert np.array_equal(mirrored_manual(mirrored), manual)
    assert np.array_equal(mirrored[0] == 38, manual[-1] == 39) and np.array_equal(mirrored[0] == 71, manual[-1] == 71)


def test_groups_are_shares_of_the_lobules_of_both_sides():
    atlas = np.zeros((26, 2, 1, 1), np.float32)
    atlas[3, 0], atlas[4 + N_SIDE, 0], atlas[11, 1] = 1, 3, 2  # V left, VI right; X left
    assert np.allclose(vermal_groups(atlas)[:, :, 0, 0], [[0.25, 0], [0.75, 0], [0, 1]])


def test_the_atlas_is_read_between_its_voxels_where_it_lies():
    atlas = np.zeros((1, *CEREBELLUM_1MM.shape), np.float32)
    atlas[0] = np.arange(CEREBELLUM_1MM.shape[0])[:, None, None]
    still = torch.zeros(1, 3, *CEREBELLUM_1MM.shape)
    where = np.zeros(FINE.shape, bool)
    where[8:20, 5, 5] = True
    fine = read_fine(atlas, still, where)[0]
    assert np.allclose(fine[10:14, 5, 5], [4.75, 5.25, 5.75, 6.25])
    shifted = still.clone()
    shifted[:, 0] = 2
    assert np.allclose(read_fine(atlas, shifted, where)[0, 10:14, 5, 5], [6.75, 7.25, 7.75, 8.25])
    assert not fine[~where].any()


def test_the_atlas_is_read_as_an_image_would_be_warped():
    rng = np.random.default_rng(0)
    atlas = rng.random((1, 12, 10, 8)).astype(np.float32)
    field = torch.from_numpy(rng.standard_normal((1, 3, 12, 10, 8)).astype(np.float32))
    coarse = torch.nn.functional.interpolate(torch.from_numpy(atlas)[None], scale_factor=2, mode="trilinear")
    fine = read_fine(atlas, 0 * field, np.ones((24, 20, 16), bool))
    assert np.allclose(fine, coarse[0], atol=1e-3)
    plain = warp(coarse, doubled(field))[0]
    found = read_fine(atlas, field, np.ones((24, 20, 16), bool))
    inside = (slice(None), *3 * (slice(6, -6),))  # far from the border, which the two treat in other ways
    assert np.corrcoef(found[inside].ravel(), plain[inside].ravel())[0, 1] > 0.9


def test_weights_say_where_a_channel_counts():
    left, right = (torch.zeros(1, 1, 16, 16, 16) for _ in range(2))
    left[:, :, 4:8, 4:12, 4:12] = right[:, :, 8:12, 4:12, 4:12] = 1
    weighted = register(Pair(left, right, weights=torch.ones(1, 1, 16, 16, 16)), stiffness=0.05)
    ignored = register(Pair(left, right, weights=torch.zeros(1, 1, 16, 16, 16)), stiffness=0.05)
    assert float(weighted.abs().max()) > 1 and float(ignored.abs().max()) < 0.05


def test_vermal_groups_draw_the_atlas_to_their_border(monkeypatch):
    """A cerebellum whose border between two groups lies 4 mm higher than the atlas has it, in a flat image."""
    shape = CEREBELLUM_1MM.shape
    z = np.arange(shape[2])[None, None] + np.zeros(shape)
    block = np.zeros(shape, bool)
    block[50:86, 30:60, 30:62] = True
    atlas = np.zeros((26, *shape), np.float32)
    atlas[3], atlas[8] = z >= 46, z < 46  # V above VIIIA
    template = Template(np.zeros((10, *shape), np.float32), block.astype(np.float32), np.zeros(shape, np.float32))
    manual = np.where(block, np.where(z >= 50, 71, 73), 0).astype(np.uint8)
    flat = np.where(block, 1.0, 0.1).astype(np.float32)
    coarse = partial(register, pyramid=(Stage(4, 8, 60),))
    monkeypatch.setattr("cerebbids.training.finelabels.register", coarse)
    field = carry(flat, manual, atlas, template)[0].numpy()
    border = field[2, 60:76, 40:50, 47:51].mean()
    assert -5 < border < -2.5  # the atlas is read some 4 mm lower
