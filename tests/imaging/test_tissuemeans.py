"""Tissue means of phantoms whose means are known, and of people whose tissues were drawn by hand."""

from functools import cache
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage

from cerebbids.errors import BadImage
from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.conform import conform
from cerebbids.imaging.resample import resample
from cerebbids.imaging.standard import scale_tissues
from cerebbids.imaging.template import template_brain_mask, template_tissues
from cerebbids.imaging.tissuemeans import TARGETS, TissueMeans, scale_to_means, tissue_means

from .phantoms import oblique

SHAPE = (112, 128, 104)
AFFINE = oblique((1.5, 1.5, 1.5), (0, 0, 0))
AFFINE[:3, 3] = [0, -20, 12] - AFFINE[:3, :3] @ (np.array(SHAPE) / 2)
TRUTH = (200.0, 620.0, 900.0)


@cache
def anatomy() -> np.ndarray:
    """Shares of fluid, grey and white matter (3, X, Y, Z) of the template, as voxels of 1.5 mm see them."""
    grey, white = (np.asarray(tissue.dataobj) for tissue in template_tissues())
    brain = np.asarray(template_brain_mask().dataobj) > 0
    fluid = np.clip(brain - grey - white, 0, 1)
    named = np.stack([fluid, grey, white]).argmax(0)
    shares = []
    for tissue in range(3):
        seen = ndimage.gaussian_filter((brain & (named == tissue)).astype(np.float32), 1.5 / 2.3548)
        shares.append(resample(nib.Nifti1Image(seen, template_brain_mask().affine), SHAPE, AFFINE).get_fdata())
    return np.stack(shares)


def inside() -> nib.Nifti1Image:
    return nib.Nifti1Image((anatomy().sum(0) > 0.5).astype(np.uint8), AFFINE)


def painted(shares: np.ndarray, truth: tuple[float, ...] = TRUTH, noise: float = 0.02) -> nib.Nifti1Image:
    """Image with Rician noise in parts of white matter's brightness."""
    clean = np.tensordot(np.array(truth), shares, 1)
    real, imaginary = np.random.default_rng(0).normal(0, noise * truth[2], (2, *clean.shape))
    return nib.Nifti1Image(np.hypot(clean + real, imaginary).astype(np.float32), AFFINE)


def with_fluid(shares: np.ndarray, where: np.ndarray) -> np.ndarray:
    changed = shares.copy()
    changed[:, where] = 0
    changed[0, where] = 1
    return changed


def lesions() -> np.ndarray:
    """Dark blobs, about a tenth of the white matter."""
    noise = ndimage.gaussian_filter(np.random.default_rng(1).standard_normal(SHAPE), 2)
    white = anatomy()[2] > 0.9
    shares = anatomy().copy()
    blobs = white & (noise > np.quantile(noise[white], 0.9))
    shares[:, blobs] = np.array([0.3, 0.7, 0.0])[:, None]
    return shares


def wide_ventricles() -> np.ndarray:
    """Fluid in a fifth of the brain's white matter, where it is deepest."""
    white = anatomy()[2] > 0.5
    depth = ndimage.distance_transform_edt(anatomy().sum(0) > 0.5)
    return with_fluid(anatomy(), white & (depth > np.quantile(depth[white], 0.8)))


CASES = {
    "plain": (anatomy, TRUTH, 0.02),
    "noisy": (anatomy, TRUTH, 0.06),
    "low contrast": (anatomy, (300.0, 740.0, 900.0), 0.02),
    "dark grey": (anatomy, (100.0, 480.0, 900.0), 0.03),
    "small numbers": (anatomy, (0.2, 0.62, 0.9), 0.02),
    "lesions": (lesions, TRUTH, 0.03),
    "wide ventricles": (wide_ventricles, TRUTH, 0.03),
}


@pytest.mark.parametrize("case", CASES)
def test_means_of_a_phantom_are_found(case: str):
    make, truth, noise = CASES[case]
    found = tissue_means(painted(make(), truth, noise), inside(), np.eye(4))
    assert found.wm == pytest.approx(truth[2], rel=0.03)
    assert found.gm == pytest.approx(truth[1], rel=0.06)
    assert found.csf == pytest.approx(truth[0], abs=0.08 * truth[2])


