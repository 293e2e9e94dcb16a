"""Ages from conception: newborns, and infants whose gestational age at birth is told."""

import json

import pytest

from cerebbids.bids.people import read_people
from cerebbids.systems.ages import pick, since_term

PMA = {"Units": "weeks", "Description": "Postmenstrual age at scan"}
WEEKS = {"Units": "weeks", "Description": "Gestational age at birth"}
DAYS = {"Units": "days", "Description": "Age at scan since birth"}
TAKEN = "The unit of {} is not told in participants.tsv; it was taken for weeks."


def write(path, table, about=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in table))
    if about:
        path.with_suffix(".json").write_text(json.dumps(about))


def told(root, about=None, others=(), **cells):
    """Age of the first of a table's people, whose columns are these."""
    rows = [("sub-1", *cells.values()), *((f"sub-{k}", *each) for k, each in enumerate(others, start=2))]
    write(root / "participants.tsv", [("participant_id", *cells), *rows], about)
    return read_people(root / "participants.tsv").told("sub-1")


def dhcp(root, sessions, born="38.57", header="session_id\tscan_age", about=None):
    """A dataset as the dHCP's: when people were born in one table, when they were scanned in others; no units."""
    write(root / "participants.tsv", [("participant_id", "sex", "birth_age"), ("1", "female", born)])
    write(root / "sub-1" / "sub-1_sessions.tsv", [header.split("\t"), *sessions], about)
    return read_people(root / "participants.tsv", ["1"])


@pytest.mark.parametrize(("age", "system"), [
    ("25.9", None), ("26", "neonatal"), ("26.0", "neonatal"), ("41.29", "neonatal"), ("45", "neonatal"),
    ("45.1", None), ("59", None),
])  # fmt: skip
def test_postmenstrual_ages_of_sessions_as_the_dhcp_tells_them(tmp_path, age, system):
    found = dhcp(tmp_path, [("7201", age)], born="24.57").told("sub-1", "ses-7201")
    assert found.months == since_term(float(age)) and found.corrected and pick(found.months) == system
    assert found.source == f"scan_age {float(age):g} in sub-1_sessions.tsv"
    assert found.warnings == ("The unit of scan_age is not told in sub-1_sessions.tsv; it was taken for weeks.",)


def test_two_sessions_of_one_newborn(tmp_path):
    people = dhcp(tmp_path, [("a", "30.0"), ("b", "41.0"), ("c", "n/a")], born="29.5")
    assert [people.told("sub-1", f"ses-{each}").months for each in "ab"] == [since_term(30), since_term(41)]
    for each in "cd":
        assert people.told("sub-1", f"ses-{each}").unclear
    assert people.of("sub-1", "ses-a").age is None  # no age of norms


def test_a_unit_that_is_told_has_no_warning(tmp_path):
    people = dhcp(tmp_path, [("a", "289")], about={"scan_age": {"Units": "days"}})
    assert people.told("sub-1", "ses-a").months == since_term(289 / 7)
    assert people.told("sub-1", "ses-a").warnings == ()


@pytest.mark.parametrize(("born", "age", "reason"), [
    ("38.57", "35", "scan_age 35 in sub-1_sessions.tsv is less than birth_age 38.57 in participants.tsv"),
    ("38.57", "61", "the unit of scan_age is not told in sub-1_sessions.tsv, and 61 cannot be weeks"),
    ("38.57", "5", "the unit of scan_age is not told in sub-1_sessions.tsv, and 5 cannot be weeks"),
    ("38.57", "41+2", "scan_age '41+2' in sub-1_sessions.tsv is no number"),
    ("n/a", "41", "sub-1_sessions.tsv does not tell whether scan_age is from conception or birth"),
    ("38.57", "n/a", "birth_age 38.57 in participants.tsv is no age at the scan"),
])  # fmt: skip
def test_ages_of_newborns_that_are_not_clear(tmp_path, born, age, reason):
    found = dhcp(tmp_path, [("a", age)], born).told("sub-1", "ses-a")
    assert found.months is None and found.unclear and found.why_not == reason


