import json
import math
import re

import numpy as np
import pytest

from cerebbids.bids.people import Person
from cerebbids.errors import UsageError
from cerebbids.norms.lookup import Bound, place
from cerebbids.norms.table import Curve, Norms, read_norms, write_norms

WOMAN, MAN = Person(35.0, "female"), Person(35.0, "male")
HEADER = "structure\tmeasure\tunit\tsex\tage\tn\tp1\tp5\tp5_low\tp5_high\tp50\tp95\tp99"
ROWS = (
    "VI\tvolume_mm3\tmm^3\tfemale\t30\t120\t900\t1000\t980\t1020\t1200\t1400\t1500",
    "VI\tvolume_mm3\tmm^3\tfemale\t40\t120\t800\t900\t870\t930\t1100\t1300\t1400",
    "VI\tvolume_mm3\tmm^3\tfemale\t50\t120\tn/a\tn/a\tn/a\tn/a\tn/a\tn/a\tn/a",
    "VI\tvolume_mm3\tmm^3\tfemale\t60\t120\tn/a\t800\tn/a\tn/a\t1000\t1200\tn/a",
    "X\tvolume_mm3\tcm^3\tboth\t20\t50\t0.4\t0.5\tn/a\tn/a\t0.6\t0.7\t0.8",
    "X\tvolume_mm3\tcm^3\tboth\t80\t50\t0.4\t0.5\tn/a\tn/a\t0.6\t0.7\t0.8",
    "X\ticv_percent\t%\tfemale\t20\t50\t0.03\t0.04\tn/a\tn/a\t0.05\t0.06\t0.07",
    "X\ticv_percent\t%\tfemale\t80\t50\t0.03\t0.04\tn/a\tn/a\t0.05\t0.06\t0.07",
)


def write(path, rows=ROWS, header=HEADER, sidecar=None):
    path.write_text("\n".join([header, *rows]) + "\n")
    told = {"Scheme": "Lobules", "Source": "Some people"} if sidecar is None else sidecar
    path.with_suffix(".json").write_text(json.dumps(told))
    return path


@pytest.fixture
def norms(tmp_path):
    return read_norms(write(tmp_path / "norms.tsv"))


def test_bounds_their_uncertainty_and_the_centile(norms):
    found = place(norms, "VI", "volume_mm3", 1150.0, WOMAN, "Lobules")
    assert found.lower == Bound(950, 925, 975) and found.upper == Bound(1350, None, None)
    assert (found.centile, found.text, found.n, found.source, found.why) == (
        pytest.approx(50), "50", 120, "Some people", "",
    )  # fmt: skip


def test_centile_between_two_is_by_normal_quantiles(norms):
    found = place(norms, "VI", "volume_mm3", 1250.0, WOMAN, "Lobules")  # half way from 50 to 95
    assert found.centile == pytest.approx(100 * 0.5 * (1 + math.erf(1.644854 / 2 / math.sqrt(2))), abs=1e-3)


@pytest.mark.parametrize(("value", "centile", "text"), [
    (849.0, None, "below 1"), (1451.0, None, "above 99"), (950.0, 5, "5"), (1350.0, 95, "95"), (850.0, 1, "1"),
])  # fmt: skip
def test_beyond_the_outermost_centiles_no_number_is_made_up(norms, value, centile, text):
    found = place(norms, "VI", "volume_mm3", value, WOMAN, "Lobules")
    assert found.text == text and found.centile == (None if centile is None else pytest.approx(centile))
    assert found.lower and found.why == ""


@pytest.mark.parametrize(("structure", "measure", "person", "scheme", "why"), [
    ("VI", "volume_mm3", Person(29.0, "female"), "Lobules", "outside of the norms' 30 to 60"),
    ("VI", "volume_mm3", Person(61.0, "female"), "Lobules", "outside of the norms' 30 to 60"),
    ("VI", "volume_mm3", Person(55.0, "female"), "Lobules", "too few people near the age of 55 years"),
    ("VI", "volume_mm3", MAN, "Lobules", "nobody who is male"),
    ("VI", "volume_mm3", Person(None, "female", "age 'x' is no number"), "Lobules", "age 'x' is no number"),
    ("VI", "volume_mm3", Person(35.0, None, "", "sex 'O' is neither"), "Lobules", "sex 'O' is neither"),
    ("Thalamus", "volume_mm3", WOMAN, "Lobules", "do not have the volume of this region"),
    ("VI", "icv_percent", WOMAN, "Lobules", "do not have the percentage of the cavity of this"),
    ("VI", "volume_mm3", WOMAN, "DeepCERES", "the norms are of seg-Lobules, the value is of seg-DeepCERES"),
])  # fmt: skip
def test_what_cannot_be_told_has_a_reason(norms, structure, measure, person, scheme, why):
    found = place(norms, structure, measure, 1150.0, person, scheme)
    assert why in found.why and (found.lower, found.upper, found.centile, found.text) == (None, None, None, "n/a")


