from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from nibabel.affines import apply_affine
from scipy import ndimage

from cerebbids.inference.localise import SHAPE, SPACING, is_cut_out
from cerebbids.training import infantheads, tasks
from cerebbids.training.infantanatomy import Pose, draw_pose, tissues_on, to_map
from cerebbids.training.infantheads import (
    KINDS,
    PlaceExamples,
    any_means,
    cut_out,
    nearest_map,
    painted_place,
    place_shares,
    seen_part,
    t1w_means,
)  # fmt: skip
from cerebbids.training.infantmaps import (
    BRAINSTEM,
    CEREBELLUM,
    CLASS_OF,
    QUARTER,
    HeadMap,
    Tissue,
    as_head_map,
    head_map,
    load_infant_heads,
    volume_at,
)  # fmt: skip
from cerebbids.training.recipe import PLACE, RECIPES, Recipe

VERMIS, LEFT_LARGER = 172, 1.3


def ids(scale: float = 1.0) -> np.ndarray:
    """FreeSurfer ids of an asymmetric brain: its cerebellum's left side is larger, its left is the array's low side."""
    shape = tuple(int(scale * n) for n in (120, 140, 120))
    x, y, z = np.indices(shape) / scale

    def ball(centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
        return sum(((v - c) / r) ** 2 for v, c, r in zip((x, y, z), centre, radii, strict=True)) < 1

    found = np.zeros(shape, np.uint8)
    brain = ball((60, 70, 75), (48, 60, 38))
    found[brain] = np.where(x < 60, 3, 42)[brain]
    found[ball((60, 70, 75), (34, 44, 26))] = 2
    found[ball((60, 70, 72), (8, 20, 6))] = 4
    found[ball((38, 42, 30), (28, 24 * LEFT_LARGER, 17))] = 8
    found[ball((82, 42, 30), (24, 22, 15))] = 47
    found[ball((60, 40, 36), (7, 20, 14))] = VERMIS
    found[ball((60, 68, 30), (9, 9, 24))] = 16
    return found


@pytest.fixture(scope="module")
def young() -> HeadMap:
    return as_head_map(ids(0.9), "young", 3)


@pytest.fixture(scope="module")
def heads(young: HeadMap) -> tuple[HeadMap, ...]:
    return young, as_head_map(ids(), "old", 24)


def test_a_map_tells_tissues_classes_and_what_is_inside_the_skull(young: HeadMap):
    classes = CLASS_OF[young.tissues]
    truth = ids(0.9)
    counts = [np.isin(truth, group).sum() for group in ((2, 3, 4, 42), (8, 47, VERMIS), (16,))]
    assert np.bincount(classes.ravel(), minlength=4)[1:].tolist() == counts
    assert young.volume == pytest.approx(sum(counts) / 1000)
    white = young.tissues == Tissue.CEREBELLAR_WHITE
    depth = ndimage.distance_transform_edt(classes == CEREBELLUM)
    assert white.any() and depth[white].min() > 6  # a map that does not split it gets a core
    assert (young.beyond[classes > 0] == 0).all() and (young.tissues[young.beyond > 0] == Tissue.AIR).all()
    away = ndimage.distance_transform_edt(young.beyond > 0)
    far = (away > 4) & (away < 50)
    assert np.abs(young.beyond[far] / QUARTER - away[far]).max() < 3
    assert young.cord[2] < young.cerebellum[2] and young.cerebellum[0] < young.centre[0]


def test_a_map_that_has_white_matter_of_the_cerebellum_keeps_it():
    split = ids()
    split[(split == 8) & (np.indices(split.shape)[2] > 30)] = 7
    found = as_head_map(split, "split", 6).tissues
    assert np.count_nonzero(found == Tissue.CEREBELLAR_WHITE) == np.count_nonzero(split == 7)


def test_growth_is_smooth_between_the_maps(heads: tuple[HeadMap, ...]):
    volumes = [volume_at(heads, month) for month in (1, 3, 9, 24, 36)]
    assert volumes == sorted(volumes)
    assert volumes[1] == pytest.approx(heads[0].volume) and volumes[3] == pytest.approx(heads[1].volume)
    assert [nearest_map(heads, month).name for month in (1, 8, 9, 36)] == ["young", "young", "old", "old"]


def pose_of(head: HeadMap, seed: int) -> Pose:
    return draw_pose(head, 1.0, np.random.default_rng(seed), head.centre, (15.0, 15.0, 15.0))


@pytest.mark.parametrize("axes", [np.diag((-2.0, 1.5, 2.0)), np.array([[0, 0, 2.0], [1.6, 0, 0], [0, -1.8, 0]])])
def test_a_head_lies_in_the_world_whatever_the_grid(young: HeadMap, axes: np.ndarray):
    """The same head sampled on two grids has its cerebellum, and its larger left side, at one place of the world."""
    pose = pose_of(young, 4)

    def sampled(axes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shape = tuple(np.round(200 / np.linalg.norm(axes, axis=0)).astype(int))
        affine = nib.affines.from_matvec(axes, -axes @ ((np.array(shape) - 1) / 2))
        found = CLASS_OF[tissues_on(young, pose, affine, shape, np.random.default_rng(0))[0]]
        return affine, found

    places, volumes = [], []
    for affine, classes in (sampled(np.diag((2.0, 2.0, 2.0))), sampled(axes)):
        places.append([apply_affine(affine, np.argwhere(classes == k).mean(0)) for k in (CEREBELLUM, BRAINSTEM)])
        volumes.append(np.count_nonzero(classes == CEREBELLUM) * abs(np.linalg.det(affine[:3, :3])))
    assert np.abs(np.subtract(*places)).max() < 0.6  # half a voxel is a millimetre
    assert volumes[0] == pytest.approx(volumes[1], rel=0.02)


def test_left_stays_left(young: HeadMap):
    """Without turn a pose maps a step to the right to a step to the right of the map, about so long."""
    for seed in range(5):
        matrix = pose_of(young, seed).matrix
        assert np.linalg.det(matrix) > 0 and (np.diag(matrix) > 0.5).all()


def test_the_lattice_of_a_deformation_is_fine_enough(young: HeadMap):
    pose = pose_of(young, 1)
    shape, affine = (61, 73, 49), nib.affines.from_matvec(np.diag((2, 2, 2.5)), (-60, -70, -60))
    whole = to_map(young, pose, affine, shape).numpy()
    for place in ((0, 0, 0), (60, 72, 48), (31, 20, 17)):
        alone = to_map(young, pose, affine @ nib.affines.from_matvec(np.eye(3), place), (1, 1, 1)).numpy()
        assert np.abs(whole[:, *place] - alone[:, 0, 0, 0]).max() < 0.5


def test_surroundings_lie_around_the_brain(young: HeadMap):
    affine = nib.affines.from_matvec(np.diag((2, 2, 2)), (-110, -110, -110))
    tissues, beyond = tissues_on(young, pose_of(young, 2), affine, (110, 110, 110), np.random.default_rng(3))
    for tissue in (Tissue.FLUID, Tissue.BONE, Tissue.FAT, Tissue.MUSCLE, Tissue.EYE, Tissue.CORD):
        assert (tissues == tissue).sum() > 5, tissue
    brain = CLASS_OF[tissues] > 0
    assert (beyond[brain] == 0).all()
    shell = ndimage.binary_dilation(brain, iterations=1) & ~brain
    assert not (tissues[shell] == Tissue.AIR).any()


def test_contrast_follows_the_age():
    def ratios(month: float) -> list[float]:
        drawn = [t1w_means(month, np.random.default_rng(seed)) for seed in range(40)]
        return [float(np.median([m[tissue] / m[Tissue.CORTEX] for m in drawn])) for tissue in Tissue]

    newborn, six, old = ratios(1), ratios(6), ratios(24)
    assert newborn[Tissue.WHITE] < 0.9 < six[Tissue.WHITE] < 1.1 < old[Tissue.WHITE]
    assert newborn[Tissue.BRAINSTEM] > 1 and all(told[Tissue.FLUID] < 0.6 for told in (newborn, six, old))
    orders = {tuple(np.argsort(any_means(np.random.default_rng(k))[[1, 2, 8]])) for k in range(20)}
    assert len(orders) > 3


def test_a_cut_out_holds_the_cerebellum_and_nothing_far(young: HeadMap):
    classes = CLASS_OF[young.tissues][::2, ::2, ::2]
    far = 2 * ndimage.distance_transform_edt(~np.isin(classes, (CEREBELLUM, BRAINSTEM))) > 10
    for seed in range(3):
        left = cut_out(classes, 2.0, np.random.default_rng(seed))
        assert (left[classes == CEREBELLUM] > 0.4).all() and not left[far].any()
    assert not cut_out(np.ones((8, 8, 8), np.uint8), 2.5, np.random.default_rng(0)).any()


def test_a_field_of_view_may_end_anywhere_but_at_most_so_high(young: HeadMap):
    classes = CLASS_OF[young.tissues][::2, ::2, ::2]
    seen = [seen_part(classes, 2.0, np.random.default_rng(seed)) for seed in range(20)]
    shares = [part[classes == CEREBELLUM].mean() for part in seen]
    assert min(shares) < 0.9 and np.median(shares) == 1 and min(part[classes > 0].mean() for part in seen) > 0.3
    assert seen_part(np.zeros((4, 4, 4), np.uint8), 2.0, np.random.default_rng(0)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_an_example_shows_what_is_labelled(heads: tuple[HeadMap, ...], kind: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(infantheads, "SHARES", tuple(float(each == kind) for each in KINDS))
    image, classes = painted_place(heads, np.random.default_rng(0))
    assert image.shape == classes.shape == SHAPE and image.dtype == np.float32 and classes.dtype == np.uint8
    assert (classes == CEREBELLUM).any() and image.min() >= 0
    assert (image[classes == CEREBELLUM] > 0).mean() > 0.95
    assert is_cut_out(nib.Nifti1Image(image, np.diag([SPACING] * 3 + [1]))) == (kind == "cut-out")
    assert kind == "head" or (image == 0).mean() > 0.6


def test_image_and_labels_are_mirrored_together(young: HeadMap, monkeypatch: pytest.MonkeyPatch):
    """The cerebellum is the brightest: what is bright has to lie where it is labelled, mirrored or not."""
    bright = np.full(len(Tissue), 0.05, np.float32)
    bright[[Tissue.CEREBELLAR_GREY, Tissue.CEREBELLAR_WHITE]] = 1
    monkeypatch.setattr(infantheads, "draw_means", lambda *_: bright)
    monkeypatch.setattr(infantheads, "SHARES", (1.0, 0.0, 0.0))
    for seed in range(2):  # the first is mirrored
        image, classes = painted_place((young,), np.random.default_rng(seed))
        middle = ndimage.center_of_mass(image * (image > 0.5 * np.percentile(image[classes == CEREBELLUM], 80)))
        assert np.abs(np.subtract(middle, np.argwhere(classes == CEREBELLUM).mean(0))).max() < 1


def test_the_same_seed_gives_the_same_example(heads: tuple[HeadMap, ...]):
    first, again, other = (PlaceExamples(heads, Recipe("place", steps=8, seed=seed))[3] for seed in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(other[0], first[0])
    assert first[0].shape == first[1].shape == (1, *SHAPE) and first[1].dtype == torch.int64
    assert 0 <= float(first[0].min()) < float(first[0].max()) <= 2


def test_the_task_sees_the_maps_and_nobody(heads: tuple[HeadMap, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(tasks, "load_infant_heads", lambda _: heads)
    task = tasks.TASKS["place"](tmp_path, tmp_path, "0", RECIPES["place"])
    assert task.seen.surroundings == ("young", "old") and not task.seen.people
    assert torch.allclose(task.net.head.bias.softmax(0), place_shares(heads), atol=1e-4)
    assert PLACE.sizes["classes"] == 4 and all(n % 2 ** (len(PLACE.sizes["widths"]) - 1) == 0 for n in SHAPE)


def test_maps_of_the_kit_have_one_cerebellum_each(kit: Path, tmp_path: Path):
    found = head_map(kit / "infant" / "headmaps" / "age-04mo_aseg.nii.gz")
    classes = CLASS_OF[found.tissues]
    assert found.month == 4 and 650 < found.volume < 750
    sizes = np.bincount(ndimage.label(classes == CEREBELLUM)[0].ravel())[1:]
    assert sizes.max() / sizes.sum() > 0.99  # with the vermis, id 172: without, it is two hemispheres
    assert 60e3 < sizes.sum() < 75e3 and found.cerebellum[1] < found.centre[1] and found.cerebellum[2] < found.centre[2]
    with pytest.raises(FileNotFoundError):
        load_infant_heads(tmp_path)
