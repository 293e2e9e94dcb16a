import json

import nibabel as nib
import pytest

from cerebbids.bids.names import DERIVATIVES, REPORTS, YIELDS, derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.workflows.derivatives import init_derivatives_wf
from tests.datasets import make_dataset, tiny_image

WITHOUT_SIDECAR = "qc"
KEYS = {key for key in YIELDS["deepceres"] if DERIVATIVES[key].get("datatype") != "figures"} - set(REPORTS)
DESCRIBED = KEYS - {WITHOUT_SIDECAR}
METAS = ("t1w_meta", "xfm_meta", "dseg_meta", "fine_meta")


@pytest.fixture
def image(tmp_path) -> SourceImage:
    raw = make_dataset(tmp_path / "raw", "sub-01/anat/sub-01")
    (tmp_path / "out").mkdir()
    return SourceImage(raw / "sub-01/anat/sub-01_T1w.nii.gz", "01", "sub-01/anat/sub-01_T1w.nii.gz")


def write(tmp_path, image: SourceImage, keys: set[str]) -> dict[str, dict]:
    """Write derivatives and give the sidecars of all that are there then."""
    workflow = init_derivatives_wf(image=image, voxels=720, output_dir=tmp_path / "out")
    workflow.base_dir = str(tmp_path / "work")
    for key in keys:
        path = tmp_path / f"{key}{DERIVATIVES[key].get('extension', '.nii.gz')}"
        if path.suffix == ".gz":
            nib.save(tiny_image(), path)
        else:
            path.write_text(key)
        setattr(workflow.inputs.inputnode, key, str(path))
    for meta in METAS:
        setattr(workflow.inputs.inputnode, meta, {"From": meta})
    workflow.run()
    paths = {key: tmp_path / "out" / derivative_path(image.path, key) for key in DESCRIBED}
    return {key: json.loads(sidecar_path(path).read_text()) for key, path in paths.items() if path.exists()}


def test_derivatives_of_a_real_or_a_made_t2w_and_of_a_cavity_come_and_go(tmp_path, image):
    real, made = {"t2w", "t2w_mni"}, {"t2w_synth", "t2w_synth_mni"}
    first = write(tmp_path, image, KEYS - made)
    assert set(first) == DESCRIBED - made
    fine = {key for key, sidecar in first.items() if sidecar["From"] == "fine_meta"}
    assert fine == {"superres", "superres_mni", *real} and first["icv"]["From"] == "dseg_meta"
    second = write(tmp_path, image, KEYS - real - {"icv"})
    assert set(second) == DESCRIBED - real - {"icv"}
    assert all(second[key]["From"] == "fine_meta" and second[key]["SyntheticImage"] for key in made)
    assert len(list((tmp_path / "out").rglob("*.*"))) == 2 * len(second) + len(KEYS - DESCRIBED)
