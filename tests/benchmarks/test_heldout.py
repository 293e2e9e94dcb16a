"""Cases that variants are tested on, and what is done to their images first."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import heldout
import numpy as np
import pytest
import torch
from scipy import ndimage
from variants import BAD_T2W, RANDOM, Setting

from cerebbids.nets.contrast import ContrastNet
from cerebbids.nets.superres import SuperResolution
from cerebbids.systems.grid import CEREBELLUM_05MM

from .fakes import PAINTED, SHAPE, held_out, prepared


@pytest.fixture
def setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    return prepared(tmp_path, monkeypatch)


@pytest.mark.parametrize("images", RANDOM)
def test_random_changes_are_the_same_again_and_only_deformations_move_labels(images: str):
    case = held_out()
    case = replace(case, t1w=case.labels * np.float32(8))
    made, again = heldout.at_random(images, case), heldout.at_random(images, case)
    assert np.array_equal(made.t1w, again.t1w) and not np.allclose(made.t1w, case.t1w, atol=1)
    assert np.array_equal(made.labels, case.labels) == (images != "deformation")
    if images == "deformation":
        inside = made.labels > 0
        beside, before = (np.abs(image / 8 - made.labels)[inside].mean() for image in (made.t1w, case.t1w))
        assert beside < before / 2


def test_the_t2w_of_a_painted_case_is_made_a_scan(setting: Setting):
    person, painted = heldout.load("1", setting), heldout.load(PAINTED[1], setting)
    assert np.array_equal(person.t2w, held_out().t2w)
    assert not np.array_equal(painted.t2w, person.t2w) and np.array_equal(painted.t1w, person.t1w)
    deep = ndimage.binary_erosion(person.inside, iterations=4)
    assert abs(painted.t2w[deep].mean() - 150) < 5 and np.array_equal(painted.inside, person.inside)


def test_changed_images_are_kept_with_the_atlas_that_they_get(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    case = heldout.load("1", setting)
    assert np.array_equal(heldout.changed(BAD_T2W, replace(case, t1w=case.t1w + 1), setting).t2w, case.t1w + 1)
    assert heldout.changed("as they are", case, setting) is case
    monkeypatch.setattr(heldout, "voted", lambda seen, _: case.atlas[:, ::-1])
    first = heldout.changed("blur", case, setting)
    monkeypatch.setattr(heldout, "voted", lambda *_: pytest.fail("is kept"))
    second = heldout.changed("blur", case, setting)
    assert np.array_equal(first.atlas, case.atlas[:, ::-1]) and np.array_equal(first.t1w, second.t1w)
    assert not np.array_equal(first.t1w, case.t1w) and np.array_equal(first.labels, case.labels)


def test_an_atlas_lies_where_its_image_does(setting: Setting, monkeypatch: pytest.MonkeyPatch):
    def thresholded(net: object, library: object, t1w: np.ndarray, device: object) -> torch.Tensor:
        inside = torch.from_numpy(t1w > 100).float()
        return torch.stack([1 - inside, inside])

    for name, fake in (("read_library", None), ("trained_net", None), ("subject_atlas", thresholded)):
        monkeypatch.setattr(heldout, name, fake or (lambda *_: None))
    t1w = np.zeros(CEREBELLUM_05MM.shape, np.float32)
    t1w[60:200, 40:80, 20:100] = 200
    atlas = heldout.voted(replace(held_out(), t1w=t1w), setting)
    assert np.array_equal(atlas[1] > 0, t1w[::2, ::2, ::2] > 0) and (atlas.sum(0) == 255).all()


def test_images_from_1_mm_keep_brightness_and_lose_detail(monkeypatch: pytest.MonkeyPatch):
    networks = {"superres": SuperResolution(4, 1), "contrast": ContrastNet(4, 1)}  # untrained: linear, and a mapping
    monkeypatch.setattr(heldout, "read_bundle", lambda *_: SimpleNamespace(networks=networks))
    monkeypatch.setattr(heldout, "load_net", lambda network, _: network.eval())
    case = held_out()
    stripes = np.where(np.arange(SHAPE[0]) % 2, 250, 50).astype(np.float32)[:, None, None]
    inside = np.zeros(SHAPE, bool)
    inside[16:-16, 16:-16, 16:-16] = True
    case = replace(case, t1w=np.where(inside, stripes, 0).astype(np.float32), inside=inside)
    middle = (slice(28, -28),) * 3
    plain, made = heldout.seen_coarsely(case.t1w)[middle], heldout.synthetic(case)
    assert np.allclose(plain, 150, atol=8)
    assert made.t1w.shape == SHAPE and abs(made.t1w[middle].mean() - 150) < 30 and made.t1w[middle].std() < 60
    assert not made.t2w[~inside].any() and (made.t2w[inside] > 80).all()
