from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from nibabel.affines import apply_affine

from cerebbids.systems.grid import CEREBELLUM_05MM, HEAD_2MM
from cerebbids.training.anatomies import FLUID_IDS, WHITE_IDS, around_cerebellum, head_on_grid, head_tissues
from cerebbids.training.atlas import COBRALAB_BRAINS, centroid_affine, clean_cobralab, cobralab_dseg, load_template

MARGIN = 10
"""Voxels of 0.5 mm around all labels."""
TO_MNI = nib.affines.from_matvec(np.diag([1.1, 0.95, 1.0]) @ nib.eulerangles.euler2mat(0.1, 0, 0.1), [5, -8, 3])


def voxels_of_labels(image: nib.Nifti1Image, to_mni: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last voxel of the fine box that any label reaches."""
    places = apply_affine(np.linalg.inv(CEREBELLUM_05MM.affine) @ to_mni @ image.affine, np.argwhere(image.dataobj))
    return places.min(0), places.max(0)


def assert_inside(image: nib.Nifti1Image, to_mni: np.ndarray) -> None:
    first, last = voxels_of_labels(image, to_mni)
    assert (first >= MARGIN).all() and (last <= np.array(CEREBELLUM_05MM.shape) - 1 - MARGIN).all()


def test_the_fine_box_holds_the_atlas_with_a_margin(kit: Path):
    path = kit / "adult" / "suit" / "tpl-MNI152NLin2009cSymC_atlas-Diedrichsen2009_dseg.nii.gz"
    assert_inside(nib.load(path), np.eye(4))


def test_the_fine_box_holds_the_label_library_with_a_margin(kit: Path):
    grid = CEREBELLUM_05MM.halved()
    template = load_template(kit, grid)
    for brain in COBRALAB_BRAINS:
        dseg = nib.load(cobralab_dseg(kit, brain))
        clean = clean_cobralab(dseg.slicer[::2, ::2, ::2])
        assert_inside(clean, np.linalg.inv(centroid_affine(clean, template, grid)))


@pytest.fixture(scope="module")
def head() -> nib.Nifti1Image:
    """Left white, right grey, fluid above, an id outside the skull behind; in a world of its own."""
    shape = (60, 70, 60)
    affine = np.linalg.inv(TO_MNI) @ nib.affines.from_matvec(2.5 * np.eye(3), [-75, -140, -95])
    x, y, z = np.moveaxis(apply_affine(TO_MNI @ affine, np.moveaxis(np.indices(shape), 0, -1)), -1, 0)
    labels = np.where(x < 0, WHITE_IDS[0], 3)
    labels[z > -40] = FLUID_IDS[0]
    labels[y < -90] = 530
    return nib.Nifti1Image(labels.astype(np.int16), affine)


def test_head_tissues_lie_where_they_are_in_template_space(head: nib.Nifti1Image):
    found = head_tissues(head, TO_MNI)
    grid = CEREBELLUM_05MM.halved()
    x, y, z = np.moveaxis(apply_affine(grid.affine, np.moveaxis(np.indices(grid.shape), 0, -1)), -1, 0)
    sure = (np.abs(x) > 4) & (np.abs(z + 40) > 4) & (np.abs(y + 90) > 4)
    inside = sure & (y > -90)
    truth = (z > -40, (z < -40) & (x > 0), (z < -40) & (x < 0))
    for share, here in zip(found["shares"], truth, strict=True):
        assert (share[inside & here] == 255).all() and not share[inside & ~here].any()
    behind = sure & (y < -90)
    assert (found["outside"][behind] == 530).all() and not found["outside"][inside].any()
    assert not found["shares"][:, behind].any()


def test_a_head_on_its_grid_keeps_its_ids(head: nib.Nifti1Image):
    found = head_on_grid(head, TO_MNI)
    assert found.shape == HEAD_2MM.shape and found.dtype == np.int16
    assert set(np.unique(found)) <= {0, *np.unique(np.asarray(head.dataobj))}
    place = np.linalg.inv(HEAD_2MM.affine) @ [-20, -40, -60, 1]
    assert found[tuple(place[:3].round().astype(int))] == WHITE_IDS[0]


def test_voxels_around_the_cerebellum_are_the_image_s_own():
    affine = np.linalg.inv(TO_MNI) @ nib.affines.from_matvec(2.5 * np.eye(3), [-110, -140, -100])
    data = np.arange(90 * 90 * 80, dtype=np.float32).reshape(90, 90, 80)
    found = around_cerebellum(nib.Nifti1Image(data, affine), TO_MNI)
    assert not np.array(found.shape) % 2 @ np.ones(3)
    first = np.array(np.unravel_index(int(found[0, 0, 0]), data.shape))
    box = tuple(slice(start, start + side) for start, side in zip(first, found.shape, strict=True))
    assert np.array_equal(found, data[box])
    low, high = (apply_affine(TO_MNI @ affine, first), apply_affine(TO_MNI @ affine, first + found.shape - 1))
    assert (low < np.array(CEREBELLUM_05MM.origin) - 2).all()
    assert (high > np.array(CEREBELLUM_05MM.origin) + np.array(CEREBELLUM_05MM.shape) / 2).all()
