"""Examples for the networks of the cascade: patches at 0.5 mm of labelled people, as they are and deformed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
import torchio as tio

from cerebbids.imaging.t2contrast import render_t2w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.inference.cascade import cascade_input
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from cerebbids.training.exemplars import random_displacement
from cerebbids.training.finepatches import Patch, Stored, cut, mirrored_patch, read_near, through, varied_places
from cerebbids.training.recipe import Recipe
from cerebbids.training.stream import Stream
from cerebbids.training.surroundings import Surroundings, beyond_brain
from cerebbids.training.views import View

EXTENDED = 0.5
"""Share of the examples that have somebody else's shape, or nobody's (section 2.4)."""
IN_HEADS = 0.5
"""Share of the examples that are set into somebody else's head."""
FAINT = 10.0
"""Brightness from which there is brain."""
GAP = 9
"""Voxels of fluid between brain and skull, less than."""
COARSE = 8
"""Voxels from one bump of an uneven border to the next."""
UNEVEN = 0.25
"""Height of the bumps, in parts of the step from outside to inside."""
SMOOTH = 300.0
"""Voxels added to both parts of every Dice: of a lobule that a patch cuts off, few are seen; of most there are none."""
UNIT = TARGETS[2]
"""Brightness that transforms see as 1."""


def changes(blur: float) -> tio.Compose:
    """Draw what is done to an image (1, D, H, W), white matter near 1."""
    return tio.Compose([
        tio.RandomBlur((0, blur), p=0.2),
        tio.RandomAnisotropy(downsampling=(1.2, 3.0), p=0.15),
        tio.RandomGamma(log_gamma=(-0.2, 0.2), p=0.5),
        tio.RandomBiasField(coefficients=0.15, p=0.4),
        tio.RandomGhosting(num_ghosts=(2, 6), intensity=(0.05, 0.3), p=0.1),
        tio.RandomNoise(std=(0, 0.05), p=0.4),
    ])  # fmt: skip


T1_CHANGES, T2_CHANGES = changes(1.0), changes(1.5)


@dataclass(frozen=True)
class Cases:
    """What patches are cut of.

    Parameters
    ----------
    people : tuple of Stored
    shapes : mapping
        Place of a person among ``people`` -> displacements (1, 3, X / 4, Y / 4, Z / 4) onto others.
    around : tuple of Surroundings
        Heads without brains, on ``CEREBELLUM_1MM``.
    """

    people: tuple[Stored, ...]
    shapes: Mapping[int, tuple[torch.Tensor, ...]]
    around: tuple[Surroundings, ...]


class CascadeExamples(Stream):
    """Item ``k`` is the same for the same seed, whoever asks, in any order.

    Items are (input (channels, D, H, W) float32, classes (1, D, H, W) int64) of a :class:`View`.
    """

    def __init__(self, cases: Cases, view: View, recipe: Recipe) -> None:
        super().__init__(recipe)
        self.cases, self.view = cases, view

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        case, displacement, in_head = self._choose(rng)
        places = varied_places(centre_of(case, rng), rng)
        patch = cut(case, places if displacement is None else through(places, displacement))
        if in_head and not self.view.masked:
            patch = set_into(patch, places, self.cases.around[int(rng.integers(len(self.cases.around)))], rng)
        patch = scanned_patch(patch, rng)
        if rng.random() < 0.5:
            patch = mirrored_patch(patch, *map(torch.tensor, (self.view.mirror, self.view.mirrored_shares)))
        shown = uneven_mask(patch.labels > 0, rng) if self.view.masked else None
        midplane = patch.midplane if self.view.midplane else None
        return cascade_input(patch.t1w, patch.t2w, patch.guess, shown=shown, midplane=midplane), patch.labels[None]

    def _choose(self, rng: np.random.Generator) -> tuple[Stored, torch.Tensor | None, bool]:
        """Case, what deforms it, and whether it is set into a head."""
        cases = self.cases
        place = int(rng.integers(len(cases.people)))
        case, in_head = cases.people[place], rng.random() < IN_HEADS
        if rng.random() >= EXTENDED:
            return case, None, in_head
        shapes = cases.shapes.get(place, ())
        if shapes and rng.random() < 0.5:
            return case, shapes[int(rng.integers(len(shapes)))], in_head
        return case, nobody(case, rng), in_head


