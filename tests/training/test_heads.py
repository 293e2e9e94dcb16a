from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import HEAD_2MM
from cerebbids.training import tasks
from cerebbids.training.anatomies import FLUID_IDS, WHITE_IDS
from cerebbids.training.heads import (
    FORAMEN,
    HELD_OUT,
    HeadExamples,
    cavity,
    cavity_shares,
    faceless,
    paint_any,
    paint_t1w,
    painted_head,
    seen_part,
)  # fmt: skip
from cerebbids.training.recipe import ICV, Recipe

WORLD = np.moveaxis(np.indices(HEAD_2MM.shape), 0, -1) * HEAD_2MM.spacing + HEAD_2MM.origin
GREY, SCALP = 3, 520


def ellipsoid(centre: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
    return np.linalg.norm((WORLD - centre) / radii, axis=-1) < 1


SKULL = ellipsoid((0, -18, 8), (70, 84, 68))
ORBIT = ellipsoid((30, 76, -24), (12, 12, 12))


@pytest.fixture(scope="module")
def head() -> np.ndarray:
    """A brain in fluid in a head, with a spinal canal, and fluid in the orbit that a thread joins to the brain."""
    labels = np.where(ellipsoid((0, -18, 0), (82, 104, 92)), SCALP, 0)
    labels[SKULL | ORBIT] = FLUID_IDS[-1]
    labels[(np.hypot(WORLD[..., 0], WORLD[..., 1] + 50) < 8) & (WORLD[..., 2] < -30)] = 16
    thread = (np.abs(WORLD[..., 0] - 30) < 1.5) & (np.abs(WORLD[..., 2] + 20) < 1.5) & (WORLD[..., 1] > 0)
    labels[thread & (WORLD[..., 1] < 76)] = FLUID_IDS[-1]
    labels[ellipsoid((0, -18, 10), (62, 76, 58))] = GREY
    labels[ellipsoid((0, -18, 10), (40, 50, 36))] = WHITE_IDS[0]
    return labels.astype(np.int16)


def test_the_cavity_is_the_skull_s_inside_above_the_foramen(head: np.ndarray):
    found = cavity(head)
    pieces, count = ndimage.label(found)
    assert count == 1
    assert not found[ORBIT].any()
    above = WORLD[..., 2] > FORAMEN[1] + 0.1 * (WORLD[..., 1] - FORAMEN[0])
    truth = SKULL & above
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.98
    assert not found[~above & (WORLD[..., 2] < -80)].any()


def test_a_hole_in_the_labels_is_filled(head: np.ndarray):
    holed = head.copy()
    holed[ellipsoid((0, -18, 10), (8, 8, 8))] = 0
    assert np.array_equal(cavity(holed), cavity(head))


def test_a_painted_t1w_has_its_tissues_in_order(head: np.ndarray):
    for seed in range(4):
        image = paint_t1w(head, np.random.default_rng(seed))
        fluid, grey, white = (
            np.median(image[np.isin(head, ids)]) for ids in (FLUID_IDS, (GREY,), WHITE_IDS)
        )  # the spinal cord is white matter here
        assert fluid < grey < white
        assert np.median(image[:4, :4]) < 0.05


def test_any_contrast_means_any_order(head: np.ndarray):
    orders = {
        tuple(np.argsort([np.median(image[head == value]) for value in (FLUID_IDS[-1], GREY, WHITE_IDS[0])]))
        for image in (paint_any(head, np.random.default_rng(seed)) for seed in range(12))
    }
    assert len(orders) > 2


def test_a_field_of_view_ends_at_planes_and_keeps_the_middle():
    shares = []
    for seed in range(12):
        seen = seen_part(HEAD_2MM.shape, np.random.default_rng(seed))
        assert seen[ellipsoid((0, -18, 8), (30, 40, 40))].all()
        shares.append(seen.mean())
    assert min(shares) < 0.97 < max(shares) == 1


def test_defacing_leaves_the_brain_and_takes_the_face(head: np.ndarray):
    for seed in range(6):
        kept = faceless(SKULL, np.random.default_rng(seed))
        assert kept[SKULL].all()
        assert not kept[ellipsoid((0, 85, -70), (5, 5, 5))].any()
        assert kept[ellipsoid((0, -118, 0), (6, 6, 6))].all()


def test_the_target_of_an_example_is_one_piece_where_the_brain_is(head: np.ndarray):
    volumes = []
    for seed in range(5):
        image, target = painted_head(head, np.random.default_rng(seed))
        assert image.shape == target.shape == HEAD_2MM.shape
        assert image.dtype == np.float32 and target.dtype == np.uint8 and set(np.unique(target)) == {0, 1}
        sizes = np.bincount(ndimage.label(target)[0].ravel())[1:]
        assert sizes.max() > 0.999 * sizes.sum()  # the deformation may tear a voxel off
        volumes.append(target.sum() / cavity(head).sum())
        assert np.median(image[target > 0]) > 0.02
    assert min(volumes) > 0.5 and max(volumes) < 1.45 and np.ptp(volumes) > 0.05


def test_the_same_seed_gives_the_same_example(head: np.ndarray):
    def example(step: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
        return HeadExamples((head,), Recipe("icv", steps=8, seed=seed))[step]

    first, again = example(3), example(3)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(example(4)[0], first[0]) and not torch.equal(example(3, 1)[0], first[0])
    assert first[0].shape == (DEEPCERES.channels["icv"][0], *HEAD_2MM.shape) and first[1].shape == (1, *HEAD_2MM.shape)
    assert first[1].dtype == torch.int64


def test_shares_are_those_of_the_cavities(head: np.ndarray):
    shares = cavity_shares((head, head))
    assert float(shares.sum()) == pytest.approx(1)
    assert float(shares[1]) == pytest.approx(cavity(head).mean())


def test_heads_that_are_kept_for_testing_are_not_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "adult" / "headmaps"
    folder.mkdir(parents=True)
    for name in (*HELD_OUT, "training_seg_02", "training_seg_03"):
        (folder / f"{name}.nii.gz").touch()
    monkeypatch.setattr(tasks.heads, "load_heads", lambda _, names: names)
    monkeypatch.setattr(tasks.heads, "cavity_shares", lambda _: torch.tensor([0.9, 0.1]))
    monkeypatch.setattr(tasks, "load_sources", lambda *_: None)
    for net in ("icv", "contrast"):
        task = tasks.TASKS[net](tmp_path, tmp_path, "all", tasks.Recipe(net, 8, ICV.architecture, ICV.sizes))
        assert task.seen.surroundings == ("training_seg_02", "training_seg_03")
