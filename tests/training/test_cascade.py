from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from cerebbids.training import cascade
from cerebbids.training.cascade import CascadeExamples, Cases, grown, on_1mm, scanned_patch, set_into, uneven_mask
from cerebbids.training.cascadecases import load_cascade, onto
from cerebbids.training.extended import Shape
from cerebbids.training.finepatches import SIDE, Patch, Stored
from cerebbids.training.prepare import save_arrays
from cerebbids.training.recipe import LOBULES_DPN, SIDES_DPN
from cerebbids.training.surroundings import Surroundings
from cerebbids.training.views import LOBULE_VIEW, SIDE_VIEW, View

SHAPE = (96, 64, 64)
VERMIS = np.zeros(SHAPE, bool)
VERMIS[40:56] = True


def stored(view: View) -> Stored:
    """A block: left Crus I (6) beside right white matter (26), and the guess that knows it."""
    channels = np.zeros(SHAPE, np.uint8)
    channels[20:48, 16:48, 16:48], channels[48:76, 16:48, 16:48] = 6, 26
    votes = np.stack([255 * (channels[::2, ::2, ::2] == k) for k in range(27)]).astype(np.uint8)
    t1w = torch.from_numpy(np.where(channels, 200, 0).astype(np.float16))
    return Stored(t1w, t1w / 2, torch.from_numpy(view.seen(channels, VERMIS)), torch.from_numpy(view.shares(votes)))


