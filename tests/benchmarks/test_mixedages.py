"""Labels of whole brains beside the true ones, on a grid of a few voxels."""

from pathlib import Path

import mixedages
import nibabel as nib
import numpy as np
import pandas as pd
import pytest


def save(path: Path, voxels: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.array(voxels, np.uint8).reshape(-1, 1, 1), np.eye(4)), path)


@pytest.mark.filterwarnings("ignore:invalid value")  # most classes are in neither map
def test_a_head_is_compared_where_it_was_shown_and_one_without_labels_has_a_row(tmp_path: Path):
    heads, output = tmp_path / "heads", tmp_path / "output"
    save(mixedages.truth_path(heads, "40w"), [1, 1, 2, 2, 2, 0])
    stem = output / "sub-40w" / "anat" / "sub-40w"
    save(Path(f"{stem}_seg-DrawEM9_dseg.nii.gz"), [0, 1, 2, 2, 1, 4])
    save(Path(f"{stem}_desc-brain_mask.nii.gz"), [0, 1, 1, 1, 1, 1])
    mixedages.main(["dice", str(heads), str(tmp_path / "nothing"), str(output), str(tmp_path / "out.tsv")])
    table = pd.read_csv(tmp_path / "out.tsv", sep="\t").set_index(["head", "class"])
    fluid, grey = (table.loc[("40w", name)] for name in ("Cerebrospinal fluid", "Cortical grey matter"))
    assert fluid["dice"] == pytest.approx(2 / 3, abs=1e-4) and fluid["volume_ratio"] == 2
    assert grey["dice"] == pytest.approx(0.8) and grey["volume_ratio"] == pytest.approx(2 / 3, abs=1e-4)
    assert ("28w", "not labelled") in table.index and ("9mo", "not labelled") in table.index
    assert not any("utside" in name for _, name in table.index)
