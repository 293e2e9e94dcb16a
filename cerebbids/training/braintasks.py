"""What the packaged networks of the two systems for whole brains are trained on: painted brains alone."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from cerebbids.nets.build import build
from cerebbids.systems import isointense, neonatal
from cerebbids.training.braincases import SPACING, BrainCase
from cerebbids.training.braincohort import cohort
from cerebbids.training.braincontext import with_context
from cerebbids.training.brainmaps import BrainMap, isointense_brains, neonatal_brain
from cerebbids.training.brainnets import isointense_loss, neonatal_loss
from cerebbids.training.brainpatches import BrainPatches, bent, turned
from cerebbids.training.infantheads import NeonatalPlaceExamples, place_shares
from cerebbids.training.loss import dice_cross_entropy
from cerebbids.training.neonates import load_term_brain
from cerebbids.training.recipe import FIRST_CEREBRUM, Recipe
from cerebbids.training.run import Seen, run_folder
from cerebbids.training.task import Task, start_from_shares
from cerebbids.training.trained import trained_net

ISOINTENSE_WEEKS, NEONATAL_WEEKS = (60.0, 92.0), (26.0, 46.0)
"""Postmenstrual: some 4.5 to 12 months after term; and preterm to term."""
IMAGES = 48
"""Painted for each system."""
SEED = 7
"""Of these images."""


def _isointense_cases(kit: Path, work: Path) -> tuple[tuple[BrainCase, ...], Seen]:
    brains = isointense_brains(kit)
    cases = cohort("isointense", brains, ISOINTENSE_WEEKS, IMAGES, SEED, Path(work) / "brains" / "isointense")
    return cases, _seen(brains)


def _seen(brains: tuple[BrainMap, ...]) -> Seen:
    return Seen((), tuple(brain.head.name for brain in brains))


def cerebrum(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Patches of painted cerebra of isointense infants."""
    cases, seen = _isointense_cases(kit, work)
    patches = BrainPatches(cases, recipe, isointense.SIDE, turned, neonatal.WEEKS)
    return Task(build(recipe.architecture, recipe.sizes), patches, isointense_loss(), seen)


def context(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """The same, with the distances to what the first network finds in them.

    Raises
    ------
    UsageError
        The first network is not trained.
    """
    cases, seen = _isointense_cases(kit, work)
    first = trained_net(run_folder(work, FIRST_CEREBRUM.net, fold))
    wider = tuple(with_context(first, case, isointense.SIDE, SPACING) for case in cases)
    patches = BrainPatches(wider, recipe, isointense.SIDE, turned, neonatal.WEEKS)
    return Task(build(recipe.architecture, recipe.sizes), patches, isointense_loss(), seen)


def brain(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Patches of a painted term brain in many shapes, sizes and contrasts."""
    brains = (neonatal_brain(load_term_brain(kit, work)),)
    cases = cohort("neonatal", brains, NEONATAL_WEEKS, IMAGES, SEED, Path(work) / "brains" / "neonatal")
    patches = BrainPatches(cases, recipe, neonatal.SIDE, bent, neonatal.WEEKS)
    return Task(build(recipe.architecture, recipe.sizes), patches, neonatal_loss(), _seen(brains))


def place_neonates(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Painted heads of neonates, of one brain at term."""
    head = neonatal_brain(load_term_brain(kit, work)).head
    net = build(recipe.architecture, recipe.sizes)
    start_from_shares(net, place_shares((head,)))
    loss_of = partial(dice_cross_entropy, weight=recipe.cross_entropy_weight)
    return Task(net, NeonatalPlaceExamples(head, recipe), loss_of, Seen((), (head.name,)))
