"""What the networks of the system for infants are trained on, and whom they see."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from cerebbids.inference.windows import both_ways
from cerebbids.nets.build import build
from cerebbids.training.confidence import judged
from cerebbids.training.infantpatches import InfantPatches
from cerebbids.training.infants import Infant, fold_of, kit_infants
from cerebbids.training.loss import weighted_cross_entropy
from cerebbids.training.recipe import TISSUE24, Recipe
from cerebbids.training.run import Seen, run_folder
from cerebbids.training.task import Task
from cerebbids.training.trained import trained_net
from cerebbids.training.younger import any_look, younger

COPIES = 3
"""Simulated images of each infant at an age."""
JUDGED_FOLDS = (0, 1)
"""Folds whose infants' answers are judged."""
JUDGED_AT = (18, 12)
"""Simulated ages whose answers, by a network for 24 months, are judged beside its own: it is more often wrong there."""


def infants_but(kit: Path, fold: str) -> tuple[Infant, ...]:
    """Labelled infants of the kit, but for a fold's."""
    everybody = kit_infants(kit)
    folds = fold_of(everybody)
    return tuple(infant for infant in everybody if str(folds[infant.person]) != fold)


def tissue24(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Cubes of labelled infants of 24 months, but for the fold's."""
    infants = infants_but(kit, fold)
    net = build(recipe.architecture, recipe.sizes)
    return Task(net, InfantPatches(infants, recipe), weighted_cross_entropy, _seen(infants))


def younger_tissue(months: int, kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Cubes of the same infants as they may look at a younger age; goes on from the network for 24 months."""
    infants = infants_but(kit, fold)
    net = trained_net(run_folder(work, TISSUE24.net, fold)).train()
    copies = tuple(_simulated(infant, months, copy) for infant in infants for copy in range(COPIES))
    return Task(net, InfantPatches(copies, recipe), weighted_cross_entropy, _seen(infants))


def judge(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Answers about infants that a network for 24 months has not seen: those of some folds, by their own networks.

    Of the other folds' infants it sees no answer, so that what it says of these tells how far it is right.

    Raises
    ------
    UsageError
        A fold's network is not trained.
    """
    everybody = kit_infants(kit)
    folds = fold_of(everybody)
    cases = []
    for number in JUDGED_FOLDS:
        net = trained_net(run_folder(work, TISSUE24.net, str(number)))
        for infant in (one for one in everybody if folds[one.person] == number):
            looks = (infant, *(_simulated(infant, months, COPIES) for months in JUDGED_AT))
            cases += [judged(one, both_ways(net, torch.from_numpy(one.images))) for one in looks]
    net = build(recipe.architecture, recipe.sizes)
    return Task(net, InfantPatches(tuple(cases), recipe, bright=False), weighted_cross_entropy, _seen(everybody))


def _simulated(infant: Infant, months: int, copy: int) -> Infant:
    look = any_look(months, np.random.default_rng((months, copy, *infant.id.encode(), 1)))
    return younger(infant, months, copy, look)


def _seen(infants: tuple[Infant, ...]) -> Seen:
    return Seen(tuple(f"BCP24-{infant.person}" for infant in infants))
