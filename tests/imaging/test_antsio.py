from __future__ import annotations

import ants
import nibabel as nib
import numpy as np
import pytest

from cerebbids.imaging.antsio import from_ants, to_ants, with_data

from .phantoms import blobs, oblique


def test_ants_sees_what_it_would_read_from_the_file(tmp_path):
    image = blobs((9, 12, 10), oblique((1.0, 1.3, 0.9), (10, -50, 300)))
    nib.save(image, tmp_path / "blobs.nii.gz")
    here, there = to_ants(image), ants.image_read(str(tmp_path / "blobs.nii.gz"))
    np.testing.assert_allclose(here.numpy(), there.numpy())
    np.testing.assert_allclose(here.direction, there.direction, atol=1e-6)
    np.testing.assert_allclose(here.origin, there.origin, rtol=1e-6)
    np.testing.assert_allclose(here.spacing, there.spacing, rtol=1e-6)


def test_there_and_back_is_exact():
    image = blobs((9, 12, 10), oblique((1.0, 1.3, 0.9), (10, -50, 300)))
    back = from_ants(to_ants(image), image)
    assert (np.asarray(back.dataobj) == np.asarray(image.dataobj)).all()
    assert (back.affine == image.affine).all()


def test_another_shape_is_refused():
    small, large = blobs((9, 12, 10), np.eye(4)), blobs((10, 12, 10), np.eye(4))
    with pytest.raises(ValueError, match="shape"):
        from_ants(to_ants(small), large)


def test_header_codes_survive_and_scaling_does_not():
    image = blobs((9, 12, 10), oblique((1.0, 1.3, 0.9), (10, -50, 300)))
    image.set_sform(image.affine, code=4)
    image.set_qform(image.affine, code=1)
    labels = with_data(image, np.ones(image.shape, np.uint8))
    assert (labels.header["sform_code"], labels.header["qform_code"]) == (4, 1)
    assert labels.get_data_dtype() == np.uint8


def test_a_sheared_image_can_be_filtered():
    shear = np.eye(4)
    shear[0, 1] = 0.2
    image = blobs((20, 22, 18), shear)
    found = from_ants(ants.denoise_image(to_ants(image), p=1, r=2), image)
    assert (found.affine == shear).all()
    assert np.corrcoef(found.get_fdata().ravel(), image.get_fdata().ravel())[0, 1] > 0.99
