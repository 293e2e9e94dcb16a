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
def test_whole_brains_are_compared_and_of_all_heads_it_is_told_what_labelled_them(tmp_path: Path):
    heads, output = tmp_path / "heads", tmp_path / "output"
    save(mixedages.truth_path(heads, "40w"), [1, 1, 2, 2, 2, 0])  # the first fluid was not shown
    stem = output / "sub-40w" / "anat" / "sub-40w"
    save(Path(f"{stem}_seg-DrawEM9_dseg.nii.gz"), [0, 1, 2, 2, 1, 4])
    save(Path(f"{stem}_desc-brain_mask.nii.gz"), [0, 1, 1, 1, 1, 1])
    save(output / "sub-12mo" / "anat" / "sub-12mo_seg-CerebellumTissue_dseg.nii.gz", [1])
    mixedages.main(["dice", str(heads), str(tmp_path / "nothing"), str(output), str(tmp_path / "out.tsv")])
    table = pd.read_csv(tmp_path / "out.tsv", sep="\t")
    systems = table.groupby("head")["system"].unique().map(list).to_dict()
    assert systems.pop("40w") == ["neonatal"] and systems.pop("12mo") == ["infant"]
    assert len(systems) == 11 and all(names == ["none"] for names in systems.values())
    table = table.set_index(["head", "class"])
    fluid, grey = (table.loc[("40w", name)] for name in ("Cerebrospinal fluid", "Cortical grey matter"))
    assert fluid["dice"] == pytest.approx(2 / 3, abs=1e-4) and fluid["volume_ratio"] == 2
    assert grey["dice"] == pytest.approx(0.8) and grey["volume_ratio"] == pytest.approx(2 / 3, abs=1e-4)
    assert not any("utside" in name for _, name in table.index if isinstance(name, str))
