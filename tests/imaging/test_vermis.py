import numpy as np

from cerebbids.bids.names import COMPARTMENTS, VERMIS
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.vermis import VERMIS_GROUPS, vermis_again, with_vermis


def test_every_lobule_has_one_part_of_the_vermis():
    assert sorted(lobule for members in VERMIS_GROUPS.values() for lobule in members) == list(range(1, 13))


def test_labels_are_those_of_the_scheme_and_white_matter_stays():
    labels = np.array((0, *load_scheme(COMPARTMENTS).indices), np.uint8)
    known = {0, *load_scheme(VERMIS).indices}
    for vermis in (False, True):
        found = with_vermis(labels, np.full(labels.shape, vermis))
        assert set(found) <= known and (found[[0, 13, 26]] == labels[[0, 13, 26]]).all()
        assert found.dtype == np.uint8 and vermis == (set(found) == {0, 13, 113, 71, 72, 73})


def test_vermis_of_corrected_labels_is_where_it_was_and_beside_it():
    labels = np.zeros((9, 4, 3), np.uint8)
    labels[1:4], labels[4, :, 0], labels[5:8] = 6, 13, 106
    vermis = np.zeros(labels.shape, bool)
    vermis[3:6] = True
    older = with_vermis(labels, vermis)
    np.testing.assert_array_equal(vermis_again(labels, older, np.ones(3)), older)
    corrected = labels.copy()
    corrected[4] = 8  # once white matter or nothing, beside it
    corrected[8] = 107
    corrected[1] = 0
    found = vermis_again(corrected, older, np.array([1.0, 9, 9]))
    assert (found[1] == 0).all() and (found[8] == 107).all()
    assert (found[4, :, 0] == 8).all() and (found[4, :, 1:] == 72).all()
    np.testing.assert_array_equal(found[[2, 3, 5, 6, 7]], older[[2, 3, 5, 6, 7]])
