"""How long, how wide and how fast each network is trained; how its examples are varied stands beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

from cerebbids.nets.sizes import Sizes


@dataclass(frozen=True)
class Recipe:
    """How one network is trained.

    Parameters
    ----------
    net : str
        Its name in the model bundle.
    steps : int
        Optimiser steps of the whole run.
    architecture : str
        Key of :data:`cerebbids.nets.build.NETS`.
    sizes : mapping
        How wide and deep the network is: arguments of its class.
    batch : int
        Examples a step.
    method : str
        ``muon``: Muon and AdamW; or ``sgd``.
    momentum : float
        Of ``sgd``: share of the step before that is added to each.
    nesterov : bool
        Whether that momentum is Nesterov's.
    schedule : str
        Key of :data:`cerebbids.training.schedule.SCHEDULES`.
    epochs : int
        Equal parts of a run: where the schedule goes by ``tenths``, the learning rate is a tenth after each.
    cross_entropy_weight : float
        Of the mean cross-entropy beside the soft Dice, for networks that label. Nine tenths of the grid are
        background, and the Dice of a class that the net does not name yet has no gradient: at 1 the small lobules
        are found late.
    learning_rate : float
        Of the convolutions, which Muon moves; of all weights with ``sgd``.
    rest_rate, head_rate : float
        Learning rate of normalisations and biases, and of the last layer, in parts of that: AdamW moves every weight
        equally far, and the few of a thin last layer would take hundreds of steps until it can be sure of anything.
        Not with ``sgd``.
    age_rate : float
        Learning rate of an age head, in parts of that, with both methods.
    weight_decay : float
        Of all weights, in parts of the learning rate; with ``sgd`` it is added to the gradient (L2).
    restarts : tuple of int
        Steps at which a cosine begins anew (SGDR, Loshchilov & Hutter 2017).
    averaging : float
        Decay of the running average of the weights; the average is what is kept. At 0 that is the last weights.
    seed : int
        Of the first weights and of every example.
    """

    net: str
    steps: int
    architecture: str = "unet"
    sizes: Sizes = field(default_factory=dict)
    batch: int = 1
    method: str = "muon"
    momentum: float = 0.9
    nesterov: bool = False
    schedule: str = "cosine"
    epochs: int = 3
    cross_entropy_weight: float = 5.0
    learning_rate: float = 1e-2
    rest_rate: float = 0.4
    head_rate: float = 1.6
    age_rate: float = 0.4
    weight_decay: float = 1e-4
    restarts: tuple[int, ...] = ()
    averaging: float = 0.985
    seed: int = 0


LOBULES = Recipe("lobules", 600, sizes={"channels_in": 4, "classes": 27, "widths": (16, 48, 96, 192)})
"""Lobules at 1 mm from a T1w alone."""

ICV = Recipe("icv", 800, sizes={"channels_in": 4, "classes": 2, "widths": (16, 32, 64, 128)})
"""Intracranial cavity at 2 mm."""

SUPERRES = Recipe("superres", 1000, "superres", {"width": 32, "blocks": 6}, batch=4, learning_rate=4e-3, averaging=0.99)
"""From 1 mm to 0.5 mm."""

CONTRAST = Recipe("contrast", 900, "contrast", {"width": 32, "blocks": 6}, learning_rate=3e-3, averaging=0.99)
"""T2w from T1w at 0.5 mm."""

DEFORM = Recipe("deform", 300, "deform", {"widths": (32, 64, 128), "passes": 3}, learning_rate=4e-3)
"""From one cerebellum to another at 1 mm."""

PLACE = Recipe("place", 1600, sizes={"channels_in": 1, "classes": 4, "widths": (16, 32, 64, 128)})
"""Cerebrum, cerebellum and brainstem of infants at 2.5 mm, whatever the contrast."""

_DPN = {"width": 32}
_UNET = {"widths": (16, 32, 64, 128), "norm": "batch"}
_SIDES = {"channels_in": 5, "classes": 5, "prior": (2, 3, 2, 3)}
SIDES_DPN = Recipe("sides_dpn", 500, "dpn", {**_SIDES, **_DPN})
SIDES_UNET = Recipe("sides_unet", 400, "unet", {**_SIDES, **_UNET})
"""Hemispheres, halves of the vermis and background at 0.5 mm, from T1w, T2w, two guessed sides and the midplane."""

_LOBULES = {"channels_in": 15, "classes": 14, "prior": tuple(range(2, 15))}
LOBULES_DPN = Recipe("lobules_dpn", 500, "dpn", {**_LOBULES, **_DPN})
LOBULES_UNET = Recipe("lobules_unet", 400, "unet", {**_LOBULES, **_UNET})
"""Twelve lobules, white matter and background at 0.5 mm, from T1w, T2w and thirteen guessed labels."""

_INFANT = {"channels_in": 1, "classes": 4, "width": 16}
TISSUE24 = Recipe("tissue24", 1900, "adunet", _INFANT, batch=4, restarts=(1400,))
"""Fluid, grey and white matter of cut-out cerebella of 24 months; a quarter of the text's width."""

TISSUE18, TISSUE12, TISSUE06 = (Recipe(f"tissue{months:02}", 350, "adunet", _INFANT, batch=4) for months in (18, 12, 6))
"""The same of simulated younger ones; each goes on from the network for 24 months."""

JUDGE = Recipe("confidence", 350, "adunet", {"channels_in": 4, "classes": 3, "width": 16}, batch=4)
"""How far labels of tissues are to be trusted."""

PLACE_NEONATES = Recipe("place_neonates", 1600, sizes=PLACE.sizes)
"""Cerebrum, cerebellum and brainstem of neonates at 2.5 mm."""

_CEREBRUM = {"classes": 4, "widths": (8, 16, 32, 64)}
FIRST_CEREBRUM = Recipe("cerebrum", 1200, "multistream", {"streams": (1, 1), **_CEREBRUM}, batch=2)
"""Fluid, grey and white matter of isointense cerebra at 1 mm, from T1w and T2w."""
CONTEXT = Recipe("context", 1200, "multistream", {"streams": (1, 1, 3), **_CEREBRUM}, batch=2)
"""The same, from the distances to what that one has found, too."""

BRAIN = Recipe(
    "brain", 1600, "ageunet", {"channels_in": 2, "classes": 10, "widths": (10, 20, 40, 80, 100), "age": False}, batch=2
)
"""Classes of DrawEM at 1 mm, from T1w and T2w of neonates."""

BRAINS = (PLACE_NEONATES, FIRST_CEREBRUM, CONTEXT, BRAIN)
TISSUES = (TISSUE24, TISSUE18, TISSUE12, TISSUE06)

CASCADE = (SIDES_DPN, SIDES_UNET, LOBULES_DPN, LOBULES_UNET)
_EVERY = (LOBULES, ICV, SUPERRES, CONTRAST, DEFORM, *CASCADE, PLACE, *TISSUES, JUDGE, *BRAINS)
RECIPES = {recipe.net: recipe for recipe in _EVERY}
