import numpy as np

from cerebbids.training.views import CLASSES, LOBULES, SIDES


def test_a_view_groups_labels_and_shares_alike():
    labels = np.arange(CLASSES).reshape(3, 3, 3)
    atlas = np.zeros((CLASSES, 3, 3, 3), np.uint8)
    np.put_along_axis(atlas, labels[None], 255, 0)
    for view in (SIDES, LOBULES):
        seen, shares = view.seen(labels), view.shares(atlas)
        assert shares.shape == (view.classes - 1, 3, 3, 3) and seen.max() == view.classes - 1
        for k in range(1, view.classes):
            assert np.array_equal(shares[k - 1] == 255, seen == k)


def test_shares_of_255_do_not_overflow():
    atlas = np.full((CLASSES, 1, 1, 1), 20, np.uint8)
    assert SIDES.shares(atlas).ravel().tolist() == [255, 255]
    assert LOBULES.shares(atlas).ravel().tolist() == [40] * 13
