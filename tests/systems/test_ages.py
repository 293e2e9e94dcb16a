import pytest

from cerebbids.systems.ages import (
    AGES,
    AUTO,
    CHOICES,
    NEWBORN,
    UNKNOWN,
    Span,
    age_words,
    ages_of,
    gap,
    pick,
    since_term,
)


def test_between_newborns_and_infants_there_is_no_system_and_later_no_gap():
    newborn, *others = sorted((row.picked for row in AGES if row.picked), key=lambda span: span.youngest)
    assert (newborn.youngest, newborn.oldest) == (since_term(26), since_term(45))
    assert [(span.youngest, span.oldest) for span in others] == [(5, 30), (30, float("inf"))]


@pytest.mark.parametrize(("months", "system"), [
    (4.99, None), (5, "infant"), (24, "infant"), (30, "infant"), (30.01, "deepceres"), (216, "deepceres"),
    (1440, "deepceres"),
])  # fmt: skip
def test_boundaries(months, system):
    assert pick(months) == system


@pytest.mark.parametrize(("weeks", "system"), [
    (25.9, None), (26, "neonatal"), (40, "neonatal"), (45, "neonatal"), (45.1, None), (60, None), (62, "infant"),
])  # fmt: skip
def test_boundaries_in_weeks(weeks, system):
    assert pick(since_term(weeks)) == system


@pytest.mark.parametrize(("born", "days", "system"), [(25, 7, "neonatal"), (30, 105, "neonatal"), (30, 106, None)])
def test_a_boundary_that_was_computed_is_one(born, days, system):
    weeks = born + days / 365.25 / (7 / 365.25)
    assert pick(since_term(weeks)) == system


def test_nobody_is_taken_for_isointense_unless_it_is_asked_for():
    assert not any(pick(months) == "isointense" for months in range(-5, 50))
    assert [months in ages_of("isointense").possible for months in (3.9, 4, 12, 12.1)] == [False, True, True, False]


@pytest.mark.parametrize(("months", "words"), [
    (since_term(25.9), "below 26 weeks postmenstrual"), (-10, "below 26 weeks postmenstrual"),
    (since_term(45.1), "between 45 weeks postmenstrual and 5 months"),
    (4.99, "between 45 weeks postmenstrual and 5 months"),
])  # fmt: skip
def test_the_ages_without_a_system(months, words):
    assert pick(months) is None and gap(months) == words


@pytest.mark.parametrize("row", AGES, ids=lambda row: row.system)
def test_ages_lie_in_each_other(row):
    if row.picked:
        assert row.possible.youngest <= row.picked.youngest and row.picked.oldest <= row.possible.oldest
    if row.validated:
        assert row.validated.youngest >= row.picked.youngest and row.validated.oldest <= row.picked.oldest


def test_only_two_systems_were_validated():
    assert [row.system for row in AGES if row.validated] == ["infant", "deepceres"]


def test_what_the_command_line_takes():
    assert CHOICES == (AUTO, "deepceres", "infant", "isointense", "neonatal") and ages_of(UNKNOWN).system == UNKNOWN


def test_corrected_age_of_a_year():
    assert since_term(40) == 0 and since_term(40 + 365.25 / 7) == pytest.approx(12)


@pytest.mark.parametrize(("months", "words"), [
    (36, "36 months"), (36.5, "3.04 years"), (0, "40 weeks postmenstrual"), (-0.23, "39 weeks postmenstrual"),
    (240, "20 years"), (since_term(45.14), "45.14 weeks postmenstrual"), (NEWBORN, "50 weeks postmenstrual"),
    (2.31, "2.31 months"), (1, "44.35 weeks postmenstrual"),
])  # fmt: skip
def test_ages_in_words(months, words):
    assert age_words(months) == words


@pytest.mark.parametrize(("span", "words"), [
    (Span(since_term(24), NEWBORN), "24 to 50 weeks postmenstrual"), (Span(4, 12), "4 to 12 months"),
    (Span(since_term(45), 5), "45 weeks postmenstrual to 5 months"), (Span(30, 216), "30 months to 18 years"),
    (Span(oldest=36), "up to 36 months"),
])  # fmt: skip
def test_spans_in_words(span, words):
    assert str(span) == words
