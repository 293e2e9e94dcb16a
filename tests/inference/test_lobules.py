from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import torch

from cerebbids.imaging.t2contrast import T2W_MEANS
from cerebbids.imaging.tissuemeans import TARGETS, TissueMeans
from cerebbids.inference import lobules
from cerebbids.inference.answer import Answer
from cerebbids.inference.imageside import ImageSide
from cerebbids.inference.library import Library
from cerebbids.inference.lobules import Tools, find_lobules, shown_t2w
from cerebbids.systems.deepceres import DEEPCERES, LOBULES, SIDES
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM

T1W = nib.Nifti1Image(np.ones((8, 8, 8), np.float32), np.eye(4))
SIDE = ImageSide(
    None, TissueMeans(1, 2, 3), np.zeros(70, int), *(np.zeros(CEREBELLUM_05MM.shape, np.float32),) * 2,
    np.zeros(CEREBELLUM_05MM.shape, bool), False, (),
)  # fmt: skip


class Sure(torch.nn.Module):
    """Sure of the class that most of the atlas is for: sides, or lobules."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shares = x[:, 2:4] if self.classes == 5 else x[:, 2:]
        told = 20 * torch.cat([1 - shares.sum(1, keepdim=True), shares], 1)
        return torch.nn.functional.pad(told, (0, 0) * 3 + (0, self.classes - told.shape[1]), value=-20)


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Tools:
    """Networks that follow the atlas, and votes for a left and a right Crus I."""
    votes = torch.zeros(27, *CEREBELLUM_1MM.shape)
    votes[6, 30:68, 30:62, 30:62], votes[19, 68:100, 30:62, 30:62] = 1, 1
    votes[0] = 1 - votes.sum(0)
    monkeypatch.setattr(lobules, "subject_atlas", lambda *_: votes)
    monkeypatch.setattr(lobules, "propagate", lambda *given: Answer(votes, given[2]))
    nets = {**dict.fromkeys(SIDES, Sure(5)), **dict.fromkeys(LOBULES, Sure(14)), "deform": Sure(1), "lobules": Sure(27)}
    monkeypatch.setattr(lobules, "crop_probabilities", lambda *_, **__: votes)
    nothing = torch.zeros(0)
    library = Library(nothing, nothing, 27, (), "", "")
    return Tools(nets, DEEPCERES.grids, library, torch.device("cpu"))


def test_the_cascade_sees_the_atlas_in_its_place(tools: Tools):
    laps: list[str] = []
    answer = find_lobules("nets", tools, T1W, np.eye(4), SIDE, "a.nii", lap=laps.append)
    found = answer.probabilities.argmax(0)
    assert set(found.unique().tolist()) == {0, 6, 19} and laps == ["atlas"]
    middle = [float(axis.float().mean()) for axis in torch.nonzero(found == 6).T]
    world = answer.grid.affine @ (*middle, 1)
    assert np.allclose(world, CEREBELLUM_1MM.affine @ (48.5, 45.5, 45.5, 1), atol=0.3)
    assert answer.between_nets == pytest.approx(1) and answer.with_atlas > 0.95 and answer.vermis is not None


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
