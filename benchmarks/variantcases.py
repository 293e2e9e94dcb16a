"""What the networks of the variants are trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from heldout import names_of, scanned_t2w, seen_coarsely
from torch.utils.data import Dataset
from variants import PHANTOMS, How, Net, Setting

from cerebbids.data.labels import load_scheme
from cerebbids.inference.cascade import cascade_input
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.cascade import CascadeExamples, Cases, centre_of
from cerebbids.training.cascadecases import load_cascade, stored
from cerebbids.training.finepatches import SIDE, Stored, cut, mirrored_patch, through
from cerebbids.training.kit import surrounding_names
from cerebbids.training.painted import painted_names
from cerebbids.training.priors import build_prior, load_atlas
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen
from cerebbids.training.sources import COBRALAB, brain_names, painted_heads, people_but
from cerebbids.training.views import LOBULE_VIEW, SIDE_VIEW, View

MIRROR = load_scheme(DEEPCERES.scheme).mirror
ALL = View(tuple(range(len(MIRROR))), tuple(range(len(MIRROR))), MIRROR, masked=False, midplane=False)
"""All labels and the background at once; the midplane, of which ``SIDE_VIEW`` is told, is not among the inputs."""
VIEWS = {"sides": SIDE_VIEW, "lobules": LOBULE_VIEW, "once": ALL}
IMAGES = 2
"""Channels before those of the atlas: T1w and T2w."""


class Blinded(Dataset):
    """Examples some of whose input channels are 0."""

    def __init__(self, examples: Dataset, channels: Sequence[int]) -> None:
        self.examples, self.channels = examples, channels

    def __getitem__(self, place: int) -> tuple[torch.Tensor, torch.Tensor]:
        seen, target = self.examples[place]
        return zeroed(seen, self.channels, 0), target


def zeroed(volumes: torch.Tensor, channels: Sequence[int], axis: int) -> torch.Tensor:
    """Copy of volumes in which some channels, along an axis, are 0."""
    return volumes.index_fill(axis, torch.tensor(channels, dtype=torch.long, device=volumes.device), 0.0)


def hidden_channels(net: Net) -> tuple[int, ...]:
    """Input channels that are 0."""
    of_input = {"t2w": (1,), "atlas": range(IMAGES, IMAGES + max(VIEWS[net.stage].labels))}
    return tuple(channel for what in net.how.hidden for channel in of_input[what])


def channels_in(net: Net) -> int:
    """Input channels, hidden or not."""
    view = VIEWS[net.stage]
    return IMAGES + max(view.labels) + view.midplane


class VariantExamples(CascadeExamples):
    """The package's examples, from which a variant's training takes something away; the cases stay the same."""

    def __init__(self, cases: Cases, view: View, recipe: Recipe, how: How) -> None:
        super().__init__(cases, view, recipe)
        self.how = how

    def draw(self, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Draw one example."""
        if self.how.varied:
            return super().draw(rng)
        case, displacement, _ = self._choose(rng)
        places = straight_places(centre_of(case, rng), SIDE)
        patch = cut(case, places if displacement is None else through(places, displacement))
        if rng.random() < 0.5:
            patch = mirrored_patch(patch, *map(torch.tensor, (self.view.mirror, self.view.mirrored_shares)))
        shown = patch.labels > 0 if self.view.masked else None
        midplane = patch.midplane if self.view.midplane else None
        return cascade_input(patch.t1w, patch.t2w, patch.guess, shown=shown, midplane=midplane), patch.labels[None]

    def _choose(self, rng: np.random.Generator) -> tuple[Stored, torch.Tensor | None, bool]:
        case, displacement, in_head = super()._choose(rng)
        # Painted cases have a head, or lack one, already.
        return case, displacement if self.how.extended else None, in_head and self.how.cases != PHANTOMS


def straight_places(centre: np.ndarray, side: int) -> torch.Tensor:
    """Places (side, side, side, 3) of a patch around a voxel, as they are."""
    axis = torch.arange(side) - (side - 1) // 2
    return torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1) + torch.from_numpy(centre).float()


def load_cases(how: How, stage: str, setting: Setting) -> Cases:
    """Read what a variant's network of one stage is trained on."""
    kit, work, fold, view = setting.kit, setting.work, setting.fold, VIEWS[stage]
    if how.cases == PHANTOMS:
        tested = names_of(PHANTOMS, setting)
        names = [name for name in painted_names() if name not in tested]
        for name in names:
            build_prior(work, fold, name)
        cases = Cases(tuple(phantom(stored(work, fold, name, view, load_atlas), name) for name in names), {}, ())
    else:
        cases = load_cascade(work, fold, people_but(kit, fold), surrounding_names(kit), view, load_atlas)
    if not how.coarse:
        return cases
    return replace(cases, people=tuple(map(coarse, cases.people)))


def phantom(case: Stored, name: str) -> Stored:
    """Painted case with a T2w as scanned."""
    return replace(case, t2w=torch.from_numpy(scanned_t2w(case.t2w.float().numpy(), name)).half())


def coarse(case: Stored) -> Stored:
    """Case whose images show what voxels of 1 mm do."""
    t1w, t2w = (torch.from_numpy(seen_coarsely(image.numpy())).half() for image in (case.t1w, case.t2w))
    return replace(case, t1w=t1w, t2w=t2w)


def seen_by(how: How, setting: Setting) -> Seen:
    """Tell of whom a variant's networks have seen something.

    Raises
    ------
    SystemExit
        They are to be tested on one of these.
    """
    kit, tested = setting.kit, names_of(how.cases, setting)
    if how.cases == PHANTOMS:
        seen = Seen((), painted_heads(kit), tuple(brain for brain in COBRALAB if brain != setting.brain))
        leaked = {name.split("_")[0] for name in tested} & set(seen.atlas)
    else:
        people = tuple(f"OASIS-{person}" for person in people_but(kit, setting.fold))
        seen = Seen(people, (*surrounding_names(kit), *brain_names(kit)), COBRALAB)
        leaked = {f"OASIS-{name}" for name in tested} & set(people)
    if leaked or not tested:
        raise SystemExit(f"{sorted(leaked) or 'nobody'} would be tested on")
    return seen
