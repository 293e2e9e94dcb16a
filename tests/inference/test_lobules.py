from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.t2contrast import T2W_MEANS
from cerebbids.imaging.tissuemeans import TARGETS, TissueMeans
from cerebbids.inference import lobules
from cerebbids.inference.answer import Answer
from cerebbids.inference.cascade import Cascade, segment_cascade
from cerebbids.inference.imageside import ImageSide
from cerebbids.inference.library import Library
from cerebbids.inference.lobules import Tools, find_lobules, shown_t2w
from cerebbids.systems.deepceres import DEEPCERES, LOBULE_NETS, SIDE_NETS
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM

T1W = nib.Nifti1Image(np.ones((8, 8, 8), np.float32), np.eye(4))
SIDE = ImageSide(
    None, TissueMeans(1, 2, 3), np.zeros(70, int), *(np.zeros(CEREBELLUM_05MM.shape, np.float32),) * 2,
    np.zeros(CEREBELLUM_05MM.shape, bool), False, (),
)  # fmt: skip
FRONT = (50, 50, 50 - 2)
"""A voxel of the front of :func:`shares`, at 1 mm on the cascade's grid, which begins 2 mm higher."""


class Sure(torch.nn.Module):
    """Sure of the class that most of the atlas is for: sides, or lobules."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shares = x[:, 2:4] if self.classes == 5 else x[:, 2:]
        told = 20 * torch.cat([1 - shares.sum(1, keepdim=True), shares], 1)
        return torch.nn.functional.pad(told, (0, 0) * 3 + (0, self.classes - told.shape[1]), value=-20)


def shares(front: float, rest: float) -> torch.Tensor:
    """Shares of a left Crus I, in its front and in the rest, and all of a right one."""
    found = torch.zeros(27, *CEREBELLUM_1MM.shape)
    found[6, 30:68, 30:62, 30:62], found[19, 68:100, 30:62, 30:62] = rest, 1
    found[6, 30:68, 46:62, 30:62] = front
    found[0] = 1 - found.sum(0)
    return found


def made_up(monkeypatch: pytest.MonkeyPatch) -> Tools:
    """Networks that follow their guess, votes for both Crus I, and a quick answer unsure of the left front."""
    votes, quick = shares(1, 1), shares(0.4, 1)
    monkeypatch.setattr(lobules, "subject_atlas", lambda *_: votes)
    monkeypatch.setattr(lobules, "propagate", lambda *given: Answer(votes, given[2]))
    nets = {
        **dict.fromkeys(SIDE_NETS, Sure(5)),
        **dict.fromkeys(LOBULE_NETS, Sure(14)),
        "deform": Sure(1),
        "lobules": Sure(27),
    }
    monkeypatch.setattr(lobules, "crop_probabilities", lambda *_, **__: quick)
    nothing = torch.zeros(0)
    library = Library(nothing, nothing, 27, (), "", "")
    return Tools(nets, DEEPCERES.grids, library, torch.device("cpu"))


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Tools:
    return made_up(monkeypatch)


@pytest.fixture(scope="module")
def found() -> tuple[Answer, list[str]]:
    """Answer of these, and the stages that it came through."""
    laps: list[str] = []
    with pytest.MonkeyPatch.context() as patched:
        return find_lobules("nets", made_up(patched), T1W, np.eye(4), SIDE, "a.nii", lap=laps.append), laps


@pytest.fixture
def answer(found: tuple[Answer, list[str]]) -> Answer:
    return found[0]


def test_the_cascade_sees_the_atlas_in_its_place(found: tuple[Answer, list[str]]):
    answer, laps = found
    labels = answer.probabilities.argmax(0)
    assert set(labels.unique().tolist()) == {0, 6, 19} and laps == ["atlas"]
    middle = [float(axis.float().mean()) for axis in torch.nonzero(labels == 6).T]
    world = answer.grid.affine @ (*middle, 1)
    assert np.allclose(world, CEREBELLUM_1MM.affine @ (48.5, 45.5, 45.5, 1), atol=0.3)
    assert answer.between_nets == pytest.approx(1)
    assert answer.with_quick == pytest.approx((2 / 3 + 1) / 2, abs=0.01)  # it has half of left Crus I
    assert answer.vermis is not None


def test_the_cascade_starts_from_the_mean_of_votes_and_quick_answer(tools: Tools, monkeypatch: pytest.MonkeyPatch):
    guesses: list[torch.Tensor] = []

    def remembered(cascade: Cascade, t1w: np.ndarray, t2w: np.ndarray, guess: torch.Tensor, *rest, **more) -> Answer:
        guesses.append(guess)
        return segment_cascade(cascade, t1w, t2w, guess, *rest, **more)

    monkeypatch.setattr(lobules, "segment_cascade", remembered)
    find_lobules("nets", tools, T1W, np.eye(4), SIDE, "a.nii")
    (guess,) = guesses
    assert guess[:, *FRONT].nonzero().flatten().tolist() == [0, 6]
    assert guess[:, *FRONT][[0, 6]].tolist() == pytest.approx([0.3, 0.7], abs=1 / 255)


def test_the_quick_answer_counts_as_much_as_the_cascade(answer: Answer):
    """The cascade says of the left front what its guess does, only more surely; the quick answer says 0.4."""
    box = CEREBELLUM_05MM.box_of(answer.grid)
    front = answer.probabilities[6, *(2 * place - side.start for place, side in zip(FRONT, box, strict=True))]
    assert float(front) == pytest.approx((1 + 0.4) / 2, abs=0.01)


def test_the_answer_is_held_against_the_votes_alone(answer: Answer):
    """It has all of their left Crus I, of which the quick answer calls half background."""
    assert answer.with_atlas > 0.95


def test_the_votes_are_told_as_they_were(answer: Answer):
    """Those of the library alone: the quick answer doubts the left front."""
    atlas = answer.atlas
    assert atlas.grid == CEREBELLUM_05MM.halved() and atlas.probabilities[:, *FRONT].nonzero().tolist() == [[6]]
    assert float(atlas.probabilities.max()) == 1


def test_an_image_in_which_no_cerebellum_is_likely_is_refused(tools: Tools, monkeypatch: pytest.MonkeyPatch):
    nothing = torch.zeros(27, *CEREBELLUM_1MM.shape)
    nothing[0] = 1
    monkeypatch.setattr(lobules, "subject_atlas", lambda *_: nothing)
    monkeypatch.setattr(lobules, "crop_probabilities", lambda *_, **__: nothing)
    with pytest.raises(SegmentationFailed, match="a.nii: .* no cerebellum .*; look at the image's field of view"):
        find_lobules("nets", tools, T1W, np.eye(4), SIDE, "a.nii")


class Doubting(torch.nn.Module):
    """Gives the background four fifths everywhere."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.told = torch.full((classes,), 0.2 / (classes - 1)).log()
        self.told[0] = torch.tensor(0.8).log()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.told[None, :, None, None, None].expand(1, -1, *x.shape[2:])


