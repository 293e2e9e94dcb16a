"""What each network of the bundle is trained on: its examples, its loss, and whom it sees."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from cerebbids.data.labels import load_scheme
from cerebbids.nets.build import build
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training import braintasks, heads, infanttasks
from cerebbids.training.alignment import PairedPeople, alignment_loss
from cerebbids.training.cascade import SMOOTH, CascadeExamples
from cerebbids.training.cascadecases import load_cascade
from cerebbids.training.data import Examples, class_shares, load_cases
from cerebbids.training.details import DetailExamples, load_details
from cerebbids.training.infantheads import PlaceExamples, place_shares
from cerebbids.training.infantmaps import load_infant_heads
from cerebbids.training.kit import surrounding_names
from cerebbids.training.loss import charbonnier, dice_cross_entropy
from cerebbids.training.pairs import PairExamples, load_sources, t2w_loss
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen
from cerebbids.training.sources import COBRALAB, brain_names, painted_heads, people_but
from cerebbids.training.surroundings import load_surroundings
from cerebbids.training.task import Task, start_from_shares
from cerebbids.training.views import LOBULE_VIEW, SIDE_VIEW, View
from cerebbids.training.younger import LOOKS


def start_from_prior(net: torch.nn.Module) -> None:
    """Let an untrained network that is given a prior answer with it."""
    with torch.no_grad():
        net.head.weight.zero_()
        net.head.bias.zero_()


def lobules(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Labelled people, but for the fold's, in the surroundings of others."""
    scheme = load_scheme(DEEPCERES.scheme)
    people, around = people_but(kit, fold), surrounding_names(kit)
    cases = load_cases(work, people)
    net = build(recipe.architecture, recipe.sizes)
    start_from_shares(net, class_shares(cases, len(scheme.labels) + 1))
    examples = Examples(cases, load_surroundings(work, around), scheme.mirror, recipe)
    seen = Seen(tuple(f"OASIS-{person}" for person in people), around, COBRALAB)
    return Task(net, examples, partial(dice_cross_entropy, weight=recipe.cross_entropy_weight), seen)


def icv(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Painted head maps; five are kept for testing."""
    names = painted_heads(kit)
    net = build(recipe.architecture, recipe.sizes)
    maps = heads.load_heads(work, names)
    start_from_shares(net, heads.cavity_shares(maps))
    loss_of = partial(dice_cross_entropy, weight=recipe.cross_entropy_weight)
    return Task(net, heads.HeadExamples(maps, recipe), loss_of, Seen((), names))


def superres(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Painted lobule maps with folia, and real brains that are degraded from their own resolution."""
    brains = brain_names(kit)
    examples = DetailExamples(load_details(work, COBRALAB, brains), recipe)
    return Task(build(recipe.architecture, recipe.sizes), examples, charbonnier, Seen(brains, (), COBRALAB))


def contrast(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Pairs of contrasts painted from lobule and head maps, and from the tissues of real brains."""
    brains, names = brain_names(kit), painted_heads(kit)
    examples = PairExamples(load_sources(work, COBRALAB, brains, names), recipe)
    return Task(build(recipe.architecture, recipe.sizes), examples, t2w_loss, Seen(brains, names, COBRALAB))


def deform(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Pairs of labelled people, but for the fold's, one of them in the surroundings of others."""
    scheme = load_scheme(DEEPCERES.scheme)
    people, around = people_but(kit, fold), surrounding_names(kit)
    examples = PairedPeople(load_cases(work, people), load_surroundings(work, around), scheme.mirror, recipe)
    loss_of = partial(alignment_loss, classes=len(scheme.labels) + 1)
    seen = Seen(tuple(f"OASIS-{person}" for person in people), around, COBRALAB)
    return Task(build(recipe.architecture, recipe.sizes), examples, loss_of, seen)


def cascade(view: View, kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Patches of labelled people, but for the fold's, in their own and others' shapes."""
    people, around = people_but(kit, fold), surrounding_names(kit)
    net = build(recipe.architecture, recipe.sizes)
    cases = load_cascade(work, fold, people, around, view)
    start_from_prior(net)
    loss_of = partial(dice_cross_entropy, weight=recipe.cross_entropy_weight, smooth=SMOOTH)
    seen = Seen(tuple(f"OASIS-{person}" for person in people), (*around, *brain_names(kit)), COBRALAB)
    return Task(net, CascadeExamples(cases, view, recipe), loss_of, seen)


def place(kit: Path, work: Path, fold: str, recipe: Recipe) -> Task:
    """Painted heads of infants, made of the kit's maps as they are."""
    maps = load_infant_heads(kit)
    net = build(recipe.architecture, recipe.sizes)
    start_from_shares(net, place_shares(maps))
    loss_of = partial(dice_cross_entropy, weight=recipe.cross_entropy_weight)
    return Task(net, PlaceExamples(maps, recipe), loss_of, Seen((), tuple(head.name for head in maps)))


TASKS: dict[str, Callable[[Path, Path, str, Recipe], Task]] = {
    "lobules": lobules, "icv": icv, "superres": superres, "contrast": contrast, "deform": deform, "place": place,
    "sides_dpn": partial(cascade, SIDE_VIEW), "sides_unet": partial(cascade, SIDE_VIEW),
    "lobules_dpn": partial(cascade, LOBULE_VIEW), "lobules_unet": partial(cascade, LOBULE_VIEW),
    "tissue24": infanttasks.tissue24, "confidence": infanttasks.judge,
    "place_neonates": braintasks.place_neonates, "cerebrum": braintasks.cerebrum, "context": braintasks.context,
    "brain": braintasks.brain,
    **{f"tissue{months:02}": partial(infanttasks.younger_tissue, months) for months in LOOKS},
}  # fmt: skip
"""Every network by its name."""