def test_no_cavity_no_centile_but_bounds(norms):
    found = place(norms, "X", "icv_percent", None, WOMAN, "Lobules")
    assert found.lower.value == 0.04 and found.text == "n/a" and "intracranial cavity is not known" in found.why
    assert place(norms, "X", "volume_mm3", math.nan, WOMAN, "Lobules").why == "the value is not known"


@pytest.mark.parametrize("person", [WOMAN, MAN, Person(35.0, None, "", "no sex")])
def test_norms_of_both_sexes_are_for_everybody(norms, person):
    found = place(norms, "X", "volume_mm3", 600.0, person, "Lobules")  # the table is in cm3
    assert found.lower.value == 500 and found.centile == pytest.approx(50)


def test_ages_at_the_ends_and_rows(norms):
    assert place(norms, "VI", "volume_mm3", 1100.0, Person(40.0, "female"), "Lobules").centile == pytest.approx(50)
    assert place(norms, "VI", "volume_mm3", 1200.0, Person(30.0, "female"), "Lobules").centile == pytest.approx(50)
    found = place(norms, "VI", "volume_mm3", 1000.0, Person(60.0, "female"), "Lobules")
    assert found.centile == pytest.approx(50) and found.lower == Bound(800)


def test_lms_parameters(tmp_path):
    header = "structure\tmeasure\tunit\tsex\tage\tn\tl\tm\ts"
    rows = ("VI\tvolume_mm3\tcm^3\tfemale\t30\t9\t1\t6\t0.1", "VI\tvolume_mm3\tcm^3\tfemale\t40\t9\t1\t6\t0.1",
            "VI\tvolume_mm3\tcm^3\tmale\t30\t9\t0\t6\t0.1", "VI\tvolume_mm3\tcm^3\tmale\t40\t9\t0\t6\t0.1")  # fmt: skip
    norms = read_norms(write(tmp_path / "norms.tsv", rows, header))
    woman, man = (place(norms, "VI", "volume_mm3", 6500.0, person, "Lobules") for person in (WOMAN, MAN))
    assert woman.lower.value == pytest.approx(6000 * (1 - 0.1 * 1.644854), abs=0.1)
    assert woman.lower.low is None and woman.lower.high is None
    z = (6.5 / 6 - 1) / 0.1
    assert woman.centile == pytest.approx(50 * (1 + math.erf(z / math.sqrt(2))), abs=1e-6)
    assert man.upper.value == pytest.approx(6000 * math.exp(0.1 * 1.644854), abs=0.1)


def test_lms_has_no_centiles_where_its_formula_has_none(tmp_path):
    header, row = "structure\tmeasure\tunit\tsex\tage\tn\tl\tm\ts", "VI\tvolume_mm3\tmm^3\tfemale\t{}\t9\t0.5\t6000\t1"
    norms = read_norms(write(tmp_path / "norms.tsv", [row.format(age) for age in (30, 40)], header))
    low = norms.curves["VI", "volume_mm3", "female"].values[0]
    assert np.isnan(low[0]) and np.isfinite(low[2:]).all()  # 1 % lies at z = -2.33, where 1 + 0.5 z is below 0


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("VI\tvolume_mm3\tmm^3\tfemale\t30\t0\t1000\t1200", "nobody"),
        ("VI\tvolume_mm3\tmm^3\tfemale\t30\t9\t4\t5", "its VI has 4.5 mm^3"),
        ("Cerebellum\tvolume_mm3\tmm^3\tfemale\t30\t9\t100\t150", "its Cerebellum has 125 mm^3"),
        ("Cerebellum\tvolume_mm3\tcm^3\tfemale\t30\t9\t100000\t150000", "which nobody has"),
    ],
)
def test_numbers_that_nobody_has_are_refused(tmp_path, row, reason):
    header = "structure\tmeasure\tunit\tsex\tage\tn\tp5\tp95"
    with pytest.raises(UsageError, match=re.escape(reason)):
        read_norms(write(tmp_path / "norms.tsv", [row], header))


def test_centile_outside_of_its_interval_is_refused(tmp_path):
    header = "structure\tmeasure\tunit\tsex\tage\tn\tp5\tp5_low\tp5_high\tp95"
    row = "VI\tvolume_mm3\tmm^3\tfemale\t30\t9\t1000\t1100\t1200\t1300"
    with pytest.raises(UsageError, match="outside of its interval"):
        read_norms(write(tmp_path / "norms.tsv", [row], header))


def test_centiles_beside_the_bounds_make_none(tmp_path):
    header = "structure\tmeasure\tunit\tsex\tage\tn\tp3\tp97"
    rows = [f"VI\tvolume_mm3\tmm^3\tfemale\t{age}\t9\t1000\t1300" for age in (30, 40)]
    found = place(read_norms(write(tmp_path / "norms.tsv", rows, header)), "VI", "volume_mm3", 1150.0, WOMAN, "Lobules")
    assert found.lower is None and found.text == "50" and found.why == "the norms do not have the centiles 5 and 95"


def test_marks_and_line_ends_of_windows(tmp_path):
    path = write(tmp_path / "norms.tsv")
    for file in (path, path.with_suffix(".json")):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    assert place(read_norms(path), "VI", "volume_mm3", 1150.0, WOMAN, "Lobules").text == "50"


