"""The whole-head template stands in for a head: wherever it is put, it must be found there."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine, from_matvec

from cerebbids.errors import RegistrationFailed
from cerebbids.imaging import registration
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.registration import Place, locate_brain, register_to_mni
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_brain_mask, template_t1w, whole_head_template

GRID = from_matvec(np.diag([-2.0, 2.0, 2.0]), [92, -128, -90])
SHAPE = (92, 110, 100)
FAR = from_matvec(np.diag([0.92, 0.9, 0.88]) @ nib.eulerangles.euler2mat(0.1, -0.2, 0.3), [400, -300, 700])
"""World of the template -> world of a smaller, turned head far away."""


def head(world_map: np.ndarray, shape=SHAPE, affine=None, brain_only: bool = False) -> nib.Nifti1Image:
    """Template where `world_map` puts it: the whole head, or the working space's brain."""
    source = template_t1w() if brain_only else whole_head_template()
    affine = world_map @ GRID if affine is None else affine
    return resample(source, shape, affine, np.linalg.inv(world_map))


def distance(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest distance in mm, over a box about the cerebellum, between two template -> image affines."""
    corners = np.array(np.meshgrid([-50, 50], [-95, -30], [-65, -5])).reshape(3, -1).T
    return float(np.linalg.norm(apply_affine(found, corners) - apply_affine(expected, corners), axis=1).max())


@pytest.fixture(scope="module")
def own_affine() -> np.ndarray:
    """Working space -> whole-head template, which is not quite the identity."""
    return np.linalg.inv(register_to_mni(head(np.eye(4)), 2).t1w_to_mni)


def test_a_stripped_brain_is_found_where_it_was_put():
    result = register_to_mni(head(FAR, brain_only=True), 2)
    assert result.skull_stripped
    assert distance(np.linalg.inv(result.t1w_to_mni), FAR) < 0.3
    assert result.determinant == pytest.approx(1 / np.linalg.det(FAR), rel=0.02)
    assert result.overlap > 0.97
    assert result.correlation > 0.95
    assert not result.attempts[-1].refused


def test_a_full_head_is_found_where_it_was_put(own_affine):
    result = register_to_mni(head(FAR), 2)
    assert not result.skull_stripped
    assert distance(np.linalg.inv(result.t1w_to_mni), FAR @ own_affine) < 0.5


def test_the_way_a_file_stores_its_voxels_does_not_matter(own_affine):
    turned = head(np.eye(4)).as_reoriented(np.array([[2, -1], [0, 1], [1, -1]]))
    found = np.linalg.inv(register_to_mni(turned, 2).t1w_to_mni)
    assert distance(found, own_affine) < 0.1


def test_a_mirrored_array_gives_the_mirrored_affine(own_affine):
    turned = FAR @ own_affine
    straight = head(FAR)
    flipped = nib.Nifti1Image(np.asarray(straight.dataobj)[::-1].copy(), straight.affine)
    flip = from_matvec(np.diag([-1.0, 1, 1]), [SHAPE[0] - 1, 0, 0])
    mirror = straight.affine @ flip @ np.linalg.inv(straight.affine)
    found = np.linalg.inv(register_to_mni(flipped, 2).t1w_to_mni)
    assert np.linalg.det(found) > 0
    assert distance(found, mirror @ turned @ np.diag([-1.0, 1, 1, 1])) < 0.5


def test_sheared_axes(own_affine):
    shear = np.eye(4)
    shear[1, 2] = 0.15
    sheared = head(np.eye(4), affine=shear @ GRID)
    assert distance(np.linalg.inv(register_to_mni(sheared, 2).t1w_to_mni), own_affine) < 0.3


def test_a_cropped_neck_does_not_matter(own_affine):
    cropped = head(np.eye(4)).slicer[:, :, 8:]
    assert distance(np.linalg.inv(register_to_mni(cropped, 2).t1w_to_mni), own_affine) < 0.3


def test_an_image_without_a_brain_is_refused():
    blob = np.indices(SHAPE).sum(axis=0) % 7 + np.random.default_rng(1).random(SHAPE)
    with pytest.raises(RegistrationFailed, match="cannot be brought onto the template") as caught:
        register_to_mni(nib.Nifti1Image(blob.astype(np.float32), GRID), 2)
    assert "correlation" in caught.value.reason


def test_a_header_that_makes_a_giant_of_a_brain_is_refused():
    giant = head(np.eye(4), brain_only=True)
    giant = nib.Nifti1Image(np.asarray(giant.dataobj), np.diag([1.35, 1.35, 1.35, 1]) @ giant.affine)
    with pytest.raises(RegistrationFailed, match=r"a brain of [34]\d{3} cm3") as caught:
        register_to_mni(giant, 2)
    assert "voxel size" in caught.value.mend


def test_a_brain_with_dark_white_matter_is_refused():
    brain = head(np.eye(4), brain_only=True)
    data = np.asarray(brain.dataobj)
    inverted = np.where(data > 0.2 * data.max(), 1.2 * data.max() - data, 0)
    with pytest.raises(RegistrationFailed, match="white matter 0.* times as bright as grey"):
        register_to_mni(nib.Nifti1Image(inverted, brain.affine), 2)


def test_the_brain_is_located_with_a_margin():
    image = head(FAR)
    mask = np.asarray(brain_mask(image, locate_brain(image, 2).t1w_to_mni, 6.0).dataobj) > 0
    brain = resample(template_brain_mask(), SHAPE, image.affine, np.linalg.inv(FAR), order=0).get_fdata() > 0
    assert mask[brain].mean() > 0.99
    assert mask.sum() < 1.7 * brain.sum()


def test_a_known_place_leads_to_the_same_affine_without_a_search(own_affine, monkeypatch):
    image = head(np.eye(4))
    place = locate_brain(image, 2)
    monkeypatch.setattr(registration, "_candidates", lambda *_: 1 / 0)
    result = register_to_mni(image, 2, place)
    assert distance(np.linalg.inv(result.t1w_to_mni), own_affine) < 0.05
    assert result.strategy == place.strategy and len(result.attempts) == 1


def test_a_wrong_place_is_no_obstacle(own_affine):
    wrong = Place(from_matvec(np.eye(3), [90, 0, 60]), "wrong")
    result = register_to_mni(head(np.eye(4)), 2, wrong)
    assert distance(np.linalg.inv(result.t1w_to_mni), own_affine) < 0.05
    assert result.attempts[0].strategy == "wrong" and result.attempts[0].refused
