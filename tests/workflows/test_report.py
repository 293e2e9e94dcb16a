import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from cerebbids.bids.names import DERIVATIVES, OPTIONAL, YIELDS, derivative_path
from cerebbids.bids.query import SourceImage
from cerebbids.imaging.template import template_t1w
from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.workflows.report import init_report_wf
from tests.datasets import make_dataset
from tests.reports.phantom import grids, phantom
from tests.reports.test_volumes import write_table

FIGURES = {key for key in YIELDS["deepceres"] if DERIVATIVES[key].get("datatype") == "figures"}
TISSUES = {"csf": 10.0, "gm": 60.0, "wm": 100.0, "targets": [50, 150, 250], "counts": [1] * 70}


@pytest.fixture
def inputs(tmp_path) -> dict[str, str]:
    scan, labels = phantom(*grids()["RAS"])
    fine = nib.Nifti1Image(np.ones(CEREBELLUM_05MM.shape, np.uint8), CEREBELLUM_05MM.affine)
    blocks = nib.Nifti1Image(np.zeros(CEREBELLUM_05MM.shape, np.uint8), CEREBELLUM_05MM.affine)
    blocks.dataobj[80:120, 60:100, 60:90] = 6
    mask = nib.Nifti1Image((np.asarray(labels.dataobj) > 0).astype(np.uint8), labels.affine)
    images = {
        "t1w": scan,
        "dseg": labels,
        "icv": mask,
        "t1w_mni": template_t1w(),
        "superres_mni": fine,
        "t2w_mni": fine,
        "superres": scan,
        "carved_fine": labels,
        "carved_mni": blocks,
        "atlas_mni": blocks,
        "confidence": nib.Nifti1Image(np.full(labels.shape, 0.5, np.float32), labels.affine),
    }
    for name, image in images.items():
        nib.save(image, tmp_path / f"{name}.nii")
    write_itk_affine(np.eye(4), tmp_path / "xfm.txt")
    (tmp_path / "predict.json").write_text(json.dumps({"t2w": "real", "tissues": TISSUES}))
    write_table(tmp_path / "morph.tsv", lambda label: 1000)
    others = {"xfm_to_mni": "xfm.txt", "facts": "predict.json", "morph": "morph.tsv"}
    names = {name: f"{name}.nii" for name in images} | others
    return {name: str(tmp_path / file) for name, file in names.items()}


def test_all_figures_are_written_and_those_of_cavity_and_library_go_with_them(inputs, tmp_path):
    raw, out = make_dataset(tmp_path / "raw", "sub-01/anat/sub-01"), tmp_path / "out"
    out.mkdir()
    image = SourceImage(raw / "sub-01/anat/sub-01_T1w.nii.gz", "01", "sub-01/anat/sub-01_T1w.nii.gz")

    def written(**given: str) -> set[str]:
        workflow = init_report_wf(image=image, voxels=1000, output_dir=out)
        workflow.base_dir = str(tmp_path / "work")
        for name, value in given.items():
            setattr(workflow.inputs.inputnode, name, value)
        workflow.run()
        return {key for key in FIGURES if (out / derivative_path(image.path, key)).exists()}

    assert written(**inputs) == FIGURES
    fewer = {name: value for name, value in inputs.items() if name not in ("icv", "atlas_mni")}
    assert written(**fewer) == FIGURES - OPTIONAL
    assert {path.suffix for path in Path(out).rglob("*") if path.is_file()} == {".svg", ".png"}