def test_months(tmp_path):
    sidecar = {"Scheme": "Lobules", "age": {"Units": "months"}}
    norms = read_norms(write(tmp_path / "norms.tsv", sidecar=sidecar))
    assert place(norms, "VI", "volume_mm3", 1150.0, Person(35 / 12, "female"), "Lobules").centile == pytest.approx(50)
    assert norms.source == "not told"


def test_written_and_read(tmp_path):
    ages, levels = np.array([20.0, 30.0]), (5.0, 50.0, 95.0)
    values = np.array([[1.0, 2, 3], [np.nan, np.nan, np.nan]])
    curve = Curve(ages, levels, values, values - 0.5, values + 0.5, np.array([40, 40]))
    norms = Norms("DeepCERES", "Some people", {("VI", "asymmetry_percent", "female"): curve})
    write_norms(norms, tmp_path / "norms.tsv", {"N": {"female": 40}})
    again = read_norms(tmp_path / "norms.tsv")
    found = again.curves["VI", "asymmetry_percent", "female"]
    assert (again.scheme, again.source) == ("DeepCERES", "Some people")
    for name in ("values", "low", "high"):
        kept = getattr(found, name)[:, [found.levels.index(level) for level in levels]]
        assert np.array_equal(kept, getattr(curve, name), equal_nan=True)
    assert np.isnan(found.values).sum() == found.values.size - 3 and found.n.tolist() == [40, 40]
    described = json.loads((tmp_path / "norms.json").read_text())
    assert described["N"] == {"female": 40} and described["age"]["Units"] == "year"
    assert set((tmp_path / "norms.tsv").read_text().splitlines()[0].split("\t")) <= described.keys()


@pytest.mark.parametrize(("rows", "header", "sidecar", "reason"), [
    ((), HEADER, None, "has no rows"),
    (("VI\t1",), "structure\tage", None, "no column measure"),
    ((ROWS[0],), HEADER, {}, "tells no Scheme"),
    ((ROWS[0],), HEADER, {"Scheme": "Lobules", "age": {"Units": "moons"}}, "tells ages in 'moons'"),
    ((ROWS[0],), HEADER, {"Scheme": "Lobules", "age": {"Units": "weeks", "Description": "Postmenstrual age"}},
     "tells ages from conception"),
    ((ROWS[0], ROWS[0]), HEADER, None, "two rows for an age"),
    ((ROWS[0].replace("\t1200\t", "\t1600\t"),), HEADER, None, "centiles of VI cross"),
    ((ROWS[0].replace("mm^3", "litres"),), HEADER, None, "unit 'litres' of VI"),
    ((ROWS[0].replace("mm^3", "%"),), HEADER, None, "unit '%' of VI"),
    ((ROWS[0].replace("female", "women"),), HEADER, None, "sex or measure is none"),
    ((ROWS[0].replace("\t1500", ""),), HEADER, None, "a cell is missing or too many"),
    ((ROWS[0].replace("1200", "many"),), HEADER, None, "is damaged"),
    ((ROWS[0].replace("\t120\t", "\tinf\t"),), HEADER, None, "is damaged"),
    (("VI\tvolume_mm3\tmm^3\tfemale\t30\t9",), "structure\tmeasure\tunit\tsex\tage\tn", None, "neither columns p5"),
])  # fmt: skip
def test_broken_tables_are_told(tmp_path, rows, header, sidecar, reason):
    path = write(tmp_path / "norms.tsv", rows, header, sidecar)
    with pytest.raises(UsageError, match=reason) as told:
        read_norms(path)
    assert "norms." in str(told.value) and "\n" not in str(told.value)


def test_sidecar_that_lacks(tmp_path):
    path = write(tmp_path / "norms.tsv")
    path.with_suffix(".json").unlink()
    with pytest.raises(UsageError, match="has no norms.json beside it"):
        read_norms(path)


def test_centiles_named_with_noughts(tmp_path):
    norms = read_norms(write(tmp_path / "norms.tsv", header=HEADER.replace("p5", "p05", 3)))
    found = place(norms, "VI", "volume_mm3", 1150.0, WOMAN, "Lobules")
    assert found.lower == Bound(950, 925, 975)


def test_larger_values_have_higher_centiles(norms):
    found = [place(norms, "VI", "volume_mm3", float(x), WOMAN, "Lobules").centile for x in range(850, 1451, 10)]
    assert (np.diff(found) > 0).all() and found[0] == pytest.approx(1) and found[-1] == pytest.approx(99)


def test_damaged_tables_never_crash(tmp_path):
    path = write(tmp_path / "norms.tsv")
    whole, rng, refused = path.read_bytes(), np.random.default_rng(0), 0
    for _ in range(60):
        damaged = bytearray(whole[: rng.integers(1, len(whole) + 1)])
        for byte in rng.integers(0, len(damaged), 3):
            damaged[byte] = rng.choice([9, 10, 32, 45, 46, 48, 65, 200])
        path.write_bytes(damaged)
        try:
            found = place(read_norms(path), "VI", "volume_mm3", 1150.0, WOMAN, "Lobules")
            assert found.why or found.lower
        except UsageError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused
