"""The template's brain, made lopsided, stands in for a person's: whatever its motion, it must be found."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import from_matvec

from cerebbids.imaging.pyramid import pyramid
from cerebbids.imaging.resample import resample
from cerebbids.imaging.rigid import PersonModel, person_model, register_rigidly
from cerebbids.imaging.t2wcheck import MIN_SHARPNESS, measure_cover, measure_sharpness
from cerebbids.imaging.template import template_t1w
from tests.imaging.contrasts import cerebellum_distance, rigid, t2w_of
from tests.imaging.phantoms import blobs

PLACED = from_matvec(np.diag([0.95, 0.9, 0.93]) @ nib.eulerangles.euler2mat(0.1, -0.2, 0.3), [40, -30, 70])
"""World of the template -> world of the person."""
MIDDLE = (PLACED @ [0, -20, 5, 1])[:3]


@pytest.fixture(scope="module")
def t1w() -> nib.Nifti1Image:
    template = template_t1w()
    uneven = blobs(template.shape[:3], template.affine)
    data = 1000 * np.asarray(template.dataobj) * (0.8 + 0.4 * np.asarray(uneven.dataobj))
    data[:60] *= 0.9
    grid = from_matvec(np.diag([-1.5, 1.5, 1.5]), [98, -134, -72])
    return resample(nib.Nifti1Image(data, template.affine), (131, 155, 126), PLACED @ grid, np.linalg.inv(PLACED))


@pytest.fixture(scope="module")
def model(t1w) -> PersonModel:
    return person_model(t1w, np.linalg.inv(PLACED))


@pytest.mark.parametrize(
    ("angles", "shift", "turned"),
    [((3, -2, 4), (2, 5, -3), ((0, 1), (1, 1), (2, 1))), ((-6, 5, -7), (60, -40, 90), ((2, -1), (0, 1), (1, -1)))],
)
def test_motion_is_found_whatever_the_header_says_and_however_voxels_are_stored(t1w, model, angles, shift, turned):
    motion = rigid(angles, shift, MIDDLE)
    t2w = t2w_of(t1w, 800, motion, (1.5, 1.5, 2), bias=0.08).as_reoriented(np.array(turned))
    levels = pyramid(t2w)
    fit = register_rigidly(levels, model)
    found = fit.mni_to_t1w @ np.linalg.inv(model.frame)
    assert cerebellum_distance(found, motion, np.linalg.inv(PLACED)) < 0.5
    np.testing.assert_allclose(found[:3, :3] @ found[:3, :3].T, np.eye(3), atol=1e-9)
    assert np.linalg.det(found) > 0
    assert min(measure_cover(levels, found, np.linalg.inv(PLACED))) > 0.98


def test_refinement_begins_where_it_is_told(t1w, model):
    motion = rigid((0, 0, 2), (3, 0, 0), MIDDLE)
    levels = pyramid(t2w_of(t1w, 800, motion, (1.5, 1.5, 1.5), bias=0.08))
    fit = register_rigidly(levels, model, near=rigid((1, 0, 1), (1, 2, 0), MIDDLE) @ model.frame)
    found = fit.mni_to_t1w @ np.linalg.inv(model.frame)
    assert cerebellum_distance(found, motion, np.linalg.inv(PLACED)) < 0.5
    assert measure_sharpness(levels, model, fit) > MIN_SHARPNESS
