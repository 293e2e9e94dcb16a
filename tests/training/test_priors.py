import numpy as np
import torch

from cerebbids.inference.library import Library
from cerebbids.systems.grid import CEREBELLUM_1MM
from cerebbids.training.priors import GRID, on_fine_half, without


def test_a_case_s_own_members_do_not_vote():
    members = torch.arange(12.0).reshape(12, 1, 1, 1)  # three people, two exemplars each, and mirror images
    library = Library(members, members, 27, ("OASIS-1", "OASIS-2", "OASIS-3"), "licence", "hash")
    others = without(library, "OASIS-2")
    assert others.images.flatten().tolist() == [0, 1, 2, 3, 8, 9, 10, 11] == others.labels.flatten().tolist()
    assert others.sources == ("OASIS-1", "OASIS-3")
    assert torch.equal(without(library, "OASIS-CoBrALab-1_0").images, members)


def test_an_atlas_keeps_its_place_on_the_other_grid():
    atlas = torch.zeros(27, *CEREBELLUM_1MM.shape)
    atlas[0], atlas[0, 70, 40, 50], atlas[5, 70, 40, 50] = 1, 0.25, 0.75
    moved = on_fine_half(atlas)
    world = CEREBELLUM_1MM.affine @ (70, 40, 50, 1)
    place = tuple(np.rint(np.linalg.inv(GRID.affine) @ world)[:3].astype(int))
    assert moved[5][place] == 191 and moved[0][place] == 64 and (moved[5] > 0).sum() == 1
    assert moved.dtype == np.uint8 and (moved.sum(0, dtype=int) == 255).all()  # nothing but background beyond
