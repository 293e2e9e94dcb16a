import json

import nibabel as nib
import numpy as np

from cerebbids.interfaces.measure import CheckSegmentation


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
