from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine

from cerebbids.imaging.pyramid import Level, pyramid

from .phantoms import oblique

AFFINE = oblique((1.0, 1.3, 0.9), (10, -50, 300))
SHAPE = (40, 36, 44)
SLOPE = np.array([2.0, -3.0, 5.0])


def ramp() -> nib.Nifti1Image:
    """Volume that rises by `SLOPE` per mm of the world."""
    voxels = np.stack(np.indices(SHAPE), axis=-1)
    return nib.Nifti1Image((apply_affine(AFFINE, voxels) @ SLOPE).astype(np.float32), AFFINE)


@pytest.mark.parametrize("name", ["coarse", "middle", "fine"])
def test_every_level_shows_the_same_world(name):
    level = getattr(pyramid(ramp()), name)
    points = apply_affine(AFFINE, np.random.default_rng(0).uniform(17, 19, (20, 3)))
    values, slopes, inside = level.at(points)
    assert inside.all()
    np.testing.assert_allclose(values, points @ SLOPE, atol=0.5)
    np.testing.assert_allclose(slopes, np.repeat(SLOPE[:, None], 20, axis=1), atol=0.05)


def test_points_outside_the_field_of_view_are_told():
    level = pyramid(ramp()).fine
    points = apply_affine(AFFINE, [[0, 0, 0], [-1, 5, 5], [39.4, 35.4, 43.4], [5, 36, 5]])
    assert level.at(points)[2].tolist() == [True, False, True, False]


def test_smoothing_reaches_the_same_width_from_any_voxel():
    widths = []
    for zooms in ((1.0, 1.0, 1.0), (0.6, 0.9, 1.5)):
        affine = np.diag([*zooms, 1.0])
        shape = np.ceil(30 / np.array(zooms)).astype(int)
        mm = np.stack(np.indices(shape), axis=-1) * zooms - 15
        spread = (0.4 * np.array(zooms)) ** 2  # what a voxel of this size makes of a point
        point = np.exp(-0.5 * (mm**2 / spread).sum(-1))
        smooth = pyramid(nib.Nifti1Image(point.astype(np.float32), affine)).middle
        voxels = np.stack(np.indices(smooth.data.shape), axis=-1)
        away = apply_affine(smooth.affine, voxels) - 15
        widths.append([np.sqrt(np.average(away[..., k] ** 2, weights=smooth.data)) for k in range(3)])
    np.testing.assert_allclose(widths[0], 2.4, rtol=0.08)
    np.testing.assert_allclose(widths[0], widths[1], rtol=0.08)


def test_thinning_keeps_the_middle_voxel():
    level = Level(np.zeros((197, 20, 9), np.float32), np.diag([1.0, 1.0, 2.0, 1.0]), np.zeros(3))
    thin = level.thinned(4)
    assert thin.voxel.tolist() == [4, 4, 4]
    positions = apply_affine(thin.affine, np.argwhere(thin.data == 0))
    assert {98.0, 98.0 - 96, 98.0 + 96} <= set(positions[:, 0])
    assert 10.0 in positions[:, 1]
