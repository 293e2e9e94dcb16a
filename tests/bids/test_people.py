import json

import numpy as np
import pytest

from cerebbids.bids.people import Person, read_people, told_once
from cerebbids.errors import UsageError


def dataset(root, rows, header="participant_id\tage\tsex", sidecar=None):
    root.mkdir(exist_ok=True)
    table = root / "participants.tsv"
    table.write_text("\n".join([header, *rows]) + "\n")
    if sidecar is not None:
        table.with_suffix(".json").write_text(json.dumps(sidecar))
    return table


def sessions(root, rows, participant="sub-1", header="session_id\tage", sidecar=None):
    folder = root / participant
    folder.mkdir()
    table = folder / f"{participant}_sessions.tsv"
    table.write_text("\n".join([header, *rows]) + "\n")
    if sidecar is not None:
        table.with_suffix(".json").write_text(json.dumps(sidecar))


@pytest.mark.parametrize(("unit", "age", "years"), [
    ("years", "24", 24), ("year", "24", 24), ("Y", "24", 24), ("yrs", "24.5", 24.5), ("a", "7", 7),
    ("months", "24", 2), ("mo", "6", 0.5), ("weeks", "52", 52 * 7 / 365.25), ("wk.", "1", 7 / 365.25),
    ("days", "365.25", 1), ("d", "0", 0),
])  # fmt: skip
def test_units_of_ages(tmp_path, unit, age, years):
    people = read_people(dataset(tmp_path, [f"sub-1\t{age}\tF"], sidecar={"age": {"Units": unit}}))
    assert people.of("sub-1").age == pytest.approx(years) and people.warnings == ()


def test_no_unit_is_years_with_a_warning(tmp_path):
    people = read_people(dataset(tmp_path, ["sub-1\t24\tF"]))
    assert people.of("sub-1") == Person(24, "female")
    assert "taken for years" in people.warnings[0] and len(people.warnings) == 1


def test_what_cannot_be_years_makes_no_age(tmp_path):
    people = read_people(dataset(tmp_path, ["sub-1\t24\tF", "sub-2\t216\tM"]))
    for name in ("sub-1", "sub-2"):
        assert people.of(name).age is None and "216 cannot be years" in people.of(name).why_no_age
    assert '{"age": {"Units": "months"}}' in people.warnings[0]


def test_codes_of_missing_ages_do_not_spoil_the_others(tmp_path):
    people = read_people(dataset(tmp_path, ["sub-1\t24\tF", "sub-2\t999\tM"]))
    assert (
        people.of("sub-1").age == 24
        and people.of("sub-2").why_no_age == "age '999' in participants.tsv is taken for a missing one"
    )


@pytest.mark.parametrize(("cell", "reason"), [
    ("n/a", "no age in participants.tsv"), ("", "no age in participants.tsv"), ("nan", "no age in participants.tsv"),
    ("89+", "age '89+' in participants.tsv is no number"), ("23,5", "age '23,5' in participants.tsv is no number"),
    ("old", "age 'old' in participants.tsv is no number"), ("-3", "age '-3' in participants.tsv is nobody's"),
    ("121", "age '121' in participants.tsv is nobody's"), ("inf", "age 'inf' in participants.tsv is no number"),
])  # fmt: skip
def test_nonsense_ages_have_a_reason(tmp_path, cell, reason):
    person = read_people(dataset(tmp_path, [f"sub-1\t{cell}\tF"], sidecar={"age": {"Units": "years"}})).of("sub-1")
    assert person == Person(None, "female", reason)


@pytest.mark.parametrize("told", [
    {"Units": "weeks", "Description": "postmenstrual age at scan"}, {"Units": "gestational weeks"},
    {"Units": "weeks", "LongName": "PMA"}, {"Units": "weeks", "Description": "Post-menstrual"},
])  # fmt: skip
def test_ages_from_conception_are_none_from_birth(tmp_path, told):
    person = read_people(dataset(tmp_path, ["sub-1\t40\tF"], sidecar={"age": told})).of("sub-1")
    assert person.age is None and "from conception" in person.why_no_age


def test_unknown_unit(tmp_path):
    person = read_people(dataset(tmp_path, ["sub-1\t40\tF"], sidecar={"age": {"Units": "fortnights"}})).of("sub-1")
    assert person.age is None and "'fortnights', which is no unit known here" in person.why_no_age


@pytest.mark.parametrize(("cell", "sex"), [
    ("F", "female"), ("f", "female"), ("female", "female"), ("M", "male"), ("MALE", "male"), (" m ", "male"),
    ("O", None), ("other", None), ("n/a", None), ("", None), ("1", None), ("woman?", None),
])  # fmt: skip
def test_sexes(tmp_path, cell, sex):
    person = read_people(dataset(tmp_path, [f"sub-1\t24\t{cell}"])).of("sub-1")
    assert person.sex == sex and bool(person.why_no_sex) == (sex is None)


