from pathlib import Path

import numpy as np
import pytest
import torch

from cerebbids.errors import UsageError
from cerebbids.inference.inputs import standardise
from cerebbids.nets.deform import DeformNet
from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.training import extended
from cerebbids.training.extended import Target, candidates, load_shapes, shape_of
from cerebbids.training.finecases import deformed, load_person
from cerebbids.training.prepare import save_arrays
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen

from .runs import untrained

SHAPE = (32, 32, 32)
RECIPE = Recipe("deform", 4, "deform", {"widths": (8, 16), "passes": 2})


def body(size: int) -> tuple[np.ndarray, np.ndarray]:
    """T1w and labels of a block on the left of some size, and a smaller one on the right."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:14, 8 : 8 + size, 8:24], labels[20:26, 12:20, 12:20] = 6, 26
    return np.where(labels, 100 + 5 * labels.astype(np.float32), 0).astype(np.float32), labels


@pytest.fixture
def work(tmp_path: Path) -> Path:
    for person, size in (("1", 8), ("2", 16)):
        t1w, labels = body(size)
        save_arrays(tmp_path / "fine" / f"{person}.npz", t1w=t1w, t2w=250 - t1w, labels=labels, compartments=labels)
    return tmp_path


@pytest.fixture(scope="module")
def net() -> DeformNet:
    torch.manual_seed(0)
    return DeformNet((8, 16), 2).eval()


def coarse(t1w: np.ndarray) -> np.ndarray:
    return t1w.reshape(16, 2, 16, 2, 16, 2).mean((1, 3, 5))


def test_the_most_similar_person_is_taken_mirrored_if_that_is_nearer(work: Path, net: DeformNet):
    known = candidates(work, ("1", "2"))
    assert known.people == (("1", False), ("1", True), ("2", False), ("2", True))
    assert np.array_equal(known.outlines[3] > 0, coarse(body(16)[1] > 0)[::-1] > 0)
    shape, row = shape_of(net, Target("t", coarse(body(16)[0])), known)
    assert (shape.person, shape.mirrored) == ("2", False)
    assert row["before"] < 1e-5 and row["folded"] == 0 and row["smallest"] > 0.9  # untrained: nothing moves
    turned, _ = shape_of(net, Target("t", coarse(body(8)[0])[::-1].copy()), known)
    assert (turned.person, turned.mirrored) == ("1", True)
    assert turned.displacement.shape == (1, 3, *(side // 4 for side in SHAPE))


def test_what_lies_far_from_all_cerebella_does_not_decide(work: Path, net: DeformNet):
    seen = coarse(body(16)[0])
    known = candidates(work, ("1", "2"))
    seen[:, 14:], known.images[0, :, 14:] = 900, standardise(torch.from_numpy(seen)).max()  # as the smaller's back is
    assert shape_of(net, Target("t", seen), known)[0].person == "2"


def test_the_displacement_is_that_of_the_target(monkeypatch: pytest.MonkeyPatch, work: Path):
    """The person comes to lie where the target is, at 1 mm and at 0.5 mm."""
    t1w, labels = body(16)
    moved = np.roll(t1w, 4, 1)  # 2 mm forward
    shift = torch.zeros(1, 3, *(side // 4 for side in SHAPE))
    shift[:, 1] = -1
    monkeypatch.setattr(extended, "half_displacements", lambda *_: shift)
    shape, row = shape_of(None, Target("t", coarse(moved)), candidates(work, ("2",)))
    assert row["after"] < row["before"] / 3  # both are standardised in the middle of the box, which shows other parts
    drawn = deformed(load_person(work, "2"), shape.displacement)
    assert np.array_equal(drawn.labels, np.roll(labels, 4, 1)) and np.allclose(drawn.t1w, moved, atol=0.5)


def test_shapes_are_read_as_they_were_written(work: Path, monkeypatch: pytest.MonkeyPatch):
    target = Target("brain", coarse(body(16)[0]))
    untrained(work / "runs" / "deform" / "fold-3", RECIPE, Seen(("OASIS-1",)))
    untrained(work / "runs" / "deform" / "fold-2", RECIPE, Seen(("OASIS-1", "OASIS-9")))
    monkeypatch.setattr(extended, "people_but", lambda _, fold: ("1",) if fold == "3" else ("1", "2"))
    monkeypatch.setattr(extended, "targets", lambda *_: iter([target]))
    table = extended.extend(Path("kit"), work, "3")
    (shape,) = load_shapes(work, "3")
    assert (shape.target, shape.person, shape.mirrored) == ("brain", "1", False)
    assert list(table["person"]) == ["OASIS-1"] and shape.displacement.dtype == torch.float16
    with pytest.raises(UsageError, match="has seen OASIS-9"):
        extended.extend(Path("kit"), work, "2")
    with pytest.raises(UsageError, match="holds no shapes"):
        load_shapes(work, "2")


def test_a_shape_that_folds_is_left_out(work: Path, monkeypatch: pytest.MonkeyPatch):
    untrained(work / "runs" / "deform" / "all", RECIPE, Seen(("OASIS-1", "OASIS-2")))
    folding = torch.zeros(1, 3, *(side // 4 for side in SHAPE))
    folding[:, 1, :, 4::2] = -1.5  # still read from inside the body
    steps, alone = iter([folding, folding, 0 * folding]), iter([folding, 0 * folding])
    monkeypatch.setattr(extended, "half_displacements", lambda *_: next(steps))
    monkeypatch.setattr(extended, "answers", lambda *_: next(alone))
    monkeypatch.setattr(extended, "people_but", lambda *_: ("1", "2"))
    monkeypatch.setattr(extended, "targets", lambda *_: (Target(name, coarse(body(16)[0])) for name in "abc"))
    table = extended.extend(Path("kit"), work, "all")
    assert list(table["way"]) == ["network", "network", "network and steps"]
    assert list(table["kept"]) == [False, True, True] and table["folded"][0] > 0.01
    assert [shape.target for shape in load_shapes(work, "all")] == ["b", "c"]


def test_shapes_made_anew_are_not_read_before_all_are_there(work: Path, monkeypatch: pytest.MonkeyPatch):
    untrained(work / "runs" / "deform" / "all", RECIPE, Seen(("OASIS-1", "OASIS-2")))
    monkeypatch.setattr(extended, "people_but", lambda *_: ("1", "2"))
    monkeypatch.setattr(extended, "targets", lambda *_: [Target(name, coarse(body(16)[0])) for name in "ab"])
    extended.extend(Path("kit"), work, "all")
    monkeypatch.setattr(extended, "targets", lambda *_: [Target("a", coarse(body(16)[0])), None])
    with pytest.raises(AttributeError):
        extended.extend(Path("kit"), work, "all")
    with pytest.raises(UsageError, match="holds no shapes"):
        load_shapes(work, "all")


def test_targets_lie_on_the_fine_grid_s_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    grid = CEREBELLUM_05MM.halved()
    monkeypatch.setattr(extended, "brain_names", lambda _: ("brain",))
    monkeypatch.setattr(extended, "surrounding_heads", lambda _: (Path("head_T1w.nii.gz"),))
    monkeypatch.setattr(extended, "painted_heads", lambda _: ("map",))
    box = np.zeros(CEREBELLUM_05MM.shape, np.float16)
    box[100:102, 50:52, 60:62] = 150
    image, outside = np.zeros(grid.shape, np.float16), np.ones(grid.shape, bool)
    image[50, 25, 32], image[60, 25, 32], outside[50, 25, 32] = 0.6, 0.9, False  # this grid begins 2 mm lower
    shares = np.zeros((3, *grid.shape), np.uint8)
    shares[1, 48:53, 23:28, 28:33] = 255
    save_arrays(tmp_path / "brains" / "brain.npz", box=box)
    save_arrays(tmp_path / "surroundings" / "head_T1w.npz", image=image, outside=outside)
    save_arrays(tmp_path / "heads" / "map.npz", shares=shares)
    for target in extended.targets(Path("kit"), tmp_path):
        assert target.t1w.shape == grid.shape and abs(target.t1w[50, 25, 30] - 150) < 1
        assert target.t1w[60, 25, 30] == 0
        assert standardise(torch.from_numpy(target.t1w)).isfinite().all()
