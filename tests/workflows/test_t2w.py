from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nipype.interfaces.utility import Function
from nipype.pipeline.engine import Node
from niworkflows.engine.workflows import LiterateWorkflow as Workflow

from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.workflows.t2w import init_t2w_wf

FIELDS = ("t2w", "xfm_t2w_to_t1w", "warnings", "t2w_meta")


def tell(t2w=None, xfm_t2w_to_t1w=None, warnings=None, t2w_meta=None):
    return [t2w, xfm_t2w_to_t1w, warnings, t2w_meta]


@pytest.fixture
def thick(tmp_path: Path) -> Path:
    path = tmp_path / "sub-01_T2w.nii"
    nib.save(nib.Nifti1Image(np.ones((9, 9, 9), np.int16), np.diag([1.0, 1, 5, 1])), path)
    return path


def outcome(folder: Path, t2w: Path | None, mode: str) -> list:
    """Run the workflow with another step after it, and give what that step is told."""
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.float32), np.eye(4)), folder / "t1w.nii")
    write_itk_affine(np.eye(4), folder / "to_mni.txt")
    t2w_wf = init_t2w_wf(t2w=t2w, mode=mode, voxels=729, omp_nthreads=1)
    t2w_wf.inputs.inputnode.trait_set(t1w=str(folder / "t1w.nii"), xfm_to_mni=str(folder / "to_mni.txt"))
    after = Node(Function(list(FIELDS), ["told"], tell), "after")
    whole = Workflow("whole", base_dir=str(folder))
    whole.config["execution"] |= {"crashdump_dir": str(folder)}
    whole.connect([(t2w_wf, after, [(f"outputnode.{field}", field) for field in FIELDS])])
    (node,) = [node for node in whole.run().nodes if node.name == "after"]
    return node.result.outputs.told


@pytest.mark.parametrize("mode", ["auto", "synth"])
def test_without_a_t2w_image_there_is_nothing_and_nothing_to_warn_of(tmp_path, thick, mode):
    assert outcome(tmp_path, thick if mode == "synth" else None, mode) == [None, None, [], {}]


def test_thick_slices_are_a_warning_and_no_failure(tmp_path, thick):
    t2w, xfm, warnings, meta = outcome(tmp_path, thick, "auto")
    assert (t2w, xfm) == (None, None)
    assert warnings == ["The T2w image sub-01_T2w.nii was not used, because its slices are 5 mm thick."]
    assert meta["voxel_mm"] == 5.0


def test_methods_are_in_the_same_words_for_all_images_of_a_run(thick):
    def told(t2w: Path | None, mode: str) -> str:
        return init_t2w_wf(t2w=t2w, mode=mode, voxels=729, omp_nthreads=1).visit_desc()

    assert "correlation ratio" in told(thick, "auto") and told(None, "auto") == told(thick, "auto")
    assert "T2" not in told(thick, "synth") and told(None, "synth") == told(thick, "synth")
