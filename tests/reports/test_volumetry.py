import json

import numpy as np
import pandas as pd
import pytest

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.bids.people import Person
from cerebbids.data.labels import load_scheme
from cerebbids.norms.table import read_norms
from cerebbids.reports.volumetry import Reference, read_volumetry

from .test_volumes import write_table

PERSON = Person(30.0, "female")


def norms_table(path, *bounds, scheme=COMPARTMENTS, n=50):
    """Norms at 20 and 40 years: (structure, measure, unit, p5, p95) each, with intervals of 2 beside them."""
    rows = []
    for structure, measure, unit, low, high in bounds:
        for age in (20, 40):
            row = {"structure": structure, "measure": measure, "unit": unit, "sex": "both", "age": age, "n": n}
            for level, value in ((5, low), (50, (low + high) / 2), (95, high)):
                row |= {f"p{level}": value, f"p{level}_low": value - 1, f"p{level}_high": value + 1}
            rows.append(row)
    pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
    path.with_suffix(".json").write_text(json.dumps({"Scheme": scheme, "Source": "Somebody"}))
    return read_norms(path)


def table(tmp_path, cavity="1000000"):
    """Left lobules of 2 cm3, right ones of 4, and a cavity of a litre."""
    path = write_table(tmp_path / "morph.tsv", lambda label: 2000 if label.hemisphere == "left" else 4000)
    with path.open("a") as file:
        file.write(f"n/a\tIntracranial cavity\tboth\tn/a\t1\t{cavity}\n")
    return path


def rows(volumetry):
    return {row.region.name: row for row in volumetry.rows}


def test_every_side_is_held_against_its_own_norms(tmp_path):
    norms = norms_table(
        tmp_path / "norms.tsv",
        ("Left VI", "volume_mm3", "mm^3", 2500, 3500),
        ("Right VI", "volume_mm3", "cm^3", 3.5, 4.5),
        ("VI", "volume_mm3", "mm^3", 1000, 5000),
        ("Right VI", "icv_percent", "%", 0.1, 0.3),
        ("VI", "asymmetry_percent", "%", -10, 10),
    )
    vi = rows(read_volumetry(table(tmp_path), COMPARTMENTS, Reference(norms, PERSON)))["VI"]
    assert (vi.left.cm3.value, vi.right.cm3.value, vi.total.cm3.value) == (2, 4, 6)
    assert (vi.left.cm3.place.lower.value, vi.left.cm3.place.upper.value) == (2.5, 3.5)
    assert vi.left.cm3.place.lower.high - vi.left.cm3.place.lower.low == pytest.approx(0.002)
    assert vi.left.cm3.outside and vi.total.cm3.outside and not vi.right.cm3.outside
    assert vi.right.percent.value == pytest.approx(0.4) and vi.right.percent.outside
    assert vi.asymmetry.value == pytest.approx(200 / 3) and vi.asymmetry.outside
    assert vi.left.percent.place.lower is None and not vi.left.percent.outside


@pytest.mark.parametrize(
    ("region", "structures"),
    [
        ("Total", ("Cerebellum", "Left cerebellum", "Right cerebellum")),
        ("Grey matter", ("Grey matter", "Left grey matter", "Right grey matter")),
        ("White matter", ("White matter", "Left white matter", "Right white matter")),
        ("I-IV", ("I-IV", "Left I-IV", "Right I-IV")),
    ],
)
def test_sums_have_the_names_of_the_table(tmp_path, region, structures):
    norms = norms_table(
        tmp_path / "norms.tsv", *((name, "volume_mm3", "mm^3", k, 1e6) for k, name in enumerate(structures))
    )
    row = rows(read_volumetry(table(tmp_path), COMPARTMENTS, Reference(norms, PERSON)))[region]
    found = [amount.cm3.place.lower.value for amount in (row.total, row.left, row.right)]
    assert found == [0, 0.001, 0.002]


def test_all_rows_of_a_fitted_table_are_found(tmp_path):
    from cerebbids.imaging.cohort import asymmetries
    from cerebbids.imaging.volumetry import region_names

    names = region_names(load_scheme(COMPARTMENTS))
    volumes = pd.DataFrame({"image": "a", "name": names, "volume_mm3": 1.0})
    volumes["hemisphere"] = [name.split(" ")[0].lower() for name in names]
    sides = asymmetries(volumes, ["image"])["name"]
    bounds = [(name, "volume_mm3", "mm^3", 100, 2e5) for name in names]
    bounds += [(name, "icv_percent", "%", 0, 100) for name in names]
    bounds += [(name, "asymmetry_percent", "%", -100, 100) for name in sides]
    norms = norms_table(tmp_path / "norms.tsv", *bounds)
    found = read_volumetry(table(tmp_path), COMPARTMENTS, Reference(norms, PERSON))
    assert found.reasons == ()
    assert all(each.place.lower for row in found.rows for each in row.measured)
    (line,) = found.explained()
    assert "Somebody" in line and "N = 50" in line