def test_birth_alone_is_no_age(tmp_path):
    found = told(tmp_path, birth_age="38.57")
    assert found.unclear and found.why_not == "birth_age 38.57 in participants.tsv is no age at the scan"
    assert told(tmp_path, gestational_age="n/a").why_not == "participants.tsv has no column age"
    assert not told(tmp_path, gestational_age="n/a").unclear


@pytest.mark.parametrize("column", ["pma", "PMA", "postmenstrual_age"])
def test_columns_whose_names_tell_what_they_count_from(tmp_path, column):
    found = told(tmp_path, **{column: "38"})
    assert (found.months, found.warnings) == (since_term(38), (TAKEN.format(column),))
    assert told(tmp_path, {column: {"Units": "weeks"}}, **{column: "38"}).warnings == ()


@pytest.mark.parametrize(("cell", "others", "about", "reason"), [
    ("38", [("19.9",)], None, "the unit of pma is not told in participants.tsv, and 19.9 cannot be weeks"),
    ("38", [("266",)], None, "the unit of pma is not told in participants.tsv, and 266 cannot be weeks"),
    ("38 weeks", [], None, "pma '38 weeks' in participants.tsv is no number"),
    ("38", [], {"Units": "fortnights"}, "participants.tsv tells pma in 'fortnights', which is no unit known here"),
    ("38", [], {"Description": "weeks or days"},
     "participants.tsv tells pma in 'weeks days', which is no unit known here"),
    ("9", [], {"Units": "months"}, "participants.tsv does not tell whether pma is from conception or birth"),
    ("5", [], {"Units": "weeks", "Description": "since birth"},
     "pma 5 in participants.tsv is nobody's"),
    ("30", [], {"Units": "weeks", "Description": "since birth"},
     "participants.tsv does not tell whether pma is from conception or birth"),
    ("19", [], {"Units": "weeks"}, "pma 19 in participants.tsv is nobody's"),
])  # fmt: skip
def test_postmenstrual_ages_that_are_not_clear(tmp_path, cell, others, about, reason):
    found = told(tmp_path, {"pma": about} if about else None, others, pma=cell)
    assert found.months is None and found.unclear and found.why_not == reason


def test_codes_and_empty_cells_do_not_spoil_a_column(tmp_path):
    assert told(tmp_path, others=[("999",), ("n/a",)], pma="38").months == since_term(38)
    assert not told(tmp_path, others=[("38",)], pma="999").unclear


@pytest.mark.parametrize(("cell", "unit"), [("35", "years"), ("400", "months")])
def test_ages_of_adults_at_the_scan_are_read_as_before(tmp_path, cell, unit):
    found = told(tmp_path, {"scan_age": {"Units": unit}}, scan_age=cell)
    assert found.months is None and not found.unclear and found.why_not == "participants.tsv has no column age"


def test_an_age_at_the_scan_that_may_be_in_years_is_not_clear(tmp_path):
    assert told(tmp_path, scan_age="35").unclear
    assert told(tmp_path, {"scan_age": PMA}, scan_age="35").months == since_term(35)
    assert told(tmp_path, {"scan_age": {"Units": "weeks"}}, scan_age="35").unclear
    assert told(tmp_path, {"scan_age": {"Units": "weeks"}}, scan_age="35", birth_age="30").months == since_term(35)


@pytest.mark.parametrize(("unit", "cell", "months"), [
    ("days", "7", since_term(39)), ("weeks", "1", since_term(39)), ("months", "1", since_term(38) + 1),
    ("years", "0.5", since_term(38) + 6),
])  # fmt: skip
@pytest.mark.parametrize("column", ["birth_age", "gestational_age"])
def test_age_since_birth_is_corrected_by_the_gestational_age(tmp_path, column, unit, cell, months):
    about = {column: WEEKS, "age": {"Units": unit}}
    found = told(tmp_path, about, **{column: "38", "age": cell})
    assert found.months == pytest.approx(months, abs=1e-4) and found.corrected and found.warnings == ()
    assert found.source == f"age {cell} in participants.tsv, {column} 38 in participants.tsv"