def nobody(case: Stored, rng: np.random.Generator) -> torch.Tensor:
    """Random displacement of a case, in voxels of 2 mm."""
    return random_displacement(tuple(side // 4 for side in case.labels.shape), rng)


def centre_of(case: Stored, rng: np.random.Generator) -> np.ndarray:
    """Some voxel of the cerebellum: of any class as likely as of any other, however small it is."""
    labels = case.labels[::4, ::4, ::4]
    present = labels.unique()
    present = present[present > 0]
    inside = torch.nonzero(labels == present[int(rng.integers(len(present)))])
    return 4 * inside[int(rng.integers(len(inside)))].numpy()


def set_into(patch: Patch, places: torch.Tensor, around: Surroundings, rng: np.random.Generator) -> Patch:
    """Set a patch of a stripped brain into somebody else's head.

    Parameters
    ----------
    patch : Patch
    places : Tensor, (D, H, W, 3)
        Where its voxels lie on ``CEREBELLUM_05MM``, whatever deforms the brain.
    around : Surroundings
    rng : numpy.random.Generator
    """
    beyond = torch.from_numpy(beyond_brain(around, rng) * np.float32(TARGETS[2]))
    there = read_near(beyond[None], on_1mm(places))[0]
    brain = (patch.t1w > FAINT).float()[None, None]
    rim = F.avg_pool3d(brain, 3, 1, 1)[0, 0]
    reach = int(rng.integers(1, GAP))
    inside = grown(brain, reach)[0, 0]
    t2w = rim * patch.t2w + (1 - rim) * inside * render_t2w(there, TARGETS)
    return replace(patch, t1w=rim * patch.t1w + (1 - rim) * there, t2w=t2w)


def grown(mask: torch.Tensor, reach: int) -> torch.Tensor:
    """Mask (1, 1, D, H, W) of 0 and 1, larger by so many voxels along each axis, one axis after the other."""
    for axis in range(3):
        size, pad = [1, 1, 1], [0, 0, 0]
        size[axis], pad[axis] = 2 * reach + 1, reach
        mask = F.max_pool3d(mask, size, 1, pad)
    return mask


def on_1mm(places: torch.Tensor) -> torch.Tensor:
    """Places in voxels of ``CEREBELLUM_05MM`` in voxels of ``CEREBELLUM_1MM``."""
    matrix = np.linalg.inv(CEREBELLUM_1MM.affine) @ CEREBELLUM_05MM.affine
    return places * float(matrix[0, 0]) + torch.from_numpy(matrix[:3, 3]).float()


def scanned_patch(patch: Patch, rng: np.random.Generator) -> Patch:
    """Vary both images as scanners and their processing do, each by itself."""
    seeds = rng.integers(2**31, size=2)
    images = []
    for image, change, seed in zip((patch.t1w, patch.t2w), (T1_CHANGES, T2_CHANGES), seeds, strict=True):
        with torch.random.fork_rng(devices=()):  # a forked worker may not touch a GPU
            torch.manual_seed(int(seed))
            images.append(change(image[None] / UNIT).clamp(min=0)[0] * UNIT)
    return replace(patch, t1w=images[0], t2w=images[1])


def uneven_mask(cerebellum: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Where a cerebellum (D, H, W) is, half of the time with a border, holes and islands as a network may draw them."""
    if rng.random() < 0.5:
        return cerebellum
    shape = tuple(side // COARSE for side in cerebellum.shape)
    noise = torch.from_numpy(rng.standard_normal((1, 1, *shape)).astype(np.float32))
    bumps = F.interpolate(noise, cerebellum.shape, mode="trilinear")[0, 0]
    soft = F.avg_pool3d(cerebellum.float()[None, None], 5, 1, 2)[0, 0]
    return soft + UNEVEN * bumps > 0.5
