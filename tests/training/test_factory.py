import numpy as np

from cerebbids.imaging.carving import N_SIDE
from cerebbids.training.atlas import mirror
from cerebbids.training.factory import VERMIS, decide, vermis_agreement


def halves(manual: np.ndarray, left_lobule: int, right_lobule: int) -> np.ndarray:
    probabilities = np.full((26, *manual.shape), 1e-3, np.float32)
    middle = manual.shape[0] // 2
    probabilities[left_lobule, :middle] = 1
    probabilities[right_lobule + N_SIDE, middle:] = 1
    return probabilities


def test_manual_labels_have_the_last_word():
    manual = np.zeros((8, 4, 4), np.uint8)
    manual[1], manual[2], manual[5], manual[6] = 39, 41, 40, 38  # left cortex and white, right white and cortex
    labels = decide(halves(manual, 5, 6), manual)
    assert [int(labels[x, 0, 0]) for x in range(8)] == [0, 6, 13, 0, 0, 26, 20, 0]


def test_vermis_takes_a_lobule_of_its_group_on_its_own_side():
    for value, members in VERMIS.items():
        manual = np.full((8, 4, 4), value, np.uint8)
        labels = decide(halves(manual, 5, 5), manual)  # the atlas says Crus I everywhere
        assert set((labels[:4] - 1).ravel()) <= set(members)
        assert set((labels[4:] - 1 - N_SIDE).ravel()) <= set(members)


def test_agreement_is_one_only_for_the_right_group():
    manual = np.full((4, 4, 4), 73)
    assert vermis_agreement(np.full((4, 4, 4), 9), manual)[2] == 1
    assert vermis_agreement(np.full((4, 4, 4), 5), manual)[2] == 0


def test_atlas_mirror_undoes_itself():
    p = np.random.default_rng(0).random((26, 6, 5, 4))
    assert np.array_equal(mirror(mirror(p)), p)
    assert not np.array_equal(mirror(p), p)
