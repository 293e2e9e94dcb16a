from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from cerebbids.training import surroundings
from cerebbids.training.prepare import save_arrays
from cerebbids.training.surroundings import embed, from_head, from_labels, load_surroundings, patches


def stripped() -> np.ndarray:
    brain = np.zeros((24, 24, 24), np.float32)
    brain[8:16, 8:16, 8:16] = 1
    return brain


def test_the_brain_stays_as_it_was():
    labels = np.full((24, 24, 24), 510)
    labels[4:20, 4:20, 4:20] = 3
    made = embed(stripped(), from_labels(labels), np.random.default_rng(0))
    inner = (slice(10, 14),) * 3
    assert np.allclose(made[inner], 1, atol=0.05)
    assert (made[:3] > 0).any()


def test_no_trace_of_the_other_brain(monkeypatch: pytest.MonkeyPatch):
    head = np.full((24, 24, 24), 0.5, np.float32)
    other = np.zeros(head.shape, bool)
    other[4:20, 4:20, 4:20] = True
    head[other] = 1
    monkeypatch.setattr(surroundings, "patches", lambda shape, _: np.zeros(shape, bool))
    made = embed(stripped(), from_head(head, other), np.random.default_rng(1))
    gap = other & (np.indices(head.shape).max(0) >= 18)
    assert made[gap].max() < 0.6  # fluid, not the other brain's tissue


def test_blood_lies_around_the_brain_in_pieces_and_not_in_it(monkeypatch: pytest.MonkeyPatch):
    head = from_head(np.full((24, 24, 24), 0.5, np.float32), stripped() > 0)
    rng = np.random.default_rng
    with_blood = embed(stripped(), head, rng(5))
    monkeypatch.setattr(surroundings, "patches", lambda shape, _: np.zeros(shape, bool))
    changed = np.abs(with_blood - embed(stripped(), head, rng(5))) > 0.1
    assert changed.any() and not changed[9:15, 9:15, 9:15].any()
    shares = [patches((68, 48, 48), rng(seed)).mean() for seed in range(20)]
    assert min(shares) < 0.1 < 0.35 < max(shares) < 0.55
    _, pieces = ndimage.label(patches((68, 48, 48), rng(3)))
    assert pieces < 60


def test_every_head_asked_for_is_loaded_or_missed(tmp_path: Path):
    outside = np.ones((4, 4, 4), bool)
    save_arrays(tmp_path / "surroundings" / "real.npz", outside=outside, image=np.ones((4, 4, 4), np.float16))
    save_arrays(tmp_path / "surroundings" / "map.npz", outside=outside, labels=np.ones((4, 4, 4), np.int16))
    real, painted = load_surroundings(tmp_path, ("real", "map"))
    assert real.labels is None and painted.image is None
    with pytest.raises(FileNotFoundError, match="absent"):
        load_surroundings(tmp_path, ("real", "absent"))
