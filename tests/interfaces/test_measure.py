import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nipype.interfaces.base import isdefined

from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.interfaces.measure import CheckSegmentation, MeasureVolumes

FACTS = {"model": "net", "icv_mm3": None, "confidence": {"L-VI": 0.5}, "tissues": {"csf": 1.0, "gm": 2.0}}
T1W_TO_MNI = np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, -70], [0, 0, 0, 1]])


def whole(value: int, dtype: type) -> nib.Nifti1Image:
    return nib.Nifti1Image(np.full((8, 8, 8), value, dtype), np.diag([2.0, 2, 2, 1]))


def checked(folder: Path, images: dict[str, nib.Nifti1Image], facts: dict, **more):
    """Outputs of the check of images."""
    for name, image in images.items():
        nib.save(image, folder / f"{name}.nii")
    (folder / "facts.json").write_text(json.dumps(facts))
    files = {name: str(folder / f"{name}.nii") for name in images}
    write_itk_affine(T1W_TO_MNI, folder / "xfm.txt")
    told = {"facts": str(folder / "facts.json"), "xfm": str(folder / "xfm.txt"), "version": "1"}
    return CheckSegmentation(**files, **told, **more).run(cwd=str(folder)).outputs


def labelled(value: int) -> dict[str, nib.Nifti1Image]:
    maps = {name: whole(value, np.uint8) for name in ("dseg", "dseg_mni", "carved")}
    return {**maps, "t1w": whole(1, np.float32)}


def test_warnings_of_all_steps_come_together(tmp_path):
    found = checked(tmp_path, labelled(0), {**FACTS, "warnings": ["cut off"]}, known=["shifted"])
    meta, quality = found.meta["CerebBIDS"], json.loads(Path(found.qc).read_text())
    assert meta["warnings"] == quality["flags"]
    of_numbers = meta["warnings"].index("shifted")
    assert of_numbers > 1 and meta["warnings"][of_numbers + 1] == "cut off"
    assert "0 cm3" in meta["warnings"][of_numbers + 2]
    assert meta["warnings_of_steps"] == ["shifted", "cut off"]
    assert (meta["model"], meta["version"], meta["light"]) == ("net", "1", "red") and quality["light"] == "red"
    assert quality["labels_missing"] == 26 and quality["nets_dice"] is None


def test_the_lowest_part_is_found_by_the_affine(tmp_path):
    quality = json.loads(Path(checked(tmp_path, labelled(6), FACTS).qc).read_text())
    assert quality["lowest_mm"] == -70  # the template's grid need not reach down there


def test_there_is_no_table_of_labels_that_are_not_there(tmp_path):
    assert not isdefined(MeasureVolumes(scheme="LobulesVermis").run(cwd=str(tmp_path)).outputs.out_file)


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
    images = labelled(6) | ({} if stripped else {"icv": whole(1, np.uint8)})
    facts = {**FACTS, "tissues": {"csf": 1.0, "gm": 2.0, "counts": [0] * 70}}
    meta = checked(tmp_path, images, facts).meta["CerebBIDS"]
    assert any("cavity measures 4 cm3" in warning for warning in meta["warnings"]) != stripped
    assert meta["tissues"] == {"csf": 1.0, "gm": 2.0} and meta["icv_mm3"] is None


def test_noise_is_that_of_the_scan_before_it_was_denoised(tmp_path):
    images = labelled(13)
    values = np.random.default_rng(0).normal(200, 10, images["dseg"].shape).astype(np.float32)
    scan = nib.Nifti1Image(values, images["dseg"].affine)
    nib.save(scan, tmp_path / "scan.nii")
    found = checked(tmp_path, images, FACTS, scan=str(tmp_path / "scan.nii"))
    quality = json.loads(Path(found.qc).read_text())
    assert quality["snr"] == found.meta["CerebBIDS"]["snr"] == pytest.approx(20, rel=0.1)
    assert json.loads(Path(checked(tmp_path, images, FACTS).qc).read_text())["snr"] is None
