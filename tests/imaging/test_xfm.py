from __future__ import annotations

import ants
import nibabel as nib
import numpy as np
import pytest

from cerebbids.errors import BadImage
from cerebbids.imaging.antsio import to_ants
from cerebbids.imaging.resample import resample
from cerebbids.imaging.xfm import read_itk_affine, write_itk_affine

from .phantoms import blobs, oblique


@pytest.fixture
def native_to_template() -> np.ndarray:
    linear = np.eye(3) + np.random.default_rng(3).normal(0, 0.1, (3, 3))
    return nib.affines.from_matvec(linear, [3.0, -20.0, 7.5])


def test_ants_resamples_the_source_onto_the_target_with_it(tmp_path, native_to_template):
    path = tmp_path / "from-T1w_to-MNI_xfm.txt"
    write_itk_affine(native_to_template, path)
    native = blobs((20, 24, 18), oblique((1.0, 1.3, 0.9), (10, -50, 300)))
    middle = nib.affines.apply_affine(native_to_template @ native.affine, [10, 12, 9])
    target = nib.Nifti1Image(np.zeros((22, 20, 24), np.float32), nib.affines.from_matvec(np.eye(3), middle - 11))
    theirs = ants.apply_transforms(to_ants(target), to_ants(native), [str(path)]).numpy()
    ours = resample(native, target.shape, target.affine, np.linalg.inv(native_to_template)).get_fdata()
    assert theirs.std() > 0.05
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_reading_gives_the_matrix_back(tmp_path, native_to_template):
    write_itk_affine(native_to_template, tmp_path / "xfm.txt")
    np.testing.assert_allclose(read_itk_affine(tmp_path / "xfm.txt"), native_to_template, atol=1e-12)


def test_a_transform_of_ants_with_a_centre_is_understood(tmp_path):
    transform = ants.create_ants_transform(
        transform_type="AffineTransform",
        matrix=np.diag([1.1, 0.9, 1.0]),
        translation=(1, 2, 3),
        center=(5, -6, 7),
    )
    ants.write_transform(transform, str(tmp_path / "xfm.txt"))
    point = np.array([12.0, 4.0, -9.0])
    lps = np.array([-1, -1, 1])
    theirs = lps * transform.apply_to_point(tuple(lps * point))
    ours = nib.affines.apply_affine(np.linalg.inv(read_itk_affine(tmp_path / "xfm.txt")), point)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_another_text_is_refused(tmp_path):
    (tmp_path / "xfm.txt").write_text("1 0 0 0\n")
    with pytest.raises(BadImage, match="not an ITK text affine"):
        read_itk_affine(tmp_path / "xfm.txt")