def test_columns_of_months_are_corrected_too(tmp_path):
    found = told(tmp_path, {"birth_age": WEEKS}, birth_age="30", age_months="3")
    assert found.months == pytest.approx(since_term(30) + 3, abs=1e-4) and pick(found.months) == "neonatal"


@pytest.mark.parametrize(("born", "days", "system"), [
    ("25", "6", None), ("25", "7", "neonatal"), ("38", "49", "neonatal"), ("38", "50", None),
])  # fmt: skip
def test_boundaries_of_computed_ages(tmp_path, born, days, system):
    found = told(tmp_path, {"birth_age": WEEKS, "age": DAYS}, birth_age=born, age=days)
    assert found.months is not None and pick(found.months) == system


def test_a_gestational_age_without_a_unit_is_taken_for_weeks(tmp_path):
    found = told(tmp_path, {"age": DAYS}, gestational_age="38.5", age="14")
    assert found.months == since_term(40.5) and found.warnings == (TAKEN.format("gestational_age"),)


@pytest.mark.parametrize(("cell", "about", "reason"), [
    ("term", None, "birth_age 'term' in participants.tsv is no number"),
    ("46", None, "the unit of birth_age is not told in participants.tsv, and 46 cannot be weeks"),
    ("273", None, "the unit of birth_age is not told in participants.tsv, and 273 cannot be weeks"),
    ("46", WEEKS, "birth_age 46 in participants.tsv is nobody's"),
    ("9", {"Units": "months"}, "participants.tsv does not tell whether birth_age is from conception or birth"),
])  # fmt: skip
def test_gestational_ages_that_are_not_clear(tmp_path, cell, about, reason):
    found = told(tmp_path, {"birth_age": about or {}, "age": DAYS}, birth_age=cell, age="7")
    assert found.unclear and found.why_not == reason


@pytest.mark.parametrize(("age", "months"), [("23.9", since_term(30) + 23.9), ("24", 24), ("30", 30), ("31", 31)])
def test_ages_are_corrected_up_to_two_years(tmp_path, age, months):
    found = told(tmp_path, {"birth_age": WEEKS, "age": {"Units": "months"}}, birth_age="30", age=age)
    assert found.months == pytest.approx(months, abs=1e-4) and found.corrected == (float(age) < 24)


@pytest.mark.parametrize(("column", "cell"), [
    ("birth_age", "28.0"), ("gestational_age", "preterm"), ("pma", "40"), ("scan_age", "31"), ("birth_age", "273"),
])  # fmt: skip
@pytest.mark.parametrize("age", ["26", "2.5"])
def test_above_two_years_no_column_of_newborns_counts(tmp_path, column, cell, age):
    found = told(tmp_path, {"age": {"Units": "years"}}, age=age, **{column: cell})
    assert found.months == 12 * float(age) and found.warnings == () and not found.corrected


def test_sessions_of_an_adult_are_read_as_though_columns_of_newborns_did_not_exist(tmp_path):
    about = {"age": {"Units": "years"}}
    write(tmp_path / "participants.tsv", [("participant_id", "age", "birth_age"), ("sub-1", "31", "29")], about)
    write(tmp_path / "sub-1" / "sub-1_sessions.tsv", [("session_id", "scan_age"), ("ses-a", "31")])
    assert read_people(tmp_path / "participants.tsv", ["1"]).told("sub-1", "ses-a").months == 372


def test_an_infant_s_age_without_a_gestational_age_stays_as_it_is(tmp_path):
    found = told(tmp_path, {"age": {"Units": "months"}}, birth_age="n/a", age="5")
    assert (found.months, found.source, found.warnings) == (5, "age 5 in participants.tsv", ())