def test_a_standard_image_has_its_tissues_at_their_targets():
    image = painted(anatomy())
    found = scale_tissues(image, inside(), np.eye(4))
    assert (found.image.affine == AFFINE).all()
    data = found.image.get_fdata()
    for share, target, within in zip(anatomy(), TARGETS, (20, 12, 8), strict=True):
        assert np.median(data[share > 0.98]) == pytest.approx(target, abs=within)


def test_the_unit_of_the_image_does_not_matter():
    image = painted(anatomy())
    louder = nib.Nifti1Image(37 * image.get_fdata(dtype=np.float32), AFFINE)
    one, other = (scale_tissues(each, inside(), np.eye(4)).image.get_fdata() for each in (image, louder))
    assert np.abs(one - other)[np.asarray(inside().dataobj) > 0].max() < 2


@pytest.mark.parametrize("brightness", ["even", "only fluid"])
def test_tissues_that_cannot_be_told_apart_are_refused(brightness: str):
    data = anatomy().sum(0) if brightness == "even" else anatomy()[0] * (anatomy()[2] < 0.01)
    with pytest.raises(BadImage, match="tissues that cannot be told apart"):
        tissue_means(nib.Nifti1Image(data.astype(np.float32), AFFINE), inside(), np.eye(4))


def test_scaling_joins_the_means_by_straight_lines():
    means = TissueMeans(20, 40, 60)
    rising = scale_to_means(np.linspace(0, 120, 500), means)
    assert (np.diff(rising) > 0).all()
    shares = np.array([[0.5, 0.5, 0], [0, 0.25, 0.75], [0, 0, 1.2]])
    found = scale_to_means(shares @ [20, 40, 60], means)
    np.testing.assert_allclose(found[:2], (shares @ TARGETS)[:2])
    assert found[2] == pytest.approx(310)  # 12 above white matter at the slope of its last piece


@pytest.mark.parametrize("means", [(30, 20, 60), (20, 60, 60), (-1, 20, 60), (float("nan"), 20, 60)])
def test_means_that_do_not_rise_are_refused(means: tuple[float, ...]):
    with pytest.raises(ValueError, match="have to rise"):
        TissueMeans(*means)


def box_to_box(brain: nib.Nifti1Image) -> np.ndarray:
    """Rough way from a brain to the template's: the ends of the two in the world become the same."""

    def ends(image: nib.Nifti1Image) -> np.ndarray:
        places = nib.affines.apply_affine(image.affine, np.argwhere(image.dataobj))
        return np.quantile(places, [0.01, 0.99], axis=0)

    own, template = ends(brain), ends(template_brain_mask())
    scale = np.ptp(template, axis=0) / np.ptp(own, axis=0)
    return nib.affines.from_matvec(np.diag(scale), template[0] - scale * own[0])


GREY_IDS, WHITE_IDS = range(100, 208), (44, 45)
"""Neuromorphometrics: cortex, and cerebral white matter."""


@pytest.mark.parametrize("person", ["1000", "1125"])
def test_means_agree_with_manual_labels(person: str, kit: Path):
    """Against the medians of all voxels that hands called cortex, and of the inner ones called white matter."""
    t1w = conform(kit / "adult" / "oasis" / f"{person}_T1w.nii.gz").image
    manual = np.asarray(nib.load(kit / "adult" / "oasis" / f"{person}_dseg.nii.gz").dataobj).squeeze()
    brain = nib.Nifti1Image((manual > 0).astype(np.uint8), t1w.affine)
    clean = correct_bias(t1w, brain, 2)
    found, data = tissue_means(clean, brain, box_to_box(brain)), clean.get_fdata()
    white = np.median(data[ndimage.binary_erosion(np.isin(manual, WHITE_IDS))])
    grey = np.median(data[np.isin(manual, GREY_IDS)])
    assert found.wm == pytest.approx(white, rel=0.03)
    assert found.gm == pytest.approx(grey, rel=0.1)
