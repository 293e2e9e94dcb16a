import numpy as np
import torch

from cerebbids.inference.halves import finer, halved, on_fine_half
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM


def test_shares_keep_their_place_on_the_other_grid():
    votes, grid = torch.zeros(27, *CEREBELLUM_1MM.shape), CEREBELLUM_05MM.halved()
    votes[0], votes[0, 70, 40, 50], votes[5, 70, 40, 50] = 1, 0.25, 0.75
    moved = on_fine_half(votes, grid)
    world = CEREBELLUM_1MM.affine @ (70, 40, 50, 1)
    place = tuple(np.rint(np.linalg.inv(grid.affine) @ world)[:3].astype(int))
    assert moved[5][place] == 191 and moved[0][place] == 64 and (moved[5] > 0).sum() == 1
    assert moved.dtype == np.uint8 and (moved.sum(0, dtype=int) == 255).all()  # nothing but background beyond


def test_finer_voxels_lie_where_the_finer_grid_has_them():
    box = (slice(20, 60), slice(40, 72), slice(16, 48))
    coarse, part = CEREBELLUM_05MM.halved(), CEREBELLUM_05MM.part(box)
    heights = np.moveaxis(np.indices(coarse.shape), 0, -1) @ coarse.affine[:3, :3].T + coarse.affine[:3, 3]
    ramp = torch.from_numpy(heights @ (1.0, 2.0, 3.0)).float()[None]
    found = finer(ramp[:, *halved(box)])[0].numpy()
    places = np.moveaxis(np.indices(part.shape), 0, -1) @ part.affine[:3, :3].T + part.affine[:3, 3]
    inner = (slice(1, -1),) * 3  # beyond the outermost middles nothing is known
    assert found.shape == part.shape
    np.testing.assert_allclose(found[inner], (places @ (1.0, 2.0, 3.0))[inner], atol=1e-3)
