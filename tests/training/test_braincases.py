import numpy as np
import pytest

from cerebbids.training import braincases, neonates
from cerebbids.training.braincases import painted_case
from cerebbids.training.brainmaps import CSF, GREY, WHITE, isointense_brain, neonatal_brain
from cerebbids.training.infantmaps import as_head_map
from tests.brains import drawem, ids

COARSE = 3.0
"""Edge of a voxel, mm: quickly painted."""


@pytest.fixture(scope="module")
def infants():
    return (isointense_brain(as_head_map(ids(), "age-06mo", 6)),)


@pytest.fixture(scope="module")
def term():
    return (neonatal_brain(drawem()),)


def test_the_same_seed_gives_the_same_case(term):
    first, again, other = (painted_case("neonatal", term, 40, (seed,), COARSE) for seed in (1, 1, 2))
    assert np.array_equal(first.images, again.images) and np.array_equal(first.labels, again.labels)
    assert first.images.shape != other.images.shape or not np.array_equal(first.images, other.images)


@pytest.mark.parametrize("system", ["isointense", "neonatal"])
def test_images_are_standardised_where_something_is_shown_and_0_around(system, infants, term):
    case = painted_case(system, infants if system == "isointense" else term, 50, (3,), COARSE)
    assert case.images.shape == (2, *case.labels.shape) and case.images.dtype == np.float32
    shown = case.images[0] != 0
    for image in case.images:
        assert image[shown].mean() == pytest.approx(0, abs=0.01) and image[shown].std() == pytest.approx(1, abs=0.01)
    assert not case.labels[~shown & (case.images[1] == 0)].any()
    assert not case.images[:, 0].any() and not case.images[:, :, :, -1].any()  # a margin of nothing


def test_a_cerebrum_has_its_tissues_alone(infants):
    case = painted_case("isointense", infants, 66, (4,), COARSE)
    assert {*np.unique(case.labels).tolist()} == {0, CSF, GREY, WHITE}


def test_a_neonate_has_the_classes_of_its_map_and_what_is_left_of_the_skull(term):
    case = painted_case("neonatal", term, 36, (5,), COARSE)
    found = {*np.unique(case.labels).tolist()}
    assert {neonates.CSF, neonates.CORTEX, neonates.WHITE, neonates.CEREBELLUM, neonates.BRAINSTEM} < found
    assert neonates.OUTSIDE in found
    shown = (case.images != 0).any(0)
    assert (case.labels[shown] > 0).all() and not case.labels[~shown].any()


def test_cerebellum_and_brainstem_are_cut_away_most_of_the_time(infants, monkeypatch):
    monkeypatch.setattr(braincases, "REST", 0.0)
    cut = painted_case("isointense", infants, 66, (6,), COARSE)
    monkeypatch.setattr(braincases, "REST", 1.0)
    whole = painted_case("isointense", infants, 66, (6,), COARSE)
    assert (cut.images[0] != 0).sum() < 0.92 * (whole.images[0] != 0).sum()
    assert (cut.labels > 0).sum() == (whole.labels > 0).sum()


def test_the_size_does_not_tell_the_age(term):
    def voxels(weeks: float) -> list[int]:
        cases = (painted_case("neonatal", term, weeks, (7, seed), COARSE) for seed in range(4))
        return [int(np.isin(case.labels, (neonates.CORTEX, neonates.WHITE)).sum()) for case in cases]

    assert voxels(28) == voxels(44)


def test_contrast_tells_the_age(term):
    def contrast(weeks: float) -> float:
        found = []
        for seed in range(6):
            case = painted_case("neonatal", term, weeks, (8, seed), COARSE)
            white, grey = (case.images[1][case.labels == value].mean() for value in (neonates.WHITE, neonates.CORTEX))
            found.append(float(white - grey))
        return float(np.mean(found))

    assert contrast(28) > contrast(44) + 0.1
