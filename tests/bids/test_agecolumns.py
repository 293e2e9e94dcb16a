"""Ages for the choice of a system."""

import json

import pytest

from cerebbids.bids.people import read_people

HEADER = "participant_id\tage"


def people(root, *rows, header=HEADER, sidecar=None):
    root.mkdir(exist_ok=True)
    table = root / "participants.tsv"
    table.write_text("\n".join([header, *rows]) + "\n")
    if sidecar is not None:
        table.with_suffix(".json").write_text(json.dumps(sidecar))
    return table


def told(root, cell, about):
    return read_people(people(root, f"sub-1\t{cell}", sidecar={"age": about} if about else None)).told("sub-1")


@pytest.mark.parametrize(("unit", "cell", "months"), [
    ("months", "5", 5), ("months", "30", 30), ("years", "2.5", 30), ("years", "30", 360), ("weeks", "104", 23.918),
    ("days", "365.25", 12),
])  # fmt: skip
def test_months_of_every_unit(tmp_path, unit, cell, months):
    found = told(tmp_path, cell, {"Units": unit})
    assert found.months == pytest.approx(months, abs=1e-3) and not found.warnings
    assert found.source == f"age {cell} in participants.tsv"


def test_years_without_a_unit_are_told(tmp_path):
    found = told(tmp_path, "18", None)
    assert found.months == 216 and found.source.endswith(", taken for years")
    assert found.warnings == ("The unit of ages is not told in participants.tsv; they were taken for years.",)


@pytest.mark.parametrize("about", [
    {"Units": "weeks", "Description": "Postmenstrual age at scan"}, {"Units": "gestational weeks"},
    {"Units": "wk", "LongName": "PMA"}, {"Description": "Post-menstrual age, weeks"},
])  # fmt: skip
def test_ages_from_conception_choose_and_are_in_no_norms(tmp_path, about):
    found = told(tmp_path, "92", about)
    assert found.months == pytest.approx(52 * 7 / 30.4375, abs=1e-3) and "from conception" in found.source
    assert read_people(tmp_path / "participants.tsv").of("sub-1").age is None


@pytest.mark.parametrize(("cell", "about", "reason"), [
    ("104", {"Description": "Age in weeks"}, "speaks of weeks"),
    ("216", None, "216 cannot be years"),
    ("20", {"Units": "fortnights"}, "no unit known here"),
    ("39", {"Units": "weeks", "Description": "Gestational age at birth"}, "whether ages are from conception or birth"),
    ("12", {"Units": "months", "Description": "not corrected for gestation"}, "from conception or birth"),
    ("5", {"Units": "weeks", "Description": "PMA"}, "is nobody's"),
    ("44", {"Description": "PMA"}, "in no unit known here"),
])  # fmt: skip
def test_ages_that_may_be_an_infant_s_are_not_clear(tmp_path, cell, about, reason):
    found = told(tmp_path, cell, about)
    assert found.months is None and found.unclear and reason in found.why_not


@pytest.mark.parametrize("cell", ["n/a", "", "999", "old", "-3"])
@pytest.mark.parametrize("unit", ["years", "weeks"])
def test_missing_ages_are_not_known(tmp_path, cell, unit):
    found = told(tmp_path, cell, {"Units": unit})
    assert found.months is None and not found.unclear and found.why_not


def test_missing_ages_in_a_column_of_ages_from_conception_are_not_known(tmp_path):
    assert not told(tmp_path, "n/a", {"Units": "weeks", "Description": "PMA"}).unclear


def test_adults_whose_gestation_is_spoken_of_are_adults(tmp_path):
    found = told(tmp_path, "25", {"Units": "years", "Description": "Age at scan; gestational age at birth elsewhere"})
    assert found.months > 280


def test_the_column_of_months_comes_first_where_it_has_a_number(tmp_path):
    header = "participant_id\tage\tage_months"
    table = people(tmp_path, "sub-1\t18\t18", "sub-2\t30\tn/a", header=header)
    found = read_people(table)
    assert found.told("sub-1").months == 18 and not found.told("sub-1").warnings
    assert found.told("sub-2").months == 360
    assert found.of("sub-1").age == 18  # norms do not look at it


@pytest.mark.parametrize("about", [{"Units": "weeks"}, {"Description": "postmenstrual"}])
def test_a_column_of_months_that_is_described_as_something_else(tmp_path, about):
    table = people(tmp_path, "sub-1\t18", header="participant_id\tage_months", sidecar={"age_months": about})
    assert read_people(table).told("sub-1").unclear


def test_two_rows_that_differ_tell_nothing(tmp_path):
    about = {"age": {"Units": "weeks", "Description": "PMA"}}
    found = read_people(people(tmp_path, "sub-1\t44", "sub-1\t92", sidecar=about)).told("sub-1")
    assert found.months is None and "two rows" in found.why_not


def sessions(root, *rows, header="session_id\tage_months"):
    (root / "sub-1").mkdir(parents=True)
    (root / "sub-1" / "sub-1_sessions.tsv").write_text("\n".join([header, *rows]) + "\n")


@pytest.mark.parametrize("listed", [True, False])
def test_sessions_tell_months_with_and_without_a_table_of_participants(tmp_path, listed):
    sessions(tmp_path, "ses-a\t6", "ses-b\t40")
    table = people(tmp_path, "sub-1\t30") if listed else tmp_path / "participants.tsv"
    found = read_people(table, ["1"])
    assert (found.told("sub-1", "ses-a").months, found.told("sub-1", "ses-b").months) == (6, 40)
    assert found.told("sub-1", "ses-a").source == "age_months 6 in sub-1_sessions.tsv"
    assert found.of("sub-1", "ses-a").age == (30 if listed else None)  # as without that column


def test_a_session_has_no_other_session_s_age(tmp_path):
    sessions(tmp_path, "ses-a\t60")
    found = read_people(people(tmp_path, "sub-1\t30")).told("sub-1", "ses-b")
    assert found.months is None and not found.unclear and "ses-b is not in" in found.why_not


@pytest.mark.parametrize("row", ["ses-a\tn/a", "ses-a\t12"])
def test_a_session_without_an_age_of_a_known_infant_is_not_clear(tmp_path, row):
    sessions(tmp_path, row, header="session_id\tage")
    table = people(tmp_path, "sub-1\t12", sidecar={"age": {"Units": "months"}})
    assert read_people(table).told("sub-1", "ses-a").unclear
