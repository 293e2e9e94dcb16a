import numpy as np
import pytest
import torch

from cerebbids.imaging.t2contrast import T2W_MEANS, render_t2w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.inference.t2w import T1_UNIT
from cerebbids.training import pairs, tasks
from cerebbids.training.details import Folded
from cerebbids.training.pairs import (
    BARE,
    MISSED_BY,
    Anatomy,
    PairExamples,
    Sources,
    painted_pair,
    part,
    scanned,
    t2w_loss,
    upsampled,
    with_cerebellum,
)  # fmt: skip
from cerebbids.training.recipe import RECIPES, Recipe

SHAPE = (16, 12, 14)
PATCH = 20
RECIPE = Recipe("contrast", steps=8)


@pytest.fixture(autouse=True)
def small_patches(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairs, "SIDE", PATCH)


def head() -> Anatomy:
    """Stored head: fluid, grey and white matter in layers along x, a skull (520) at the end, air behind it."""
    shares = np.zeros((3, *SHAPE), np.uint8)
    for tissue, layer in enumerate((slice(0, 4), slice(4, 8), slice(8, 12))):
        shares[tissue, layer] = 255
    outside = np.zeros(SHAPE, np.int16)
    outside[12:14] = 520
    return Anatomy(shares, outside)


def brain() -> np.ndarray:
    """Real standard T1w: asymmetric, 0 outside."""
    x = np.arange(2 * SHAPE[0])[:, None, None]
    image = np.broadcast_to(np.where(x < 20, 40 + 10.0 * x, 0), [2 * n for n in SHAPE])
    return image.astype(np.float16)


def folded() -> Folded:
    """White in front of grey in a box of the head's white matter and beyond."""
    fine = tuple(2 * n for n in SHAPE)
    grey, white, hull = np.zeros(fine, np.uint8), np.zeros(fine, np.uint8), np.zeros(fine, bool)
    hull[10:26, 4:20, 4:20] = True
    grey[10:26, 4:12, 4:20], white[10:26, 12:18, 4:20] = 255, 255
    return Folded(grey, white, hull)


@pytest.fixture(scope="module")
def sources() -> Sources:
    return Sources((head(),), (folded(),), (brain(),))


def test_the_same_seed_gives_the_same_example(sources: Sources):
    def example(place: int, seed: int = 0) -> tuple[torch.Tensor, ...]:
        return PairExamples(sources, Recipe("contrast", steps=8, seed=seed))[place]

    first, again = example(2), example(2)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(example(3)[0], first[0]) and not torch.equal(example(2, 1)[0], first[0])
    t1w, target = first
    assert t1w.shape == (1, *[PATCH] * 3) and target.shape == (2, *[PATCH] * 3)
    assert t1w.dtype == target.dtype == torch.float32


def test_a_stored_head_keeps_its_place_at_twice_the_resolution():
    fine = upsampled(head())
    assert fine.shares.max() == 1 and fine.shares.shape == (3, *(2 * n for n in SHAPE))
    for tissue, middle in enumerate((4, 12, 20)):
        assert fine.shares[tissue, middle, 12, 14] == 1
        assert fine.shares[tissue].argmax(0).max() <= middle
    assert np.array_equal(fine.outside[::2, ::2, ::2], head().outside)
    assert np.array_equal(fine.outside[1::2, 1::2, 1::2], head().outside)


def test_both_contrasts_show_the_same_tissues():
    anatomy = upsampled(head())
    pure = anatomy.shares > 0.999
    for seed in range(6):
        t1w, t2w, inside = painted_pair(anatomy, BARE, np.random.default_rng(seed))
        for tissue in range(3):
            assert np.ptp(t1w[pure[tissue]]) < 1e-3
            assert t1w[pure[tissue]].mean() == pytest.approx(TARGETS[tissue], abs=MISSED_BY[tissue] + 0.01)
            np.testing.assert_allclose(t2w[pure[tissue]], T2W_MEANS[tissue], rtol=1e-4)
        assert np.array_equal(inside, anatomy.shares.sum(0) > 0.5)


def test_a_mixture_is_painted_as_one_in_both():
    shares = np.zeros((3, 4, 4, 4), np.float32)
    shares[0, :2], shares[1, 2:] = 1, 1
    shares[:, 1] = np.array([0.25, 0.75, 0])[:, None, None]
    t1w, t2w, _ = painted_pair(Anatomy(shares, np.zeros((4, 4, 4), np.int16)), BARE, np.random.default_rng(0))
    for image in (t1w, t2w):
        assert image[1, 0, 0] == pytest.approx(0.25 * image[0, 0, 0] + 0.75 * image[3, 0, 0], rel=1e-5)


def test_the_skull_shows_in_the_t1w_or_is_stripped_and_does_not_count():
    anatomy = upsampled(head())
    skull, air = (np.arange(32) > 24) & (np.arange(32) < 28), np.arange(32) > 29
    kinds = set()
    for seed in range(12):
        t1w, _, inside = painted_pair(anatomy, BARE, np.random.default_rng(seed))
        kinds.add(bool(t1w[skull].any()))
        assert not t1w[air].any() and not inside[skull | air].any()
    assert kinds == {True, False}


