from pathlib import Path

import numpy as np
import pytest

from cerebbids.training.prepare import save_arrays
from cerebbids.training.surroundings import embed, from_head, from_labels, load_surroundings


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


def test_no_trace_of_the_other_brain():
    head = np.full((24, 24, 24), 0.5, np.float32)
    other = np.zeros(head.shape, bool)
    other[4:20, 4:20, 4:20] = True
    head[other] = 1
    made = embed(stripped(), from_head(head, other), np.random.default_rng(1))
    gap = other & (np.indices(head.shape).max(0) >= 18)
    assert made[gap].max() < 0.6  # fluid, not the other brain's tissue


def test_every_head_asked_for_is_loaded_or_missed(tmp_path: Path):
    outside = np.ones((4, 4, 4), bool)
    save_arrays(tmp_path / "surroundings" / "real.npz", outside=outside, image=np.ones((4, 4, 4), np.float16))
    save_arrays(tmp_path / "surroundings" / "map.npz", outside=outside, labels=np.ones((4, 4, 4), np.int16))
    real, painted = load_surroundings(tmp_path, ("real", "map"))
    assert real.labels is None and painted.image is None
    with pytest.raises(FileNotFoundError, match="absent"):
        load_surroundings(tmp_path, ("real", "absent"))