def test_numbers_of_sexes_by_their_levels(tmp_path):
    sidecar = {"sex": {"Levels": {"1": "male", "2": "Female", "3": "other"}}}
    people = read_people(dataset(tmp_path, ["sub-1\t24\t1", "sub-2\t24\t2", "sub-3\t24\t3"], sidecar=sidecar))
    assert [people.of(f"sub-{k}").sex for k in (1, 2, 3)] == ["male", "female", None]


def test_gender_is_told(tmp_path):
    people = read_people(dataset(tmp_path, ["sub-1\t24\tF"], header="participant_id\tage\tgender"))
    assert people.of("sub-1").sex == "female" and any("gender is taken" in line for line in people.warnings)


def test_columns_that_lack(tmp_path):
    person = read_people(dataset(tmp_path, ["sub-1"], header="participant_id")).of("sub-1")
    assert person.why_no_age == "participants.tsv has no column age"
    assert person.why_no_sex == "participants.tsv has no column sex"


def test_short_lines_and_strangers(tmp_path):
    people = read_people(dataset(tmp_path, ["sub-1", "2\t30\tM"]))
    assert people.of("sub-1").age is None and people.of("sub-1").sex is None
    assert people.of("sub-2").age == 30  # a label without its prefix
    assert people.of("sub-9").why_no_age == "sub-9 is not in participants.tsv"


def test_two_rows_that_differ(tmp_path):
    people = read_people(dataset(tmp_path, ["sub-1\t24\tF", "sub-1\t25\tF", "sub-2\t24\tF", "sub-2\t24\tF"]))
    assert people.of("sub-1").age is None and "two rows" in people.of("sub-1").why_no_sex
    assert people.of("sub-2") == Person(24, "female")


def test_two_rows_of_a_session_that_differ(tmp_path):
    sidecar = {"age": {"Units": "years"}}
    table = dataset(tmp_path, ["sub-1\tF"], header="participant_id\tsex")
    sessions(tmp_path, ["ses-a\t18", "ses-a\t19", "ses-b\t20", "ses-b\t20"], sidecar=sidecar)
    people = read_people(table)
    assert people.of("sub-1", "ses-b").age == 20
    assert people.of("sub-1", "ses-a") == Person(None, "female", "ses-a has two rows that differ in sub-1_sessions.tsv")


@pytest.mark.parametrize(("described", "age"), [
    ("Age in months", None), ("Age at scan, weeks", None), ("Age in years on the day of the scan", 24), ("Age", 24),
])  # fmt: skip
def test_units_that_only_the_description_tells(tmp_path, described, age):
    people = read_people(dataset(tmp_path, ["sub-1\t24\tF"], sidecar={"age": {"Description": described}}))
    assert people.of("sub-1").age == age and len(people.warnings) == 1
    assert age or "their description speaks of" in people.of("sub-1").why_no_age


def test_marks_and_line_ends_of_windows(tmp_path):
    table = dataset(tmp_path, ["sub-1\t24\tF"], sidecar={"age": {"Units": "months"}})
    for path in (table, table.with_suffix(".json")):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_people(table).of("sub-1") == Person(2.0, "female")


def test_a_cell_that_is_half_of_the_table_is_cut(tmp_path):
    person = read_people(dataset(tmp_path, ['sub-1\t"24\tF', *(f"sub-{k}\t30\tM" for k in range(2, 50))])).of("sub-1")
    assert person.age is None and len(person.why_no_age) < 80


def test_few_reasons_are_listed():
    assert told_once(f"sub-{k} is not there" for k in range(50)).endswith("1: sub-4 is not there; 45 other reasons")


def test_age_at_a_session_is_never_that_of_another_time(tmp_path):
    table = dataset(tmp_path, ["sub-1\t24\tF"], sidecar={"age": {"Units": "years"}})
    sessions(tmp_path, ["ses-a\t18", "b\tn/a"], sidecar={"age": {"Units": "months"}})
    people = read_people(table)
    assert people.of("sub-1", "ses-a") == Person(1.5, "female")
    assert people.of("sub-1", "ses-a").age_from == "sub-1_sessions.tsv"
    assert people.of("sub-1", "ses-b") == Person(None, "female", "no age in sub-1_sessions.tsv")
    assert people.of("sub-1", "ses-c") == Person(None, "female", "ses-c is not in sub-1_sessions.tsv")
    assert people.of("sub-1").age == 24 and people.of("sub-1").age_from == "participants.tsv"


def test_age_of_a_participant_without_a_table_of_sessions_holds_for_all(tmp_path):
    people = read_people(dataset(tmp_path, ["sub-1\t24\tF"], sidecar={"age": {"Units": "years"}}))
    assert people.of("sub-1", "ses-b").age == 24


