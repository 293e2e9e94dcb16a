from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.volumetry import lobule_volumes

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
    assert list(table.columns) == ["index", "name", "hemisphere", "tissue", "n_voxels", "volume_mm3"]
    assert table["index"][:26].tolist() == list(SCHEME.indices)
    assert table["index"][26:].isna().all()
    assert table["n_voxels"][:3].tolist() == [1, 2, 3]


def test_an_absent_label_has_a_row_of_zero(table):
    row = table.set_index("index").loc[107]
    assert (row["name"], row["n_voxels"], row["volume_mm3"]) == ("Right Crus II", 0, 0)


def test_volumes_are_voxels_times_the_determinant(table):
    assert np.allclose(table["volume_mm3"], 1.5 * table["n_voxels"])


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
    assert lines[-1].startswith("n/a\tCerebellum\tboth\tboth\t")