def cases(view: View) -> Cases:
    outside = np.zeros(CEREBELLUM_1MM.shape, bool)
    outside[:20] = True
    around = Surroundings(outside, image=np.where(outside, 0.8, 0).astype(np.float32))
    case = stored(view)
    shape = torch.zeros(1, 3, *(side // 4 for side in SHAPE))
    return Cases((case,), {0: (shape,)}, (around,))


@pytest.mark.parametrize(("view", "recipe", "shares"), [(SIDE_VIEW, SIDES_DPN, 2), (LOBULE_VIEW, LOBULES_DPN, 13)])
def test_examples_are_the_same_again_and_their_guess_knows_their_labels(view: View, recipe, shares: int):
    examples = CascadeExamples(cases(view), view, recipe)
    for k in range(4):
        seen, labels = examples[k]
        again, _ = examples[k]
        assert torch.equal(seen, again)
        assert seen.shape == (2 + shares + view.midplane, SIDE, SIDE, SIDE) and labels.shape == (1, SIDE, SIDE, SIDE)
        voted = seen[2 : 2 + shares]
        known = torch.cat([1 - voted.sum(0, keepdim=True), voted]).argmax(0)
        if view is SIDE_VIEW:
            assert set(labels.unique().tolist()) <= {0, 1, 2, 3, 4} and labels.max() > 2
            labels = torch.where(labels > 2, labels - 2, labels)
        assert (known == labels[0]).float().mean() > 0.97  # sides, mirror images and deformations go together


def test_all_kinds_of_examples_are_drawn(monkeypatch: pytest.MonkeyPatch):
    examples, made = CascadeExamples(cases(SIDE_VIEW), SIDE_VIEW, SIDES_DPN), []
    for name in ("set_into", "random_displacement", "through"):
        plain = getattr(cascade, name)
        monkeypatch.setattr(cascade, name, lambda *given, n=name, f=plain: (made.append(n), f(*given))[1])
    for k in range(40):
        examples[k]
    assert 8 < made.count("set_into") < 25 and 8 < made.count("through") < 32
    assert 0 < made.count("random_displacement") < made.count("through")


def test_a_brain_stays_as_it_is_inside_of_another_s_head():
    patch = Patch(*[torch.zeros(SIDE, SIDE, SIDE)] * 3, torch.zeros(2, SIDE, SIDE, SIDE), torch.zeros(SIDE, SIDE, SIDE))
    patch.t1w[30:60, 30:60, 30:60] = 200
    patch.t2w[30:60, 30:60, 30:60] = 100
    axis = torch.arange(SIDE, dtype=torch.float32)
    places = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1) + 40
    around = Surroundings(np.ones(CEREBELLUM_1MM.shape, bool), image=np.full(CEREBELLUM_1MM.shape, 0.5, np.float32))
    made = set_into(patch, places, around, np.random.default_rng(0))
    inner = (slice(32, 58),) * 3
    assert torch.equal(made.t1w[inner], patch.t1w[inner]) and torch.equal(made.t2w[inner], patch.t2w[inner])
    assert made.t1w[:20].median() > 40 and made.t1w[29:31, 40, 40].max() < 201


def test_places_of_the_two_boxes_are_those_of_one_world():
    voxel = torch.tensor([11.0, 50, 80])
    world = CEREBELLUM_05MM.affine @ np.r_[voxel.numpy(), 1]
    assert np.allclose(CEREBELLUM_1MM.affine @ np.r_[on_1mm(voxel).numpy(), 1], world)


def test_an_uneven_mask_is_nearly_the_cerebellum():
    block = torch.zeros(SIDE, SIDE, SIDE, dtype=torch.bool)
    block[20:70, 20:70, 20:70] = True
    masks = [uneven_mask(block, np.random.default_rng(seed)) for seed in range(20)]
    changed = [float((mask ^ block).sum() / block.sum()) for mask in masks]
    assert 3 < sum(share == 0 for share in changed) < 17
    assert 0.001 < max(changed) < 0.15
    assert all(mask[26:64, 26:64, 26:64].float().mean() > 0.9 for mask in masks)  # holes here and there


def test_the_shape_of_a_mirrored_person_is_turned_for_the_person_as_he_is():
    field = torch.randn(1, 3, 8, 6, 6)
    shape = Shape("brain", "1", True, field)
    turned = onto(shape)
    assert torch.equal(turned[:, 0], -field[:, 0].flip(1)) and torch.equal(turned[:, 1:], field[:, 1:].flip(2))
    assert onto(replace(shape, mirrored=False)) is field


def test_cases_are_read_in_the_view_of_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    channels = np.zeros(SHAPE, np.uint8)
    channels[20:40, 16:48, 16:48] = 19  # right Crus I
    votes = np.stack([255 * (channels[::2, ::2, ::2] == k) for k in range(27)]).astype(np.uint8)
    grey = np.where(channels, 150, 0).astype(np.float16)
    save_arrays(tmp_path / "fine" / "1.npz", t1w=grey, t2w=grey, compartments=channels, vermis=VERMIS[::-1])
    save_arrays(tmp_path / "priors" / "fold-2" / "1.npz", atlas=votes, quick=votes)
    shapes = (Shape("brain", "1", False, torch.zeros(1, 3, 24, 16, 16)),)
    monkeypatch.setattr("cerebbids.training.cascadecases.load_shapes", lambda *_: shapes)
    for view, class_ in ((SIDE_VIEW, 2), (LOBULE_VIEW, 6)):
        read = load_cascade(tmp_path, "2", ("1",), (), view)
        (person,) = read.people
        assert set(person.labels.unique().tolist()) == ({0, 2} if view is SIDE_VIEW else {0, 6})
        assert person.guess[class_ - 1].max() == 255 and person.guess.sum() == person.guess[class_ - 1].sum()
        assert read.shapes.keys() == {0}


def test_a_mask_grows_along_all_axes():
    mask = torch.zeros(1, 1, 12, 12, 12)
    mask[0, 0, 5, 6, 4] = 1
    assert torch.equal(grown(mask, 2), torch.nn.functional.max_pool3d(mask, 5, 1, 2))


def test_images_are_varied_without_a_gpu_which_forked_workers_may_not_touch(monkeypatch: pytest.MonkeyPatch):
    def touched(*_: object) -> None:
        raise RuntimeError("Cannot re-initialize CUDA in forked subprocess")

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_rng_state", touched)
    image, before = torch.full((8, 8, 8), 150.0), torch.get_rng_state()
    patch = Patch(image, image, image.long(), image[None], image)
    first, again = (scanned_patch(patch, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(first.t1w, again.t1w) and torch.equal(before, torch.get_rng_state())
