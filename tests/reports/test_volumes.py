import re

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.data.labels import load_scheme
from cerebbids.errors import CerebbidsError
from cerebbids.imaging.volumetry import lobule_volumes
from cerebbids.reports.volumes import read_cavity, read_regions, volumes_figure

SUMS = {
    "I-IV": lambda label: label.region in ("I-II", "III", "IV"),
    "grey matter": lambda label: label.tissue == "GM",
    "cerebellum": lambda label: True,
}


def write_table(path, volume):
    """Table with ``volume(label)`` mm3 for each label, and the sums of each side."""
    labels = load_scheme(COMPARTMENTS).labels
    rows = ["index\tname\themisphere\ttissue\tn_voxels\tvolume_mm3"]
    for label in labels:
        mm3 = volume(label)
        rows.append(f"{label.index}\t{label.name}\t{label.hemisphere}\t{label.tissue}\t{mm3}\t{mm3}")
    for side in ("left", "right"):
        for name, belongs in SUMS.items():
            mm3 = sum(volume(label) for label in labels if label.hemisphere == side and belongs(label))
            rows.append(f"n/a\t{side.capitalize()} {name}\t{side}\tboth\t{mm3}\t{mm3}")
    path.write_text("\n".join(rows) + "\n")
    return path


def test_regions_put_left_and_right_side_by_side(tmp_path):
    regions = read_regions(write_table(tmp_path / "morph.tsv", lambda label: 1000 * label.index), COMPARTMENTS)
    table = {region.name: region for region in regions}
    assert [r.name for r in regions][:5] == ["I-II", "III", "IV", "I-IV", "V"]
    assert (table["Crus I"].left, table["Crus I"].right) == (6, 106)
    assert (table["I-IV"].left, table["I-IV"].right) == (6, 306)
    assert table["Grey matter"].left == sum(range(1, 13))
    assert table["White matter"].both == 13 + 113
    assert table["Total"].right == sum(range(101, 114))
    assert table["Total"].asymmetry == pytest.approx(200 * (1391 - 91) / (1391 + 91))


def test_absent_lobule_has_no_asymmetry(tmp_path):
    table = write_table(tmp_path / "morph.tsv", lambda label: 0 if label.region == "X" else 500)
    lobule = next(region for region in read_regions(table, COMPARTMENTS) if region.name == "X")
    assert lobule.both == 0 and lobule.asymmetry is None
    volumes_figure(table, tmp_path / "morph.svg")


def test_missing_label_is_an_error(tmp_path):
    table = write_table(tmp_path / "morph.tsv", lambda label: 1)
    table.write_text("\n".join(line for line in table.read_text().splitlines() if not line.startswith("6\t")))
    with pytest.raises(CerebbidsError, match="morph.tsv: has no volume of Left Crus I; .*cerebbids-tables"):
        read_regions(table, COMPARTMENTS)


def test_figure_says_the_volumes_and_is_reproducible(tmp_path):
    table = write_table(tmp_path / "morph.tsv", lambda label: 100 * label.index)
    for name in ("one.svg", "two.svg"):
        volumes_figure(table, tmp_path / name)
    text = (tmp_path / "one.svg").read_text()
    assert text == (tmp_path / "two.svg").read_text()
    shown = re.findall(r"<text[^>]*>([^<]+)</text>", text)
    assert {"0.60", "10.60", "Crus I", "Left, cm³"} <= set(shown)  # Crus I left, right


def test_regions_are_those_of_the_program_s_table(tmp_path):
    rng = np.random.default_rng(0)
    scheme = load_scheme(COMPARTMENTS)
    voxels = rng.choice([0, *scheme.indices], size=(30, 20, 10)).astype(np.uint8)
    table = lobule_volumes(nib.Nifti1Image(voxels, np.diag([0.7, 1.3, -1, 1])), scheme)
    table.to_csv(tmp_path / "morph.tsv", sep="\t", index=False, na_rep="n/a")
    both = dict(zip(table["name"], table["volume_mm3"] / 1000, strict=True))
    for region in read_regions(tmp_path / "morph.tsv", COMPARTMENTS):
        name = "Cerebellum" if region.name == "Total" else region.name
        assert region.both == pytest.approx(both[name], abs=1e-4), name


@pytest.mark.parametrize(("row", "cm3"), [("1400000", 1400), ("n/a", None)])
def test_cavity_is_read_where_it_was_measured(tmp_path, row, cm3):
    table = write_table(tmp_path / "morph.tsv", lambda label: 1000)
    assert read_cavity(table) is None
    with table.open("a") as file:
        file.write(f"n/a\tIntracranial cavity\tboth\tn/a\t{row}\t{row}\n")
    cavity = read_cavity(table)
    assert cavity.cm3 == cm3
    volumes_figure(table, tmp_path / "morph.svg")


@pytest.mark.parametrize("stripped", [False, True])
def test_cavity_of_the_program_s_table_is_read(tmp_path, stripped):
    scheme, affine = load_scheme(COMPARTMENTS), np.diag([2.0, 2, 2, 1])
    voxels = np.random.default_rng(0).choice([0, *scheme.indices], size=(30, 20, 10)).astype(np.uint8)
    icv = None if stripped else nib.Nifti1Image(np.ones(voxels.shape, np.uint8), affine)
    table = lobule_volumes(nib.Nifti1Image(voxels, affine), scheme, icv)
    table.to_csv(tmp_path / "morph.tsv", sep="\t", index=False, na_rep="n/a")
    cavity = read_cavity(tmp_path / "morph.tsv")
    assert cavity.cm3 == (None if stripped else 48)
