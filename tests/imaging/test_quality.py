from __future__ import annotations

import nibabel as nib
import numpy as np
import pytest

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.quality import check_segmentation

SCHEME = load_scheme("Lobules")
AFFINE = np.diag([-2.0, 2.0, 2.0, 1.0])


def cerebellum(left_share: float = 0.5, white: float = 0.2, cm3: float = 130.0) -> np.ndarray:
    """Labels in the middle of a field of view, of chosen size and proportions."""
    total = cm3 * 1000 / 8
    counts = []
    for label in SCHEME.labels:
        side = left_share if label.hemisphere == "left" else 1 - left_share
        counts.append(round(total * side * (white if label.tissue == "WM" else (1 - white) / 12)))
    voxels = np.zeros((40, 40, 40), np.uint8)
    inner = np.zeros(38**3, np.uint8)
    inner[: sum(counts)] = np.repeat(SCHEME.indices, counts)
    voxels[1:-1, 1:-1, 1:-1] = inner.reshape(38, 38, 38)
    return voxels


def warnings(voxels: np.ndarray) -> tuple[str, ...]:
    t1w = nib.Nifti1Image(np.ones(voxels.shape, np.float32), AFFINE)
    return check_segmentation(nib.Nifti1Image(voxels, AFFINE), t1w)


def test_a_usual_cerebellum_gives_no_warning():
    assert warnings(cerebellum()) == ()


@pytest.mark.parametrize(
    ("voxels", "words"),
    [
        (cerebellum(cm3=90), "90 cm3"),
        (cerebellum(cm3=210), "210 cm3"),
        (cerebellum(left_share=0.6), "78 cm3 on the left, 52 cm3 on the right"),
        (cerebellum(white=0.05), "5 % of the cerebellum"),
        (cerebellum(white=0.4), "40 % of the cerebellum"),
        (np.where(cerebellum() == 108, 107, cerebellum()), "Right VIIB was not found"),
        (np.roll(cerebellum(), -1, axis=0), "edge of the field of view"),
        (np.roll(cerebellum(), (0, 0, -1), axis=(0, 1, 2)), "edge of the field of view"),
    ],
)
def test_each_oddity_gives_one_warning(voxels, words):
    (warning,) = warnings(voxels)
    assert words in warning


def test_nothing_found_warns_without_failing():
    found = warnings(np.zeros((40, 40, 40), np.uint8))
    assert "0 cm3" in found[0]
    assert sum("was not found" in warning for warning in found) == 26


def test_images_on_two_grids_are_refused():
    labels = nib.Nifti1Image(cerebellum(), AFFINE)
    with pytest.raises(ValueError, match="same grid"):
        check_segmentation(labels, nib.Nifti1Image(np.ones((40, 40, 40)), np.eye(4)))
