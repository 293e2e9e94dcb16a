from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import WITHOUT_LABEL
from cerebbids.bids.sidecars import MORPH_COLUMNS
from cerebbids.cli.morphfiles import read_morph
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.volumetry import CAVITY, class_volumes, lobule_volumes, write_volumes

from .phantoms import oblique

SCHEME = load_scheme("Lobules")


@pytest.fixture
def table():
    """Label number k of the scheme has k + 1 voxels, but the right Crus II is absent."""
    voxels = np.zeros((10, 10, 10), np.uint8)
    flat = np.concatenate([np.full(k + 1, label) for k, label in enumerate(SCHEME.indices) if label != 107])
    voxels.ravel()[: len(flat)] = flat
    return lobule_volumes(nib.Nifti1Image(voxels, oblique((0.5, 1.5, 2.0), (0, 0, 0))), SCHEME)


def test_labels_come_first_in_their_order(table):
    columns = ["index", "name", "hemisphere", "tissue", "n_voxels", "volume_mm3", "icv_percent"]
    assert list(table.columns) == columns == list(MORPH_COLUMNS)
    assert table["index"][:26].tolist() == list(SCHEME.indices)
    assert table["index"][26:].isna().all()
    assert table["n_voxels"][:3].tolist() == [1, 2, 3]


def test_an_absent_label_has_a_row_of_zero(table):
    row = table.set_index("index").loc[107]
    assert (row["name"], row["n_voxels"], row["volume_mm3"]) == ("Right Crus II", 0, 0)


def test_volumes_are_voxels_times_the_determinant(table):
    measured = table[table["name"] != CAVITY]
    assert np.allclose(measured["volume_mm3"].astype(float), 1.5 * measured["n_voxels"].astype(float))


def test_sums(table):
    voxels = table.set_index("name")["n_voxels"]
    left, right = range(1, 14), [k for k in range(14, 27) if k != 20]
    expected = {
        "Left I-IV": 1 + 2 + 3,
        "Right I-IV": 14 + 15 + 16,
        "I-IV": 6 + 45,
        "Left grey matter": sum(left) - 13,
        "Right grey matter": sum(right) - 26,
        "Left cerebellum": sum(left),
        "Right cerebellum": sum(right),
        "Crus II": 7,
        "VI": 5 + 18,
        "White matter": 13 + 26,
        "Grey matter": sum(left) + sum(right) - 39,
        "Cerebellum": sum(left) + sum(right),
    }
    assert {name: voxels[name] for name in expected} == expected
    assert table["name"].is_unique


def test_sums_say_which_side_and_tissue_they_cover(table):
    rows = table.set_index("name")[["hemisphere", "tissue"]]
    assert rows.loc["Left I-IV"].tolist() == ["left", "GM"]
    assert rows.loc["Right cerebellum"].tolist() == ["right", "both"]
    assert rows.loc["White matter"].tolist() == ["both", "WM"]


def test_missing_indices_are_written_as_na(table, tmp_path):
    table.to_csv(tmp_path / "morph.tsv", sep="\t", index=False, na_rep="n/a")
    lines = (tmp_path / "morph.tsv").read_text().splitlines()
    assert lines[1].startswith("1\tLeft I-II\tleft\tGM\t1\t1.5")
    assert lines[-2].startswith("n/a\tCerebellum\tboth\tboth\t")