def test_no_quick_answer_hides_a_cascade_that_finds_nothing(tools: Tools, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lobules, "crop_probabilities", lambda *_, **__: shares(1, 1))
    doubting = dict.fromkeys(SIDE_NETS, Doubting(5)) | dict.fromkeys(LOBULE_NETS, Doubting(14))
    with pytest.raises(SegmentationFailed, match="a.nii: .* implausible .left 0, right 0 cm3"):
        find_lobules("nets", replace(tools, nets={**tools.nets, **doubting}), T1W, np.eye(4), SIDE, "a.nii")


def test_the_vote_alone_needs_no_network_for_lobules(tools: Tools):
    bare = replace(tools, nets={"deform": tools.nets["deform"]})
    answer = find_lobules("atlas", bare, T1W, np.eye(4), SIDE, "a.nii")
    assert answer.grid == CEREBELLUM_1MM and answer.vermis is None and answer.between_nets is None


def test_gaps_of_a_t2w_are_filled_inside_and_nothing_is_shown_outside():
    t1w = np.full((2, 2, 2), TARGETS[1], np.float32)
    t2w = np.array([[[0, 90], [0, 0]], [[300, 0], [0, 0]]], np.float32)
    inside = np.zeros((2, 2, 2), bool)
    inside[0, 0] = True
    seen = shown_t2w(replace(SIDE, t1w=t1w, t2w=t2w, inside=inside))
    assert seen[0, 0].tolist() == pytest.approx([T2W_MEANS[1], 90]) and not seen[1].any() and not seen[0, 1].any()


@pytest.mark.parametrize("method", DEEPCERES.methods)
def test_every_method_names_networks_that_there_are(method: str):
    assert set(DEEPCERES.methods[method]) <= set(DEEPCERES.grids)
    assert set(DEEPCERES.channels) <= set(DEEPCERES.grids)
