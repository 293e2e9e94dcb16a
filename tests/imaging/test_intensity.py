"""Noise and bias field put on the template's head must come off again."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.clean import clean_t1w
from cerebbids.imaging.denoise import denoise
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_brain_mask, whole_head_template

from .phantoms import oblique

SHAPE = (80, 90, 80)
AFFINE = oblique((2.5, 2.5, 2.5), (0, 0, 0))
AFFINE[:3, 3] = [0, -20, 5] - AFFINE[:3, :3] @ (np.array(SHAPE) / 2)


@pytest.fixture(scope="module")
def head() -> nib.Nifti1Image:
    image = resample(whole_head_template(), SHAPE, AFFINE)
    return nib.Nifti1Image(np.asarray(image.dataobj) / 10, AFFINE)


@pytest.fixture(scope="module")
def mask() -> nib.Nifti1Image:
    return resample(template_brain_mask(), SHAPE, AFFINE, order=0)


@pytest.fixture(scope="module")
def brain(mask) -> np.ndarray:
    return np.asarray(mask.dataobj) > 0


def test_denoising_comes_closer_to_the_truth(head, brain):
    clean = head.get_fdata()
    real, imaginary = np.random.default_rng(0).normal(0, 30, (2, *SHAPE))
    noisy = nib.Nifti1Image(np.hypot(clean + real, imaginary).astype(np.float32), AFFINE)
    found = denoise(noisy, np.eye(4), 2)
    assert (found.affine == AFFINE).all()
    error = np.abs(found.get_fdata() - clean)[brain].mean()
    assert error < 0.8 * np.abs(noisy.get_fdata() - clean)[brain].mean()


def test_an_asymmetric_bias_field_is_taken_out(head, mask, brain):
    x, y, z = np.meshgrid(*[np.linspace(-1, 1, n) for n in SHAPE], indexing="ij")
    field = np.exp(0.35 * x - 0.25 * y * z + 0.2 * z)
    found = correct_bias(nib.Nifti1Image((head.get_fdata() * field).astype(np.float32), AFFINE), mask, 2)
    assert (found.affine == AFFINE).all()
    without = correct_bias(head, mask, 2)
    inside = brain & (head.get_fdata() > 100)
    left = (found.get_fdata() / np.maximum(without.get_fdata(), 1))[inside]
    assert left.std() / left.mean() < 0.3 * field[inside].std() / field[inside].mean()
    assert np.isfinite(found.get_fdata()).all()


def test_from_a_file_to_a_clean_image_and_its_place(head, brain, tmp_path):
    field = np.exp(0.35 * np.linspace(-1, 1, SHAPE[0]))[:, None, None]
    nib.save(nib.Nifti1Image((head.get_fdata() * field).astype(np.float32), AFFINE), tmp_path / "T1w.nii.gz")
    found, place = clean_t1w(tmp_path / "T1w.nii.gz", 2)
    assert np.allclose(found.affine, AFFINE, atol=1e-4)
    assert np.abs(place.t1w_to_mni - np.eye(4))[:3, 3].max() < 6
    inside = brain & (head.get_fdata() > 100)
    without = correct_bias(denoise(head, np.eye(4), 2), brain_mask(head, np.eye(4), 0.0), 2)
    left = found.get_fdata() / np.maximum(without.get_fdata(), 1)

    def spread(ratio: np.ndarray) -> float:
        return float(np.ptp(np.percentile(ratio[inside], [5, 95])))

    assert spread(left) < 0.3 * spread(np.broadcast_to(field, SHAPE))