def labels_and_cavity(cavity_voxels: int) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Ten voxels of left Crus I, five of right white matter, in a cavity, at 3 mm3 a voxel."""
    voxels, cavity = np.zeros((20, 10, 10), np.uint8), np.zeros((20, 10, 10), np.uint8)
    voxels.ravel()[:15] = [6] * 10 + [113] * 5
    cavity.ravel()[:cavity_voxels] = 1
    affine = oblique((1.0, 1.5, 2.0), (3, 2, 1))
    return nib.Nifti1Image(voxels, affine), nib.Nifti1Image(cavity, affine)


def test_volumes_are_percentages_of_the_cavity_s():
    dseg, icv = labels_and_cavity(1400)
    table = lobule_volumes(dseg, SCHEME, icv).set_index("name")
    assert table.loc[CAVITY, ["n_voxels", "volume_mm3", "icv_percent"]].tolist() == [1400, 4200, 100]
    assert table["icv_percent"].notna().all()
    parts = {"Left Crus I": 0.7143, "Right white matter": 0.3571, "Cerebellum": 1.0714, "Right Crus I": 0}
    assert {name: table["icv_percent"][name] for name in parts} == parts


def test_volumes_come_from_the_finer_map_and_voxels_from_that_of_the_scan():
    dseg, icv = labels_and_cavity(1400)
    voxels = np.zeros((30, 10, 10), np.uint8)
    voxels.ravel()[:70] = [6] * 60 + [113] * 10
    fine = nib.Nifti1Image(voxels, oblique((0.5, 0.75, 1.0), (3, 2, 1)))  # 0.375 mm3 a voxel
    table = lobule_volumes(dseg, SCHEME, icv, fine).set_index("name")
    rows = {name: table.loc[name, ["n_voxels", "volume_mm3", "icv_percent"]].tolist() for name in table.index}
    assert rows["Left Crus I"] == [10, 22.5, 0.5357]
    assert rows["White matter"] == [5, 3.75, 0.0893]
    assert rows[CAVITY] == [1400, 4200, 100]
    assert list(table.columns) == list(lobule_volumes(dseg, SCHEME, icv).set_index("name").columns)
    stripped = lobule_volumes(dseg, SCHEME, None, fine).set_index("name")
    assert stripped.loc["Cerebellum", ["n_voxels", "volume_mm3"]].tolist() == [15, 26.25]
    assert stripped["icv_percent"].isna().all()


@pytest.mark.parametrize("cavity", [None, 0])
def test_without_a_cavity_there_are_no_percentages(cavity, tmp_path):
    dseg, empty = labels_and_cavity(0)
    table = lobule_volumes(dseg, SCHEME, None if cavity is None else empty)
    table.to_csv(tmp_path / "morph.tsv", sep="\t", index=False, na_rep="n/a")
    *rows, last = [line.split("\t") for line in (tmp_path / "morph.tsv").read_text().splitlines()[1:]]
    assert last == ["n/a", CAVITY, "both", "n/a", *(["n/a", "n/a"] if cavity is None else ["0", "0.0"]), "n/a"]
    assert {row[6] for row in rows} == {"n/a"}
    assert [row[4:6] for row in rows if row[1] == "Cerebellum"] == [["15", "45.0"]]


def test_a_cavity_on_another_grid_is_refused():
    dseg, icv = labels_and_cavity(5)
    with pytest.raises(ValueError, match="same grid"):
        lobule_volumes(dseg, SCHEME, nib.Nifti1Image(icv.dataobj, np.eye(4)))


def test_what_a_scheme_does_not_label_has_a_row_without_numbers(tmp_path):
    labels = nib.Nifti1Image(np.array([0, 1, 2, 3], np.uint8).reshape(4, 1, 1), np.eye(4))
    scheme = load_scheme("BrainTissue")
    write_volumes(
        class_volumes(labels, scheme, "Cerebrum", unlabelled=WITHOUT_LABEL[scheme.name]), tmp_path / "morph.tsv"
    )
    last = (tmp_path / "morph.tsv").read_text().splitlines()[-3:]
    assert last[0] == "n/a\tCerebrum\tboth\tboth\t2\t2.0\tn/a"
    assert last[1:] == [f"n/a\t{name}\tboth\tboth\tn/a\tn/a\tn/a" for name in ("Cerebellum", "Brainstem")]
    told = read_morph(tmp_path / "morph.tsv", scheme.name)
    assert [row.name for row in told] == ["Cerebrospinal fluid", "Grey matter", "White matter", "Cerebrum"]
