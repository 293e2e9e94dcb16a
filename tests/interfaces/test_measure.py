import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.interfaces.measure import CheckSegmentation, MeasureVolumes


def test_warnings_of_all_steps_come_together(tmp_path):
    nib.save(nib.Nifti1Image(np.zeros((8, 8, 8), np.uint8), np.eye(4)), tmp_path / "dseg.nii")
    nib.save(nib.Nifti1Image(np.ones((8, 8, 8), np.float32), np.eye(4)), tmp_path / "t1w.nii")
    (tmp_path / "facts.json").write_text(json.dumps({"model": "net", "warnings": ["cut off"]}))
    files = {"dseg": tmp_path / "dseg.nii", "t1w": tmp_path / "t1w.nii", "facts": tmp_path / "facts.json"}
    check = CheckSegmentation(**{name: str(path) for name, path in files.items()}, known=["shifted"], version="1")
    meta = check.run(cwd=str(tmp_path)).outputs.meta["CerebBIDS"]
    assert meta["warnings"][:2] == ["shifted", "cut off"]
    assert "0 cm3" in meta["warnings"][2]
    assert (meta["model"], meta["version"]) == ("net", "1")


def whole(value: int, dtype: type) -> nib.Nifti1Image:
    return nib.Nifti1Image(np.full((8, 8, 8), value, dtype), np.diag([2.0, 2, 2, 1]))


@pytest.mark.parametrize("stripped", [False, True])
def test_percentages_come_from_the_mask_if_there_is_one(tmp_path, stripped):
    nib.save(whole(6, np.uint8), tmp_path / "dseg.nii")
    nib.save(whole(1, np.uint8), tmp_path / "icv.nii")
    icv = {} if stripped else {"icv": str(tmp_path / "icv.nii")}
    measure = MeasureVolumes(dseg=str(tmp_path / "dseg.nii"), scheme="Lobules", **icv)
    last = Path(measure.run(cwd=str(tmp_path)).outputs.out_file).read_text().splitlines()[-1]
    assert last.split("\t")[4:] == (["n/a"] * 3 if stripped else ["512", "4096.0", "100.0"])


def test_volumes_come_from_the_finer_map_if_there_is_one(tmp_path):
    nib.save(whole(6, np.uint8), tmp_path / "dseg.nii")
    nib.save(nib.Nifti1Image(np.full((8, 8, 4), 6, np.uint8), np.eye(4)), tmp_path / "fine.nii")
    maps = {"dseg": str(tmp_path / "dseg.nii"), "fine": str(tmp_path / "fine.nii")}
    measure = MeasureVolumes(**maps, scheme="DeepCERES").run(cwd=str(tmp_path))
    rows = [line.split("\t") for line in Path(measure.outputs.out_file).read_text().splitlines()]
    assert [row[4:] for row in rows if row[1] == "Cerebellum"] == [["512", "256.0", "n/a"]]


@pytest.mark.parametrize("stripped", [False, True])
def test_only_a_cavity_that_was_measured_is_checked(tmp_path, stripped):
    for name, image in (("dseg", whole(6, np.uint8)), ("t1w", whole(1, np.float32)), ("icv", whole(1, np.uint8))):
        nib.save(image, tmp_path / f"{name}.nii")
    facts = {"icv_mm3": None, "tissues": {"csf": 1.0, "counts": [0] * 70}}
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    names = ("dseg", "t1w") if stripped else ("dseg", "t1w", "icv")
    files = {name: str(tmp_path / f"{name}.nii") for name in names}
    check = CheckSegmentation(**files, facts=str(tmp_path / "facts.json"), version="1")
    meta = check.run(cwd=str(tmp_path)).outputs.meta["CerebBIDS"]
    assert any("cavity measures 4 cm3" in warning for warning in meta["warnings"]) != stripped
    assert meta["tissues"] == {"csf": 1.0} and meta["icv_mm3"] is None
