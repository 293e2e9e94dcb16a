import nibabel as nib
import numpy as np

from cerebbids.interfaces.images import Conform
from tests.imaging.phantoms import blobs, oblique


def test_conform_hands_its_warnings_on(tmp_path):
    image = blobs((36, 40, 32), oblique((2.0, 2.2, 2.4), (40, -50, 90)))
    moved = image.affine.copy()
    moved[2, 3] -= 20
    image.set_qform(moved, 1)
    nib.save(image, tmp_path / "sub-01_T1w.nii.gz")
    outputs = Conform(in_file=str(tmp_path / "sub-01_T1w.nii.gz"), version="1").run(cwd=str(tmp_path)).outputs
    assert outputs.warnings == ["qform and sform differ by 20 mm; the sform was used."]
    np.testing.assert_allclose(nib.load(outputs.out_file).header.get_qform(), image.affine, atol=1e-3)
