import nibabel as nib
import numpy as np
import pytest

from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.reports.closeups import STEP, VIEW
from cerebbids.reports.doubt import BANDS, doubt_check, tinted
from cerebbids.systems.grid import CEREBELLUM_05MM

from .phantom import grids, rotation
from .test_superres import shown

SPOT = np.array([-25.0, -71.75, -35.0])
"""A place on the left, in the first coronal cut: right, anterior, superior (mm) of the working space."""


def test_bands_grow_brighter_and_are_exact():
    scan = np.full((1, 6), 128, np.uint8)
    colors = tinted(scan, np.array([[0.96, 0.94, 0.7, 0.6, 0.4, 0.1]])).astype(float)[0]
    assert colors[0].tolist() == [128, 128, 128]
    brightness = colors[1:] @ (0.2126, 0.7152, 0.0722)
    assert len(BANDS) == 5 and (np.diff(brightness) > 8).all()


@pytest.mark.parametrize("grid", ["RAS", "oblique LAS", "anisotropic"])
def test_colour_is_where_the_label_is_doubtful_and_nowhere_else(grid, tmp_path):
    shape, affine = grids()[grid]
    to_mni = rotation(10, 0)
    to_mni[:3, 3] = 3, -12, -14
    world = nib.affines.apply_affine(to_mni @ affine, np.moveaxis(np.indices(shape), 0, -1))
    sure = np.where(np.linalg.norm(world - SPOT, axis=-1) < 6, 0.4, 1.0).astype(np.float32)
    nib.save(nib.Nifti1Image(sure, affine), tmp_path / "confidence.nii")
    write_itk_affine(to_mni, tmp_path / "xfm.txt")
    scan = np.full(CEREBELLUM_05MM.shape, 150, np.float32)
    nib.save(nib.Nifti1Image(scan, CEREBELLUM_05MM.affine), tmp_path / "superres.nii")
    doubt_check(*(tmp_path / name for name in ("superres.nii", "confidence.nii", "xfm.txt", "doubt.svg")))
    drawn = shown(tmp_path / "doubt.svg")
    assert len(drawn) == 7
    front, behind, texts = drawn[0]
    assert texts[2].startswith("doubt, y = ") and texts[3].startswith("super-resolved, y = ")
    colored = np.ptp(front, axis=-1) > 40
    rows, columns = np.nonzero(colored)
    where = VIEW.low[0] + STEP * (columns.mean() + 0.5), VIEW.high[2] - STEP * (rows.mean() + 0.5)
    assert np.allclose(where, SPOT[[0, 2]], atol=0.7)
    assert colored.sum() == pytest.approx(np.pi * 6.3**2 / STEP**2, rel=0.15)  # the border is read linearly
    assert behind.ndim == 2 and np.ptp(behind[20:-20, 20:-20]) < 3  # the scan alone, in grey
    assert np.ptp(drawn[1][0], axis=-1).max() < 12  # another cut, where all is certain
