from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import torch

from cerebbids.inference import device, prior, registration
from cerebbids.inference.inputs import standardise
from cerebbids.inference.library import read_library
from cerebbids.inference.prior import SHARPNESS, most_similar, subject_atlas
from cerebbids.inference.registration import half_displacements
from cerebbids.nets.deform import DeformNet
from cerebbids.nets.displacement import doubled, warp

from .libraries import GRID, LEFT, cerebellum, write_blocks

CPU = torch.device("cpu")


class Still(torch.nn.Module):
    """Moves nothing."""

    def forward(self, pair: torch.Tensor) -> torch.Tensor:
        return torch.zeros(3, len(pair), 3, *(n // 2 for n in pair.shape[2:]))


class Shifted(Still):
    """Reads every member two voxels further along y."""

    def forward(self, pair: torch.Tensor) -> torch.Tensor:
        found = super().forward(pair)
        found[-1, :, 1] = 1.0  # of the half grid
        return found


def plain_reference(net, library, t1w: np.ndarray, number: int) -> np.ndarray:
    """Equation 2, voxel by voxel, one member after the other."""
    image = standardise(torch.from_numpy(t1w.astype(np.float32)))
    distance = [float((image - member.float()).abs().mean()) for member in library.images]
    votes = np.zeros((library.classes, *image.shape))
    for place in np.argsort(distance, kind="stable")[:number]:
        member, named = library.images[place].float(), library.labels[place].float()
        with torch.no_grad():
            displacement = doubled(half_displacements(net, image, member[None, None], named[None, None]))
        moved = warp(member[None, None], displacement)[0, 0].numpy()
        labels = warp(named[None, None], displacement, "nearest")[0, 0].numpy().astype(int)
        for voxel in np.ndindex(image.shape):
            difference = abs(float(image[voxel]) - moved[voxel])
            votes[(labels[voxel], *voxel)] += 1 / (1 + SHARPNESS * difference)
    return votes / votes.sum(0)


@pytest.mark.parametrize("together", [1, 4])
def test_the_atlas_is_that_of_a_plain_reference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, together: int):
    monkeypatch.setattr(prior, "TOGETHER", {"cpu": together})
    monkeypatch.setattr(device, "answering", lambda _: nullcontext())
    torch.manual_seed(0)
    net = DeformNet((8, 16), 2).eval()
    torch.nn.init.normal_(net.unet.head.weight, 0, 0.1)
    library = read_library(write_blocks(tmp_path), GRID, "Lobules")
    t1w = cerebellum(1)[0] + np.random.default_rng(0).normal(0, 4, GRID.shape)
    found = subject_atlas(net, library, t1w, CPU, 5).numpy()
    assert np.allclose(found, plain_reference(net, library, t1w, 5), atol=1e-4)
    assert np.allclose(found.sum(0), 1, atol=1e-5)
    assert ((found > 0.01) & (found < 0.99)).any()


def test_the_most_similar_members_are_asked_first(tmp_path: Path):
    library = read_library(write_blocks(tmp_path), GRID, "Lobules")
    image = standardise(torch.from_numpy(cerebellum(2)[0].astype(np.float32)))
    assert most_similar(image, library.images, 2)[0] == 4  # shift 2, not mirrored
    assert len(most_similar(image, library.images, 50)) == 6


def test_an_unmoved_member_gives_its_own_labels(tmp_path: Path):
    library = read_library(write_blocks(tmp_path), GRID, "Lobules")
    image, labels = cerebellum(1)
    atlas = subject_atlas(Still(), library, image, CPU, 1)
    assert np.array_equal(atlas.argmax(0).numpy(), labels)


def test_labels_and_images_of_a_member_move_alike(tmp_path: Path):
    library = read_library(write_blocks(tmp_path, (2,)), GRID, "Lobules")
    image, labels = cerebellum(0)
    atlas = subject_atlas(Shifted(), library, image, CPU, 1)
    assert np.array_equal(atlas.argmax(0).numpy(), labels)


def test_a_member_that_looks_alike_outvotes_one_that_does_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(registration, "STEPS", 0)  # or both would look alike
    library = read_library(write_blocks(tmp_path, (0, 3)), GRID, "Lobules")
    image, labels = cerebellum(0)
    atlas = subject_atlas(Still(), library, image, CPU, 4)
    only_near = (labels == LEFT) & (cerebellum(3)[1] == 0)
    assert (atlas[LEFT].numpy()[only_near] > 0.5 * (1 - atlas[0].numpy()[only_near])).all()
    assert (atlas[LEFT].numpy()[only_near] > 0.25).all()
