import itertools

import pytest

from cerebbids.systems.ages import AGES, AUTO, CHOICES, UNKNOWN, age_words, ages_of, pick, since_term, youngest


def test_from_the_youngest_on_every_age_has_a_system():
    spans = sorted((row.picked for row in AGES), key=lambda span: span.youngest)
    assert all(below.oldest == above.youngest for below, above in itertools.pairwise(spans))
    assert youngest() == spans[0].youngest == 5 and pick(12 * 120.0)


@pytest.mark.parametrize(("months", "system"), [
    (-1, None), (0, None), (4.99, None), (5, "infant"), (24, "infant"), (30, "infant"), (30.01, "deepceres"),
    (216, "deepceres"), (1440, "deepceres"),
])  # fmt: skip
def test_boundaries(months, system):
    assert pick(months) == system


@pytest.mark.parametrize("row", AGES, ids=lambda row: row.system)
def test_ages_lie_in_each_other(row):
    assert row.possible.youngest <= row.picked.youngest and row.picked.oldest <= row.possible.oldest
    assert row.validated.youngest >= row.picked.youngest and row.validated.oldest <= row.picked.oldest


def test_what_the_command_line_takes():
    assert CHOICES == (AUTO, "deepceres", "infant") and ages_of(UNKNOWN).system == UNKNOWN


def test_corrected_age_of_a_year():
    assert since_term(40) == 0 and since_term(40 + 365.25 / 7) == pytest.approx(12)


@pytest.mark.parametrize(("months", "words"), [
    (36, "36 months"), (36.5, "3.04 years"), (0, "0 months"), (-0.23, "1 weeks before term"), (240, "20 years"),
])  # fmt: skip
def test_ages_in_words(months, words):
    assert age_words(months) == words
