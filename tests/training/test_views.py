import numpy as np

from cerebbids.training.views import CLASSES, LOBULES, SIDES


def test_a_view_groups_labels_and_shares_alike():
    labels, nowhere = np.arange(CLASSES).reshape(3, 3, 3), np.zeros((3, 3, 3), bool)
    atlas = np.zeros((CLASSES, 3, 3, 3), np.uint8)
    np.put_along_axis(atlas, labels[None], 255, 0)
    for view in (SIDES, LOBULES):
        seen, shares = view.seen(labels, nowhere), view.shares(atlas)
        assert shares.shape == (max(view.labels), 3, 3, 3) and seen.max() == max(view.labels)
        for k, share in enumerate(shares, 1):
            assert np.array_equal(share == 255, seen == k)


def test_the_vermis_is_told_from_the_hemispheres_by_the_first_stage_alone():
    labels = np.array([0, 3, 13, 16])
    vermis = np.array([True, True, False, True])
    assert SIDES.seen(labels, vermis).tolist() == [0, 3, 1, 4]
    assert LOBULES.seen(labels, vermis).tolist() == [0, 3, 13, 3]


def test_mirrored_shares_are_those_of_the_mirrored_classes():
    assert SIDES.mirrored_shares == (1, 0) and LOBULES.mirrored_shares == tuple(range(13))
    labels, atlas = np.array([[1, 14]]), np.zeros((CLASSES, 1, 2), np.uint8)
    np.put_along_axis(atlas, labels[None], 255, 0)
    mirrored = np.array(SIDES.mirror)[SIDES.seen(labels, labels == 14)[:, ::-1]]
    assert mirrored.tolist() == [[3, 2]]
    assert (SIDES.shares(atlas)[list(SIDES.mirrored_shares), :, ::-1] == 255).argmax(0).tolist() == [[0, 1]]


def test_shares_of_255_do_not_overflow():
    atlas = np.full((CLASSES, 1, 1, 1), 20, np.uint8)
    assert SIDES.shares(atlas).ravel().tolist() == [255, 255]
    assert LOBULES.shares(atlas).ravel().tolist() == [40] * 13
