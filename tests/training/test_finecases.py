import numpy as np
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.training.finecases import FineCase, at_1mm, deformed, mirrored

SHAPE = (32, 24, 24)
SWAP = np.array(load_scheme("DeepCERES").mirror, np.uint8)


def case() -> FineCase:
    """A left and a right block of different size, bright as their label."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:12, 8:16, 8:16], labels[20:26, 8:16, 8:12] = 6, 26
    return FineCase("x", labels * np.float32(10), 200 - labels * np.float32(2), labels)


def test_a_mirror_image_has_the_other_side_s_names():
    seen = mirrored(case(), SWAP)
    assert (seen.labels[-12:-4, 8:16, 8:16] == 19).all() and (seen.labels[6:12, 8:16, 8:12] == 13).all()
    assert np.array_equal(seen.t1w[::-1], case().t1w) and np.array_equal(seen.t2w[::-1], case().t2w)
    assert np.array_equal(mirrored(seen, SWAP).labels, case().labels)


def test_a_displacement_is_in_voxels_of_2_mm_and_moves_all_alike():
    shift = torch.zeros(1, 3, *(side // 4 for side in SHAPE))
    shift[:, 2] = -0.5  # 1 mm: two voxels of 0.5 mm
    seen = deformed(case(), shift)
    assert np.array_equal(seen.labels[..., 2:], case().labels[..., :-2])
    assert np.allclose(seen.t1w[..., 2:], case().t1w[..., :-2], atol=1e-3)
    assert np.allclose(seen.t2w[..., 2:], case().t2w[..., :-2], atol=1e-3)


def test_labels_are_never_mixed():
    wave = torch.rand(1, 3, *(side // 4 for side in SHAPE), generator=torch.Generator().manual_seed(0))
    assert set(np.unique(deformed(case(), wave).labels)) == {0, 6, 26}


def test_a_voxel_of_1_mm_is_the_mean_of_eight():
    coarse = at_1mm(case().t1w)
    assert coarse.shape == tuple(side // 2 for side in SHAPE)
    assert coarse[3, 5, 5] == 60 and coarse.sum() == case().t1w.sum() / 8
