"""What every method is shown of a painted case, and how its answer is scored."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import phantoms
import pytest
import torch
from heldout import scanned_t2w
from phantoms import answers, light, score

from cerebbids.inference.answer import Answer
from cerebbids.inference.cascade import Cascade
from cerebbids.systems.deepceres import LOBULE_NETS, SIDE_NETS
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from cerebbids.training.prepare import save_arrays

NAME = "CoBrALab-5_0"
BOX = (slice(32, 240), slice(56, 144), slice(36, 124))
"""Part of the fine grid around the block."""
NETS = {name: name for name in ("deform", "lobules", *SIDE_NETS, *LOBULE_NETS)}


def truth() -> np.ndarray:
    """A block of 26 layers on the fine grid, left (low x) and right."""
    labels = np.zeros(CEREBELLUM_05MM.shape, np.uint8)
    labels[36:136, 60:138, 40:120] = 1 + np.repeat(np.arange(13), 6)[None, :, None]
    labels[136:236] = (labels[36:136] + np.uint8(13)) * (labels[36:136] > 0)
    return labels


def certain(labels: np.ndarray) -> torch.Tensor:
    return torch.stack([torch.from_numpy(labels == k).half() for k in range(27)])


def answered(labels: np.ndarray) -> Answer:
    return Answer(certain(labels[BOX]), CEREBELLUM_05MM.part(BOX))


@pytest.fixture
def images(tmp_path: Path) -> dict[str, np.ndarray]:
    """Images of the case, stored below the folder of the test; the T2w is the T1w turned over."""
    grey = np.where(truth() > 0, 100 + 5 * (truth() % 13), 0)
    made = {"t1w": grey.astype(np.float16), "t2w": np.where(grey, 250 - grey, 0).astype(np.float16)}
    save_arrays(tmp_path / "fine" / f"{NAME}.npz", **made, compartments=truth())
    return made


def test_every_method_is_shown_what_a_scan_would(tmp_path: Path, images: dict, monkeypatch: pytest.MonkeyPatch):
    coarse, shown = np.full(CEREBELLUM_1MM.shape, 7, np.float32), {}

    def atlas(net: str, library: str, crop: np.ndarray, _: object) -> torch.Tensor:
        shown["atlas"] = (net, library, crop)
        return certain(truth()[::2, ::2, ::2])

    def quick(net: str, crop: np.ndarray, _: object) -> torch.Tensor:
        shown["fast"] = (net, crop)
        return certain(truth()[::2, ::2, ::2][::-1].copy())

    def fine(cascade: Cascade, pair: tuple, votes: np.ndarray, said: np.ndarray, grid: object, *_: object) -> Answer:
        shown["nets"] = (cascade, pair, votes, said)
        assert grid == CEREBELLUM_05MM
        return answered(truth())

    def mean(alone: Answer, votes: np.ndarray, said: np.ndarray, grid: object, _: str) -> Answer:
        assert votes is shown["nets"][2] and said is shown["nets"][3] and grid == CEREBELLUM_05MM
        return alone

    fakes = {"subject_atlas": atlas, "quick_answer": quick, "cascade_alone": fine, "from_opinions": mean}
    for name, fake in fakes.items():
        monkeypatch.setattr(phantoms, name, fake)
    monkeypatch.setattr(phantoms, "seen_at_1mm", lambda *_: coarse)
    found = dict(answers(tmp_path, NAME, NETS, "library"))
    assert list(found) == ["atlas", "fast", "nets"]
    assert found["atlas"].grid == found["fast"].grid == CEREBELLUM_1MM
    assert shown["atlas"] == ("deform", "library", coarse) and shown["fast"] == ("lobules", coarse)
    cascade, (t1w, t2w), votes, said = shown["nets"]
    assert (cascade.sides, cascade.lobules) == (SIDE_NETS, LOBULE_NETS)
    assert votes[3].argmax(0).sum() != said[3].argmax(0).sum()  # not one opinion twice
    stored = images["t2w"].astype(np.float32)
    assert np.array_equal(t1w, images["t1w"]) and np.array_equal(t2w, scanned_t2w(stored, NAME))
    assert np.abs(t2w - stored)[stored > 0].mean() > 1  # not what the tissues have


def test_an_answer_is_scored_label_by_label_on_the_fine_grid():
    right = truth()
    turned = np.where(right > 13, right - 13, np.where(right > 0, right + 13, 0)).astype(np.uint8)
    row = score(answered(turned), right)
    assert row["left"] == row["right"] == row["lobules"] == 0
    assert row["whole"] == row["white"] == row["volume_ratio"] == 1
    row = score(answered(np.where(right > 13, 0, right)), right)
    assert row["light"] == "green" == light(replace(answered(right), with_atlas=None))
    assert light(replace(answered(right), with_atlas=0.5)) == "red"
    assert row["left"] == 1 and row["right"] == 0 and row["lobules"] == row["volume_ratio"] == 0.5
