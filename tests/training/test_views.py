import numpy as np

from cerebbids.training.views import CLASSES, LOBULE_VIEW, SIDE_VIEW


def test_a_view_groups_labels_and_shares_alike():
    labels, nowhere = np.arange(CLASSES).reshape(3, 3, 3), np.zeros((3, 3, 3), bool)
    atlas = np.zeros((CLASSES, 3, 3, 3), np.uint8)
    np.put_along_axis(atlas, labels[None], 255, 0)
    for view in (SIDE_VIEW, LOBULE_VIEW):
        seen, shares = view.seen(labels, nowhere), view.shares(atlas)
        assert shares.shape == (max(view.labels), 3, 3, 3) and seen.max() == max(view.labels)
        for k, share in enumerate(shares, 1):
            assert np.array_equal(share == 255, seen == k)


def test_the_vermis_is_told_from_the_hemispheres_by_the_first_stage_alone():
    labels = np.array([0, 3, 13, 16])
    vermis = np.array([True, True, False, True])
    assert SIDE_VIEW.seen(labels, vermis).tolist() == [0, 3, 1, 4]
    assert LOBULE_VIEW.seen(labels, vermis).tolist() == [0, 3, 13, 3]


def test_mirrored_shares_are_those_of_the_mirrored_classes():
    assert SIDE_VIEW.mirrored_shares == (1, 0) and LOBULE_VIEW.mirrored_shares == tuple(range(13))
    labels, atlas = np.array([[1, 14]]), np.zeros((CLASSES, 1, 2), np.uint8)
    np.put_along_axis(atlas, labels[None], 255, 0)
    mirrored = np.array(SIDE_VIEW.mirror)[SIDE_VIEW.seen(labels, labels == 14)[:, ::-1]]
    assert mirrored.tolist() == [[3, 2]]
    assert (SIDE_VIEW.shares(atlas)[list(SIDE_VIEW.mirrored_shares), :, ::-1] == 255).argmax(0).tolist() == [[0, 1]]


def test_shares_of_255_do_not_overflow():
    atlas = np.full((CLASSES, 1, 1, 1), 20, np.uint8)
    assert SIDE_VIEW.shares(atlas).ravel().tolist() == [255, 255]
    assert LOBULE_VIEW.shares(atlas).ravel().tolist() == [40] * 13