def test_a_folded_cerebellum_takes_the_place_of_the_head_s_own():
    fine, inner = upsampled(head()), folded()
    both = with_cerebellum(fine, inner)
    np.testing.assert_allclose(both.shares[1][inner.hull], inner.grey[inner.hull] / 255)
    np.testing.assert_allclose(both.shares[2][inner.hull], inner.white[inner.hull] / 255)
    np.testing.assert_allclose(both.shares.sum(0)[inner.hull], 1, atol=1e-6)
    assert not both.outside[inner.hull].any()
    assert np.array_equal(both.shares[:, ~inner.hull], fine.shares[:, ~inner.hull])


def test_only_what_is_shown_counts_and_the_sides_stay_together(sources: Sources, monkeypatch):
    """Of the real brain alone: the target is its rendering, what is shown is what the scanner made of it."""
    monkeypatch.setattr(pairs, "scanned", lambda t1w, *_: t1w / 2)
    examples, sides = PairExamples(Sources((), (), sources.brains), RECIPE), set()
    for place in range(40):
        if np.random.default_rng((RECIPE.seed, place)).random() >= 0.3:
            continue  # another kind of pair, which would need a head
        seen, (t2w, counts) = examples[place]
        shown = 2 * (TARGETS[1] + T1_UNIT * seen[0])
        assert shown.max() > 200  # bright at one end, nothing at the other
        sides.add(bool(shown[0, 0, 0] > shown[-1, 0, 0]))
        np.testing.assert_allclose(t2w, render_t2w(shown, TARGETS), rtol=1e-3, atol=0.1)
        assert torch.equal(counts, (shown > 1).float())
    assert sides == {True, False}


def test_the_loss_is_that_of_the_t2w_that_an_answer_stands_for():
    t1w = torch.tensor([50.0, 150, 250]).reshape(1, 1, 3, 1, 1)
    truth = torch.tensor(T2W_MEANS).reshape(1, 1, 3, 1, 1)
    counted = torch.tensor([1.0, 1, 0]).reshape(1, 1, 3, 1, 1)
    answer = (t1w - TARGETS[1]) / T1_UNIT
    assert t2w_loss(answer, torch.cat([truth, counted], 1)) < 0.011
    off = torch.cat([truth - torch.tensor([100.0, 0, 500]).reshape(1, 1, 3, 1, 1), counted], 1)
    assert t2w_loss(answer, off) == pytest.approx(0.5, abs=0.01)


def test_the_network_is_trained_with_that_loss(tmp_path, monkeypatch):
    monkeypatch.setattr(tasks, "load_sources", lambda *_: None)
    assert tasks.TASKS["contrast"](tmp_path, tmp_path, "all", RECIPES["contrast"]).loss_of is t2w_loss


def test_a_patch_of_a_folded_cerebellum_is_that_of_the_head():
    whole, box = folded(), (slice(3, 13), slice(1, 11), slice(2, 12))
    cut = part(whole, box)
    assert cut.grey.shape == (20, 20, 20)
    assert np.array_equal(cut.white, whole.white[6:26, 2:22, 4:24])
    assert np.array_equal(cut.hull, whole.hull[6:26, 2:22, 4:24])


def test_head_and_folded_cerebellum_of_a_patch_are_of_the_same_place(monkeypatch):
    shares = np.random.default_rng(0).integers(0, 85, (3, *SHAPE), np.uint8)
    anatomy = Anatomy(shares, np.zeros(SHAPE, np.int16))
    _, grey, white = np.rint(255 * upsampled(anatomy).shares).astype(np.uint8)
    same, met = Folded(grey, white, np.ones(grey.shape, bool)), []
    monkeypatch.setattr(pairs, "with_cerebellum", lambda head, folded: met.append((head, folded)) or head)
    examples = PairExamples(Sources((anatomy,), (same,), (brain(),)), RECIPE)
    for place in range(8):
        examples[place]
    within = (slice(1, -1),) * 3  # at its faces a patch does not know what lies beyond
    assert met
    for head, folded in met:
        np.testing.assert_allclose(255 * head.shares[1][within], folded.grey[within], atol=0.6)


def test_a_scanner_moves_nothing_and_leaves_air_black():
    x = np.arange(24.0)[:, None, None]
    ramp = np.broadcast_to(100 + 5 * x, (24, 20, 20)).astype(np.float32)
    shifts = []
    for seed in range(8):
        seen = scanned(ramp, np.random.default_rng(seed))
        scale = seen[4:-4].mean() / ramp[4:-4].mean()
        assert scale == pytest.approx(1, abs=0.06)
        rows = seen.mean((1, 2)) / scale
        shifts.append(np.polyfit(np.arange(24), rows, 1)[0])
    assert np.mean(shifts) == pytest.approx(5, abs=0.6)
    black = ramp * (ramp > 160)
    assert not scanned(black, np.random.default_rng(0))[:8].any()