@pytest.mark.parametrize(("unit", "cell", "months"), [
    ("days", "0", 0), ("months", "1", 1), ("weeks", "9.9", 9.9 * 7 / 30.4375), ("months", "2.3", None),
    ("months", "3", None),
])  # fmt: skip
def test_newborns_of_whom_only_the_age_since_birth_is_told(tmp_path, unit, cell, months):
    found = told(tmp_path, {"age": {"Units": unit}}, age=cell)
    if months is None:
        assert not found.warnings and found.source == f"age {cell} in participants.tsv"
        return
    assert found.months == pytest.approx(months, abs=1e-4) and not found.corrected
    source = f"age {cell} in participants.tsv"
    assert found.source == f"{source}, as if born at term"
    assert found.warnings == (
        f"The age ({source}) counts from birth; birth at term, at 40 weeks, was taken for granted.",
    )


def test_postmenstrual_ages_of_the_column_age_assume_no_birth(tmp_path):
    found = told(tmp_path, {"age": PMA}, age="41")
    assert (found.months, found.warnings, found.corrected) == (since_term(41), (), True)
    assert found.source == "age 41 weeks from conception in participants.tsv"


@pytest.mark.parametrize("column", ["birth_age", "pma"])
def test_an_age_without_a_unit_is_no_adult_s_beside_one_from_conception(tmp_path, column):
    found = told(tmp_path, {column: {"Units": "weeks"}}, age="5", **{column: "38"})
    if column == "pma":
        assert found.months == since_term(38)
        return
    assert found.unclear and found.why_not == (
        "the unit of ages is not told in participants.tsv, and beside birth_age 38 in participants.tsv they may be "
        "days or weeks"
    )
    assert told(tmp_path, None, [("70", "n/a")], age="5", birth_age="38").months == 60  # a table of adults


@pytest.mark.parametrize(("about", "months"), [
    ({"Units": "weeks"}, None), ({"Units": "weeks", "Description": "since birth"}, since_term(41 + 38)),
    ({"Units": "weeks", "Description": "Chronological age"}, since_term(41 + 38)), (PMA, since_term(41)),
])  # fmt: skip
def test_an_age_that_may_be_from_conception_is_not_clear_beside_birth(tmp_path, about, months):
    found = told(tmp_path, {"age": about, "birth_age": WEEKS}, age="41", birth_age="38")
    assert (found.months, found.unclear) == (pytest.approx(months) if months else None, months is None)
    assert months or found.why_not == "participants.tsv does not tell whether ages are from conception or birth"


@pytest.mark.parametrize("column", ["age", "age_months"])
@pytest.mark.parametrize("words", ["Corrected age", "not corrected for prematurity", "Adjusted age"])
def test_an_age_that_may_be_corrected_is_not_corrected_again(tmp_path, column, words):
    about = {column: {"Units": "months", "Description": words}, "birth_age": WEEKS}
    found = told(tmp_path, about, **{column: "6", "birth_age": "30"})
    assert found.unclear and found.why_not == "participants.tsv does not tell whether ages are corrected"
    assert told(tmp_path, {column: about[column]}, **{column: "6"}).months == 6


def test_words_of_correction_do_not_make_an_age_one_from_conception(tmp_path):
    about = {"Units": "weeks", "Description": "Age, not corrected for gestation"}
    found = told(tmp_path, {"age": about}, age="30")
    assert found.unclear and found.why_not == "participants.tsv does not tell whether ages are from conception or birth"


@pytest.mark.parametrize(("about", "clear"), [
    ({"Units": "weeks", "Description": "Gestational age at MRI"}, True),
    ({"Units": "weeks", "Description": "Gestational age at birth, of those who had a scan"}, False),
    ({"Units": "weeks"}, False),
])  # fmt: skip
def test_a_gestational_age_may_be_that_at_the_scan(tmp_path, about, clear):
    found = told(tmp_path, {"gestational_age": about}, gestational_age="33")
    assert (found.months, found.unclear) == (since_term(33) if clear else None, not clear)


