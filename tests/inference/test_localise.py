from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from nibabel.affines import apply_affine

from cerebbids.errors import SegmentationFailed
from cerebbids.inference import localise as module
from cerebbids.inference.localise import (
    BRAINSTEM,
    CEREBELLUM,
    CEREBRUM,
    SHAPE,
    SPACING,
    bright_centre,
    grid_around,
    is_cut_out,
    localise,
    place_input,
)

from .phantoms import left_handed, world_of

CPU = torch.device("cpu")
LEVELS = np.float32([0.0, 0.22, 1.0, 0.38])
"""Brightness of outside, cerebrum, cerebellum and brainstem in the phantom."""
BRAIN = ((0.0, 10.0, 20.0), (55.0, 70.0, 45.0))
PARTS = (((16.0, -40.0, -38.0), (42.0, 22.0, 14.0)), ((0.0, 4.0, -40.0), (13.0, 12.0, 18.0)))
"""Centres and radii, mm: cerebellum (to the right of the middle) and brainstem."""


class ByBrightness(torch.nn.Module):
    """Knows the phantom's classes by thresholds; what is as bright as brainstem is edge where it is thin."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        stem = ((x > 0.28) & (x <= 0.5)).float()
        stem = -torch.nn.functional.max_pool3d(-stem, 3, 1, 1)
        stem = torch.nn.functional.max_pool3d(stem, 3, 1, 1)
        cerebellum = (x > 0.5).float()
        cerebrum = (x > 0.11).float() * (1 - cerebellum) * (1 - stem)
        return 20 * torch.cat([1 - cerebrum - cerebellum - stem, cerebrum, cerebellum, stem], 1)


def classes_at(world: np.ndarray, move: tuple[float, ...] = (0, 0, 0)) -> np.ndarray:
    """Classes of the phantom at points of the world (..., 3)."""
    found = np.zeros(world.shape[:-1], np.uint8)
    for value, (centre, radii) in ((1, BRAIN), *zip((CEREBELLUM, BRAINSTEM), PARTS, strict=True)):
        found[np.linalg.norm((world - centre - move) / radii, axis=-1) < 1] = value
    return found


def painted(affine: np.ndarray, shape: tuple[int, ...], move: tuple[float, ...] = (0, 0, 0)):
    """Image of the phantom on a grid, and its classes there."""
    truth = classes_at(world_of(shape, affine), move)
    return nib.Nifti1Image(800 * LEVELS[truth], affine), truth


def centred(axes: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return nib.affines.from_matvec(axes, np.array([3, -5, 0.0]) - axes @ ((np.array(shape) - 1) / 2))


def check(image: nib.Nifti1Image, truth: np.ndarray) -> None:
    place = localise(ByBrightness(), image, "sub-1", CPU)
    labels = np.asarray(place.labels.dataobj)
    assert np.array_equal(place.labels.affine, image.affine) and labels.dtype == np.uint8
    assert set(np.unique(labels)) == {0, CEREBRUM, CEREBELLUM, BRAINSTEM}
    for value, cm3 in ((CEREBELLUM, place.cerebellum_cm3), (BRAINSTEM, place.brainstem_cm3)):
        a, b = labels == value, truth == value
        assert 2 * (a & b).sum() / (a.sum() + b.sum()) > (0.93 if value == CEREBELLUM else 0.75)
        assert cm3 == pytest.approx(a.sum() * abs(np.linalg.det(image.affine[:3, :3])) / 1000, rel=1e-4)
    middles = [apply_affine(image.affine, np.argwhere(mask == CEREBELLUM).mean(0)) for mask in (labels, truth)]
    assert np.abs(middles[0] - middles[1]).max() < 0.4  # a shift by half a voxel of the network would be 1.25 mm
    assert not place.cut


@pytest.mark.parametrize("order", list(permutations(range(3)))[1::2])
def test_orientation_codes_do_not_matter(order: tuple[int, ...]):
    signs = list(product((-1, 1), repeat=3))[sum(order[:2]) * 2 % 8]
    zooms = np.array((2.0, 1.8, 2.2))
    axes = np.zeros((3, 3))
    axes[list(order), range(3)] = signs * zooms
    shape = tuple(round((170, 200, 160)[axis] / zoom) for axis, zoom in zip(order, zooms, strict=True))
    check(*painted(centred(axes, shape), shape))


@pytest.mark.parametrize("seed", range(2))
def test_oblique_grids_and_uneven_voxels_do_not_matter(seed: int):
    shape = (90, 84, 100)
    affine = left_handed((2.1, 2.3, 1.9 + 0.4 * seed), shape, np.array([4.0, 2.0, seed * 7.3]))
    check(*painted(affine, shape))


def test_a_bright_neck_below_does_not_hide_the_cerebellum():
    shape = (80, 90, 150)
    axes = np.diag((2.2, 2.2, 2.2))
    affine = nib.affines.from_matvec(axes, [-88.0, -100, -250])
    image, truth = painted(affine, shape)
    data = np.asarray(image.dataobj)
    world = world_of(shape, affine)
    neck = (np.hypot(world[..., 0], world[..., 1]) < 40) & (world[..., 2] < -70)
    data[neck] = 0.22 * 800
    assert bright_centre(image)[2] > -70
    place = localise(ByBrightness(), image, "sub-1", CPU)
    assert np.count_nonzero((np.asarray(place.labels.dataobj) == CEREBELLUM) & (truth == CEREBELLUM)) > 0.9 * (
        np.count_nonzero(truth == CEREBELLUM)
    )


def test_the_second_look_is_around_the_brain(monkeypatch: pytest.MonkeyPatch):
    """A first look that is so far off that a part of the cerebellum is not seen does not decide."""
    image, truth = painted(centred(np.eye(3) * 2, (90, 100, 85)), (90, 100, 85))
    monkeypatch.setattr(module, "bright_centre", lambda _: np.array([0.0, 60.0, 55.0]))
    check(image, truth)


def test_only_the_largest_piece_of_cerebellum_stays():
    image, truth = painted(centred(np.eye(3) * 2, (90, 100, 85)), (90, 100, 85))
    blob = np.linalg.norm(world_of(image.shape, image.affine) - (0, 60, 30), axis=-1) < 9
    np.asarray(image.dataobj)[blob] = 800
    labels = np.asarray(localise(ByBrightness(), image, "sub-1", CPU).labels.dataobj)
    assert not (labels[blob] == CEREBELLUM).any() and (labels[truth == CEREBELLUM] == CEREBELLUM).mean() > 0.9


@pytest.mark.parametrize(("lowest", "cut"), [(-60.0, False), (-42.0, True), (-35.0, True)])
def test_a_field_of_view_that_ends_in_the_cerebellum_is_told(lowest: float, cut: bool):
    axes = np.diag((-2.0, 2, 2))
    image, _ = painted(nib.affines.from_matvec(axes, [88, -98, lowest]), (88, 100, 70))
    assert localise(ByBrightness(), image, "sub-1", CPU).cut == cut


def test_an_image_without_cerebellum_is_refused_in_a_line():
    image, truth = painted(centred(np.eye(3) * 2, (90, 100, 85)), (90, 100, 85))
    data = np.asarray(image.dataobj)
    data[truth > 1] = 0
    with pytest.raises(SegmentationFailed, match="^sub-9: no cerebellum is found in it; ") as refused:
        localise(lambda x: ByBrightness()(0.22 * x), image, "sub-9", CPU)
    assert "\n" not in str(refused.value)
    nothing = nib.Nifti1Image(np.zeros((20, 20, 20), np.float32), np.eye(4))
    with pytest.raises(SegmentationFailed, match="no cerebellum"):
        localise(ByBrightness(), nothing, "sub-9", CPU)


@pytest.mark.parametrize("scale", [0.55, 2.0])
def test_a_cerebellum_of_a_volume_that_none_has_is_refused(scale: float):
    image, _ = painted(centred(np.eye(3) * 2, (90, 100, 85)), (90, 100, 85))
    other = nib.Nifti1Image(np.asarray(image.dataobj), np.diag([scale, scale, scale, 1]) @ image.affine)
    with pytest.raises(SegmentationFailed, match=r"implausible \(\d+ cm3\)"):
        localise(ByBrightness(), other, "sub-1", CPU)


def test_the_answer_is_the_mean_of_an_image_and_its_mirror_image():
    """A network that shifts everything to one side is right on average."""

    class Leaning(ByBrightness):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.roll(1, 2)) / 10

    image, truth = painted(centred(np.eye(3) * 2, (90, 100, 85)), (90, 100, 85))
    labels = np.asarray(localise(Leaning(), image, "sub-1", CPU).labels.dataobj)
    middles = [np.argwhere(mask == CEREBELLUM).mean(0)[0] for mask in (labels, truth)]
    assert abs(middles[0] - middles[1]) < 0.3


def test_the_scale_does_not_depend_on_units_air_or_a_wild_voxel():
    rng = np.random.default_rng(0)
    image = np.where(rng.random((30, 30, 30)) < 0.3, rng.uniform(50, 100, (30, 30, 30)), 0).astype(np.float32)
    told = place_input(image)
    assert told.shape == (1, 30, 30, 30) and float(told[0][image > 97].min()) > 0.95
    assert torch.allclose(place_input(image * 17), told, atol=1e-5)
    assert torch.allclose(place_input(np.pad(image, 10))[:, 10:-10, 10:-10, 10:-10], told, atol=1e-5)
    wild = image.copy()
    wild[0, 0, 0] = 1e6
    assert torch.allclose(place_input(wild)[:, 1:], told[:, 1:], atol=0.01)
    assert not place_input(np.zeros((4, 4, 4), np.float32)).any()


def test_the_grid_lies_around_its_centre():
    grid = grid_around(np.array([1.0, -2, 3]))
    assert grid.shape == SHAPE and grid.spacing == SPACING and all(n % 8 == 0 for n in SHAPE)
    ends = apply_affine(grid.affine, [[0, 0, 0], np.array(SHAPE) - 1])
    assert ends.mean(0) == pytest.approx([1, -2, 3])


def test_cut_outs_of_the_kit_are_known(kit: Path):
    for path in sorted((kit / "infant" / "bcp24").glob("*_T1w.nii.gz"))[::6]:
        assert is_cut_out(nib.load(path))
    assert not is_cut_out(nib.load(kit / "adult" / "heads" / "chris_T1w.nii.gz"))
    brain = nib.load(next((kit / "adult" / "brains").glob("*_T1w.nii.gz")))
    assert not is_cut_out(brain)
    youngest = nib.load(kit / "infant" / "headmaps" / "age-01mo_aseg.nii.gz")
    stripped = nib.Nifti1Image((np.asarray(youngest.dataobj) > 0).astype(np.float32), youngest.affine)
    assert not is_cut_out(stripped)


def test_a_small_field_of_view_is_no_cut_out():
    """A slab without air has no zeros, however small it is."""
    assert not is_cut_out(nib.Nifti1Image(np.ones((50, 50, 50), np.float32), np.eye(4)))


class Handed(torch.nn.Module):
    """Is sure of what it says only where the brightest lies in the lower half of the second axis."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = ByBrightness()(x)
        at = torch.argwhere(x[0, 0] > 0.5)[:, 1].float().mean() if (x[0, 0] > 0.5).any() else 0.0
        return logits if at < x.shape[3] / 2 else logits / 10


@pytest.mark.parametrize("front", [1, -1])
def test_a_cut_out_is_taken_as_its_anatomy_lies(front: int):
    image, truth = painted(centred(np.diag([2.0, 2, 2]), (100, 100, 100)), (100, 100, 100), (0, 60.0, 0))
    affine = np.diag([1.0, front, 1.0, 1.0]) @ image.affine
    place = module.localise_cut_out(Handed(), nib.Nifti1Image(image.dataobj, affine), "sub-1", CPU)
    assert place.backwards == (front == -1) and place.certainty > 0.9
    assert np.array_equal(place.labels.affine, affine)
    found = np.asarray(place.labels.dataobj) == CEREBELLUM
    assert (found & (truth == CEREBELLUM)).sum() > 0.8 * (truth == CEREBELLUM).sum()
