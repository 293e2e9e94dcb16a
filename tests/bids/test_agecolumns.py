"""Ages for the choice of a system."""

import json

import pytest

from cerebbids.bids.people import read_people

HEADER = "participant_id\tage"
UNIT = "The unit of ages is not told in participants.tsv; they were taken for years."


def people(root, *rows, header=HEADER, sidecar=None):
    root.mkdir(exist_ok=True)
    table = root / "participants.tsv"
    table.write_text("\n".join([header, *rows]) + "\n")
    if sidecar is not None:
        table.with_suffix(".json").write_text(json.dumps(sidecar))
    return table


def told(root, cell, about, *others):
    rows = (f"sub-{k}\t{each}" for k, each in enumerate((cell, *others), start=1))
    return read_people(people(root, *rows, sidecar={"age": about} if about else None)).told("sub-1")


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
    assert found.warnings == (UNIT,)


@pytest.mark.parametrize(("others", "said"), [
    (["36"], True), (["36", "999"], True), (["37"], False), (["n/a", "70"], False), (["old"], True),
])  # fmt: skip
def test_a_unit_that_is_not_told_is_said_of_images_where_ages_may_be_an_infant_s(tmp_path, others, said):
    found = told(tmp_path, "18", None, *others)
    assert found.months == 216 and found.warnings == ((UNIT,) if said else ())
    assert len(read_people(tmp_path / "participants.tsv").warnings) == 1  # for norms


@pytest.mark.parametrize(("cell", "about", "others", "warned"), [
    ("1", {"Units": "years"}, [], True), ("2", {"Units": "years"}, ["30", "999"], True), ("1", None, ["70"], True),
    ("1", {"Units": "years"}, ["1.5"], False), ("3", {"Units": "years"}, [], False),
    ("12", {"Units": "months"}, [], False), ("2", {"Description": "Age in years"}, ["70"], True),
])  # fmt: skip
def test_whole_years_of_infants_have_a_warning(tmp_path, cell, about, others, warned):
    found = told(tmp_path, cell, about, *others)
    assert found.months is not None and len(found.warnings) == warned
    assert not warned or found.warnings[0].endswith(
        "is a whole number of years: the network may be one for another age."
    )


def test_a_whole_number_of_no_years_is_not_clear(tmp_path):
    found = told(tmp_path, "0", {"Units": "years"}, "1")
    assert found.unclear and found.why_not == "age 0 in participants.tsv is a whole number of years"
    assert told(tmp_path, "0", {"Units": "years"}, "0.5").months == 0
    assert told(tmp_path, "0", {"Units": "months"}, "1").months == 0


@pytest.mark.parametrize("cell", ["9 months", "9mo", "9 m", "18 wk", "9,5 Months", "~9 mos.", "1 year", "1y3m", "40 d"])
@pytest.mark.parametrize("column", ["age", "age_months"])
def test_cells_with_their_own_unit_are_not_clear(tmp_path, cell, column):
    found = read_people(people(tmp_path, f"sub-1\t{cell}", header=f"participant_id\t{column}")).told("sub-1")
    assert found.months is None and found.unclear and "is no number" in found.why_not


@pytest.mark.parametrize("cell", ["30 years", "25y3m", "89+", "9 kg"])
def test_cells_of_adults_are_not_known(tmp_path, cell):
    found = told(tmp_path, cell, None)
    assert found.months is None and not found.unclear and "is no number" in found.why_not


@pytest.mark.parametrize("words", [
    "Age in mo", "Age (mos)", "Age, wks", "age in wk.", "Age (d)", "Age in months or years", "Years and months",
    "Age in yrs (mo for infants)", "Years, of children in days",
])  # fmt: skip
def test_descriptions_that_speak_of_more_than_years_are_not_clear(tmp_path, words):
    found = told(tmp_path, "18", {"Description": words})
    assert found.months is None and found.unclear and "their description speaks of" in found.why_not
    assert told(tmp_path, "18", {"Units": "years", "Description": words}).months == 216


@pytest.mark.parametrize(
    "words", ["Years, on the day of the scan", "Age at a 3-D scan", "From the d.o.b.", "Age (yrs)"]
)
def test_descriptions_of_years(tmp_path, words):
    assert told(tmp_path, "18", {"Description": words}).months == 216


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
    ("44", {"Description": "PMA in weeks, or age in years"}, "in no unit known here"),
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


@pytest.mark.parametrize(("column", "months"), [
    ("age_months", 18), ("age_in_months", 18), ("age_mo", 18), ("Age_Months", 18), ("months", None),
])  # fmt: skip
def test_columns_that_tell_months(tmp_path, column, months):
    found = read_people(people(tmp_path, "sub-1\t18", header=f"participant_id\t{column}")).told("sub-1")
    assert found.months == months and (not months or found.source == f"{column} 18 in participants.tsv")


def test_of_columns_of_months_one_with_a_number_is_taken(tmp_path):
    header = "participant_id\tage_months\tage_mo"
    found = read_people(people(tmp_path, "sub-1\tn/a\t7", "sub-2\t8\t9", header=header))
    assert [found.told(f"sub-{k}").months for k in (1, 2)] == [7, 8]


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


@pytest.mark.parametrize("column", ["age_in_months", "age_mo"])
def test_sessions_tell_months_by_every_name(tmp_path, column):
    sessions(tmp_path, "ses-a\t6", header=f"session_id\t{column}")
    assert read_people(tmp_path / "participants.tsv", ["1"]).told("sub-1", "ses-a").months == 6


@pytest.mark.parametrize(("cell", "unclear"), [("9", True), ("36", True), ("37", False), ("-3", False), ("n/a", False)])
def test_an_age_of_a_session_without_a_unit_is_not_clear_where_it_may_be_an_infant_s(tmp_path, cell, unclear):
    sessions(tmp_path, f"ses-a\t{cell}", header="session_id\tage")
    found = read_people(tmp_path / "participants.tsv", ["1"]).told("sub-1", "ses-a")
    assert found.months is None and found.unclear == unclear


@pytest.mark.parametrize("row", ["ses-a\tn/a", "ses-a\t12"])
def test_a_session_without_an_age_of_a_known_infant_is_not_clear(tmp_path, row):
    sessions(tmp_path, row, header="session_id\tage")
    table = people(tmp_path, "sub-1\t12", sidecar={"age": {"Units": "months"}})
    assert read_people(table).told("sub-1", "ses-a").unclear
