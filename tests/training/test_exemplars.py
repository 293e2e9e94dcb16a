import numpy as np
import torch

from cerebbids.nets.displacement import doubled, jacobian_determinant
from cerebbids.training.augmentation import Case
from cerebbids.training.exemplars import MEAN_MM, exemplar, random_displacement, tissue_shares

SHAPE = (40, 32, 32)


def person() -> Case:
    """White core, grey lobules around it, fluid, and nothing outside; larger on the left (low x)."""
    t1w, labels = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.uint8)
    t1w[4:34, 4:28, 4:28] = 0.2
    t1w[8:30, 8:24, 8:24], labels[8:20, 8:24, 8:24], labels[20:30, 8:24, 8:24] = 0.6, 5, 18
    core = (slice(14, 26), slice(12, 20), slice(12, 20))
    t1w[core], labels[core] = 1.0, 13
    labels[20:26, 12:20, 12:20] = 26
    return Case("1000", t1w + np.where(t1w > 0, np.random.default_rng(0).normal(0, 0.02, SHAPE), 0), labels)


def test_random_displacements_are_smooth_and_never_fold():
    for seed in range(3):
        displacement = doubled(random_displacement(tuple(side // 2 for side in SHAPE), np.random.default_rng(seed)))
        assert jacobian_determinant(displacement).min() > 0.2
        assert 0.5 * MEAN_MM < float(displacement.norm(dim=1).mean()) < 1.5 * MEAN_MM


def test_tissues_are_found_in_halves_and_make_one_inside_the_brain():
    shares = tissue_shares(person())[0]
    assert set(shares.unique().tolist()) <= {0.0, 0.5, 1.0}
    total = shares.sum(0)
    assert set(total.unique().tolist()) == {0.0, 1.0}
    assert shares[2, 40, 32, 32] == shares[1, 20, 32, 32] == shares[0, 10, 10, 10] == 1
    assert total[2, 2, 2] == 0


def test_an_exemplar_has_another_shape_and_labels_where_its_tissues_are():
    case = person()
    image, labels = exemplar(case, np.random.default_rng(1))
    assert image.dtype == labels.dtype == np.uint8 and image.shape == labels.shape == SHAPE
    assert 0.02 < (labels != case.labels).mean() < 0.4
    assert set(np.unique(labels)) == {0, 5, 13, 18, 26}
    assert np.median(image[np.isin(labels, (13, 26))]) == 250 and np.median(image[np.isin(labels, (5, 18))]) == 150
    assert (labels == 5).sum() > (labels == 18).sum()  # left stays left


def test_nothing_of_the_scan_is_left_but_its_tissues():
    torch.manual_seed(0)
    image, _ = exemplar(person(), np.random.default_rng(1))
    # Eight voxels of halves of 50, 150 and 250 make one; noise of the scan would give any value.
    assert np.unique(image).size < 90
    again, _ = exemplar(person(), np.random.default_rng(1))
    assert np.array_equal(image, again)
