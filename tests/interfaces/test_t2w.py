from pathlib import Path

import ants
import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine, from_matvec
from nipype.interfaces.base import isdefined

from cerebbids.errors import BadImage, CerebbidsError
from cerebbids.imaging.resample import resample
from cerebbids.imaging.t2w import PreparedT2w
from cerebbids.imaging.t2wcheck import T2wCheck
from cerebbids.imaging.xfm import read_itk_affine, write_itk_affine
from cerebbids.interfaces import t2w
from cerebbids.interfaces.t2w import PrepareT2w
from tests.imaging.contrasts import rigid
from tests.imaging.phantoms import blobs, oblique

TO_MNI = from_matvec(np.diag([1.1, 0.9, 1.0]), [3, -20, 7])
T1W = blobs((36, 40, 32), oblique((2.0, 2.2, 2.4), (40, -50, 90)))
MOTION = rigid((5, -8, 12), (7, -4, 3), np.array([10.0, 0, 60]))
"""World of the T1w image -> world of the T2w image."""


@pytest.fixture
def prepare(tmp_path, monkeypatch):
    """Run the step with what its algorithm is to say."""
    nib.save(T1W, tmp_path / "t1w.nii")
    nib.save(T1W, tmp_path / "sub-01_T2w.nii.gz")
    write_itk_affine(TO_MNI, tmp_path / "to_mni.txt")
    files = {"in_file": "sub-01_T2w.nii.gz", "t1w": "t1w.nii", "xfm_to_mni": "to_mni.txt"}

    def run(prepared: PreparedT2w, required: bool = False):
        def say(path, image, t1w_to_mni, threads):
            assert path.name == "sub-01_T2w.nii.gz" and image.shape == T1W.shape and threads == 1
            np.testing.assert_allclose(t1w_to_mni, TO_MNI)
            return prepared

        monkeypatch.setattr(t2w, "prepare_t2w", say)
        inputs = {key: str(tmp_path / name) for key, name in files.items()}
        return PrepareT2w(**inputs, required=required, version="1").run(cwd=str(tmp_path)).outputs

    return run


def test_transform_resamples_the_t2w_onto_the_t1w_to_the_voxel_and_the_side(prepare):
    """ANTs, which knows nothing of this program, puts every blob back where the T1w image has it."""
    corners = apply_affine(MOTION @ T1W.affine, np.argwhere(np.ones((2, 2, 2))) * T1W.shape)
    grid = from_matvec(np.diag([-1.0, 1, 1]), [corners[:, 0].max(), *corners[:, 1:].min(axis=0)])
    moved = resample(T1W, np.ceil(np.ptp(corners, axis=0)).astype(int), grid, np.linalg.inv(MOTION), order=3)
    outputs = prepare(PreparedT2w(T2wCheck(correlation=0.8), moved, np.linalg.inv(MOTION)))
    np.testing.assert_allclose(read_itk_affine(Path(outputs.xfm_t2w_to_t1w)), np.linalg.inv(MOTION), atol=1e-9)
    fixed, moving = (ants.image_read(str(path)) for path in (Path(outputs.t2w).parent / "t1w.nii", outputs.t2w))
    back = ants.apply_transforms(fixed, moving, [outputs.xfm_t2w_to_t1w]).numpy()
    t1w = np.asarray(T1W.dataobj)
    assert np.corrcoef(back.ravel(), t1w.ravel())[0, 1] > 0.995
    assert np.abs(back - t1w).max() < 0.1
    assert outputs.warnings == [] and outputs.t2w_meta == {"correlation": 0.8}


def test_refused_image_gives_its_reason_and_no_files(prepare):
    outputs = prepare(PreparedT2w(T2wCheck("its slices are 5 mm thick", voxel_mm=5.0)))
    assert outputs.warnings == ["The T2w image sub-01_T2w.nii.gz was not used, because its slices are 5 mm thick."]
    assert not isdefined(outputs.t2w) and not isdefined(outputs.xfm_t2w_to_t1w)
    assert outputs.t2w_meta["voxel_mm"] == 5.0


def test_refused_image_fails_where_a_real_one_is_asked_for(prepare):
    with pytest.raises(
        CerebbidsError, match=r"sub-01_T2w.nii.gz: cannot be used: its slices are 5 mm thick; .*--t2w auto"
    ) as error:
        prepare(PreparedT2w(T2wCheck("its slices are 5 mm thick")), required=True)
    assert not isinstance(error.value, BadImage)  # or labels of an earlier run would be removed
