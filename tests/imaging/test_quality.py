from __future__ import annotations

import re

import nibabel as nib
import numpy as np
import pytest

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.quality import check_cavity, check_segmentation

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


def cavity_warnings(radius: float, centre: tuple[float, float, float] = (0, 0, 0), seen: slice = slice(None)):
    """Warnings about a ball in a field of view of 200 mm whose first axis runs from front to back."""
    affine = np.array([[0.0, 4, 0, -98], [-4, 0, 0, 98], [0, 0, 4, -98], [0, 0, 0, 1]])
    world = nib.affines.apply_affine(affine, np.moveaxis(np.indices((50, 50, 50)), 0, -1))
    ball = (np.linalg.norm(world - centre, axis=-1) < radius).astype(np.uint8)
    t1w = np.zeros(ball.shape, np.float32)
    t1w[seen] = 1
    return check_cavity(nib.Nifti1Image(ball, affine), nib.Nifti1Image(t1w, affine))


def test_a_usual_cavity_gives_no_warning():
    assert cavity_warnings(70) == ()


@pytest.mark.parametrize(("radius", "words"), [(50, "52[0-9] cm3"), (90, "30[0-9]{2} cm3"), (0, " 0 cm3")])
def test_cavity_that_nobody_has_is_told(radius, words):
    (warning,) = cavity_warnings(radius)
    assert re.search(words, warning) and "look at the figure" in warning


@pytest.mark.parametrize(
    ("centre", "side"), [((0, 50, 0), "anterior"), ((-50, 0, 0), "left"), ((0, 0, 50), "superior")]
)
def test_cavity_that_is_cut_off_is_told_with_its_side(centre, side):
    (warning,) = cavity_warnings(70, centre)
    assert f"at the {side} end" in warning
    area = float(re.search(r"\((\d+) cm2\)", warning).group(1))
    assert area == pytest.approx(np.pi * (7**2 - 4.8**2), rel=0.1)


def test_cavity_that_touches_the_edge_a_little_is_whole():
    assert cavity_warnings(70, (0, 0, -30)) == ()  # a cap of some cm2, as of the foramen magnum


def test_planes_of_nothing_but_zero_are_no_field_of_view():
    (warning,) = cavity_warnings(70, seen=np.s_[10:])
    assert "anterior end" in warning