def test_a_gestational_age_of_a_session_has_to_be_described(tmp_path):
    header, row = "session_id\tage\tgestational_age", [("a", "20", "38")]
    found = dhcp(tmp_path, row, "n/a", header, {"age": DAYS}).told("sub-1", "ses-a")
    assert found.unclear and found.why_not == (
        "sub-1_sessions.tsv does not tell whether gestational_age is that at birth or at the scan"
    )
    found = dhcp(tmp_path, row, "n/a", header, {"age": DAYS, "gestational_age": WEEKS}).told("sub-1", "ses-a")
    assert found.months == pytest.approx(since_term(38 + 20 / 7))


def test_age_since_birth_of_a_session_and_birth_of_the_table_of_participants(tmp_path):
    found = dhcp(tmp_path, [("a", "14")], "38.0", "session_id\tage", {"age": DAYS}).told("sub-1", "ses-a")
    assert found.months == since_term(40)
    assert found.source == "age 14 in sub-1_sessions.tsv, birth_age 38 in participants.tsv"


def test_tables_that_contradict_each_other(tmp_path):
    header, about = "session_id\tage\tbirth_age", {"age": DAYS, "birth_age": WEEKS}
    found = dhcp(tmp_path, [("a", "14", "30")], "38.0", header, about).told("sub-1", "ses-a")
    assert found.why_not == "birth_age 30 in sub-1_sessions.tsv and birth_age 38 in participants.tsv do not agree"
    found = told(tmp_path, {"pma": PMA, "age": {"Units": "months"}}, pma="41", age="9")
    assert found.unclear and found.why_not == "pma 41 in participants.tsv and age 9 in participants.tsv do not agree"
    found = told(tmp_path, {"age": PMA, "birth_age": WEEKS}, age="33", birth_age="38")
    assert found.why_not.endswith("in participants.tsv is less than birth_age 38 in participants.tsv")


@pytest.mark.parametrize("rows", [[("30", "35"), ("30", "41")], [("30", "35"), ("38", "41")]])
def test_newborns_with_two_rows_are_not_clear(tmp_path, rows):
    table = [("participant_id", "birth_age", "scan_age"), *(("sub-1", *row) for row in rows)]
    write(tmp_path / "participants.tsv", table)
    found = read_people(tmp_path / "participants.tsv").told("sub-1")
    assert found.unclear and found.why_not == "sub-1 has two rows that differ in participants.tsv"


def test_a_birth_that_two_rows_tell_differently_is_none(tmp_path):
    table = [("participant_id", "birth_age"), ("sub-1", "30"), ("sub-1", "38")]
    write(tmp_path / "participants.tsv", table)
    write(tmp_path / "sub-1" / "sub-1_sessions.tsv", [("session_id", "age"), ("a", "14")], {"age": DAYS})
    found = read_people(tmp_path / "participants.tsv", ["1"]).told("sub-1", "ses-a")
    assert found.unclear and found.why_not == "sub-1 has two rows that differ in participants.tsv"


def test_a_column_that_is_clear_is_taken_whatever_others_tell(tmp_path):
    about = {"scan_age": {"Units": "weeks", "Description": "Age since birth"}, "pma": PMA}
    found = told(tmp_path, about, scan_age="4", pma="40")
    assert found.months == since_term(40)
    assert found.warnings == ("Left aside: scan_age 4 in participants.tsv is nobody's.",)
    clear = told(tmp_path, {"pma": PMA, "birth_age": WEEKS}, scan_age="44", birth_age="30", pma="40")
    assert clear.months == since_term(40) and not clear.warnings  # the unit of the other one would be a guess


def test_two_columns_of_births_that_differ_are_not_clear(tmp_path):
    about = {"age": DAYS, "birth_age": WEEKS, "gestational_age": WEEKS}
    found = told(tmp_path, about, age="14", birth_age="30", gestational_age="39")
    assert found.unclear and "birth_age 30" in found.why_not and "gestational_age 39" in found.why_not