@pytest.mark.parametrize(
    ("person", "scheme", "cavity", "reason"),
    [
        (Person(why_no_age="no age in participants.tsv"), COMPARTMENTS, "1000000", "no age in participants.tsv"),
        (Person(90.0, "male"), COMPARTMENTS, "1000000", "outside of the norms' 20 to 40"),
        (PERSON, "DeepCERES", "1000000", "the norms are of seg-DeepCERES, the value is of seg-Lobules"),
        (PERSON, COMPARTMENTS, "n/a", "the intracranial cavity is not known"),
    ],
)
def test_what_is_missing_has_a_reason_and_no_number(tmp_path, person, scheme, cavity, reason):
    norms = norms_table(tmp_path / "norms.tsv", ("VI", "icv_percent", "%", 0.1, 0.3), scheme=scheme)
    found = read_volumetry(table(tmp_path, cavity), COMPARTMENTS, Reference(norms, person))
    percent = rows(found)["VI"].total.percent
    assert reason in percent.place.why and any(reason in why for why in found.reasons)
    assert not percent.outside
    assert (percent.value is None) == (cavity == "n/a")
    assert any(reason in line for line in found.explained())


def test_without_norms_there_is_no_bound_and_one_reason(tmp_path):
    found = read_volumetry(table(tmp_path), COMPARTMENTS, Reference())
    assert not found.has_norms and len(found.reasons) == 1 and "--norms" in found.explained()[0]
    assert not any(each.bounds(2) for row in found.rows for each in row.measured)


def test_percentages_are_those_of_the_table_of_volumes(tmp_path):
    import nibabel as nib

    from cerebbids.imaging.volumetry import lobule_volumes

    scheme, affine = load_scheme(COMPARTMENTS), np.diag([2.0, 2, 2, 1])
    voxels = np.random.default_rng(0).choice([0, *scheme.indices], size=(30, 20, 10)).astype(np.uint8)
    made = lobule_volumes(
        nib.Nifti1Image(voxels, affine), scheme, nib.Nifti1Image(np.ones(voxels.shape, np.uint8), affine)
    )
    made.to_csv(tmp_path / "morph.tsv", sep="\t", index=False, na_rep="n/a")
    told = made.set_index("name")["icv_percent"]
    found = rows(read_volumetry(tmp_path / "morph.tsv", COMPARTMENTS, Reference()))
    assert found["Total"].total.percent.value == pytest.approx(told["Cerebellum"], abs=1e-4)
    assert found["Crus I"].left.percent.value == pytest.approx(told["Left Crus I"], abs=1e-4)


def test_one_bound_alone_marks_nothing(tmp_path):
    norms_table(tmp_path / "norms.tsv", ("VI", "volume_mm3", "cm^3", 7, 9.5))
    text = (tmp_path / "norms.tsv").read_text().replace("p95", "p90")
    (tmp_path / "norms.tsv").write_text(text)
    norms = read_norms(tmp_path / "norms.tsv")
    vi = rows(read_volumetry(table(tmp_path), COMPARTMENTS, Reference(norms, PERSON)))["VI"]
    assert vi.total.cm3.value == 6 and vi.total.cm3.place.lower.value == 7
    assert not vi.total.cm3.outside and vi.total.cm3.bounds(1) == ()
    told = read_volumetry(table(tmp_path), COMPARTMENTS, Reference(norms, PERSON)).explained()[0]
    assert "brackets" not in told and "Somebody" in told and "no diagnosis" in told


def test_reasons_are_few_whatever_norms_lack(tmp_path):
    norms = norms_table(tmp_path / "norms.tsv", ("VI", "asymmetry_percent", "%", -10, 10))
    found = read_volumetry(table(tmp_path), COMPARTMENTS, Reference(norms, PERSON))
    assert len(found.reasons) == 3 and "of 112 values" in found.reasons[0]
    assert all(len(line) < 500 for line in found.explained())