@pytest.mark.parametrize("ages", [["ses-a\t6", "ses-b\t12"], ["ses-a\t30"]])
def test_ages_at_sessions_without_a_unit_are_not_taken(tmp_path, ages):
    table = dataset(tmp_path, ["sub-1\t6\tF"], sidecar={"age": {"Units": "months"}})
    sessions(tmp_path, ages)
    people = read_people(table)
    assert people.of("sub-1", "ses-a") == Person(None, "female", "sub-1_sessions.tsv does not tell the unit of ages")
    assert any("sub-1_sessions.json" in line for line in people.warnings)


def test_only_the_tables_of_those_asked_for_are_read(tmp_path):
    table = dataset(tmp_path, ["sub-1\t24\tF", "sub-2\t30\tM"], sidecar={"age": {"Units": "years"}})
    for who in ("sub-1", "sub-2"):
        sessions(tmp_path, ["ses-a\t18"], participant=who, sidecar={"age": {"Units": "months"}})
    people = read_people(table, ["2"])
    assert people.of("sub-1", "ses-a").age == 24 and people.of("sub-2", "ses-a").age == 1.5


def test_age_at_a_session_alone(tmp_path):
    table = dataset(tmp_path, ["sub-1\tF"], header="participant_id\tsex")
    sessions(tmp_path, ["ses-a\t18", "ses-b\tsoon"], sidecar={"age": {"Units": "months"}})
    people = read_people(table)
    assert people.of("sub-1", "ses-a") == Person(1.5, "female", "", "")
    assert people.of("sub-1", "ses-b").why_no_age == "age 'soon' in sub-1_sessions.tsv is no number"
    assert people.of("sub-1", "ses-c").why_no_age == "ses-c is not in sub-1_sessions.tsv"
    assert people.of("sub-1").why_no_age == "participants.tsv has no column age"


def test_unit_of_sessions_by_the_sidecar_at_the_root(tmp_path):
    table = dataset(tmp_path, ["sub-1\tF"], header="participant_id\tsex")
    sessions(tmp_path, ["ses-a\t18"])
    (tmp_path / "sessions.json").write_text('{"age": {"Units": "months"}}')
    assert read_people(table).of("sub-1", "ses-a").age == 1.5


def test_no_table_is_nobody(tmp_path):
    assert read_people(tmp_path / "participants.tsv").of("sub-1").why_no_age == "sub-1 is not in participants.tsv"


@pytest.mark.parametrize(("content", "sidecar", "reason"), [
    (b"name\tage\nsub-1\t2\n", None, "has no column participant_id"), (b"", None, "has no column participant_id"),
    (b"\xff\xfe\x00", None, "is no table"), (b"participant_id\tage\nsub-1\t2\n", "{", "is no JSON"),
])  # fmt: skip
def test_broken_tables_are_told(tmp_path, content, sidecar, reason):
    (tmp_path / "participants.tsv").write_bytes(content)
    if sidecar:
        (tmp_path / "participants.json").write_text(sidecar)
    with pytest.raises(UsageError, match=reason):
        read_people(tmp_path / "participants.tsv")


def test_a_broken_table_of_sessions_is_a_warning(tmp_path):
    table = dataset(tmp_path, ["sub-1\t24\tF"])
    (tmp_path / "sub-1").mkdir()
    (tmp_path / "sub-1" / "sub-1_sessions.tsv").write_bytes(b"\xff\xfe\x00")
    people = read_people(table)
    assert people.of("sub-1", "ses-a").age == 24 and any("is no table" in line for line in people.warnings)


@pytest.mark.parametrize(("header", "rows", "sidecar"), [
    ("participant_id\tage\tsex", ["sub-1\t24\tF", "sub-2\t30\tM"], {"age": {"Units": "years"}}),
    ("participant_id\tage\tpma\tbirth_age", ["sub-1\t9\t41\t38", "sub-2\t0\t30\t29"], {"age": {"Units": "days"}}),
])  # fmt: skip
def test_damaged_tables_never_crash(tmp_path, header, rows, sidecar):
    table = dataset(tmp_path, rows, header, sidecar)
    whole, rng = table.read_bytes(), np.random.default_rng(0)
    for _ in range(100):
        damaged = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for place in rng.integers(0, len(damaged), 3):
            damaged[place] = rng.choice([9, 10, 32, 34, 45, 46, 65, 200])
        table.write_bytes(damaged)
        try:
            people = read_people(table)
        except UsageError:
            continue
        person, told = people.of("sub-1"), people.told("sub-1")
        assert (told.months is None) == bool(told.why_not)
        assert (person.age is None) == bool(person.why_no_age) and (person.sex is None) == bool(person.why_no_sex)


@pytest.mark.parametrize("sidecar", [[], {"age": "years"}, {"age": {"Units": None}}, {"sex": {"Levels": ["F"]}}])
def test_sidecars_of_another_shape(tmp_path, sidecar):
    person = read_people(dataset(tmp_path, ["sub-1\t24\tF"], sidecar=sidecar)).of("sub-1")
    assert person.sex == "female" and (person.age == 24 or person.why_no_age)
