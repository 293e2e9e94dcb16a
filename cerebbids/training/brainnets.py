"""How the networks for whole brains are trained: as their texts tell, or in far fewer steps by Muon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from cerebbids.nets.build import build
from cerebbids.systems.neonatal import WEEKS
from cerebbids.training import loop
from cerebbids.training.braincases import BrainCase
from cerebbids.training.brainpatches import BrainPatches, Varied, bent, turned
from cerebbids.training.loss import dice_cross_entropy
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen
from cerebbids.training.supervision import deeply_supervised, labels_alone, where_known, with_age
from cerebbids.training.trained import trained_net

DEEP = (1.0, 0.67, 0.33)
"""Weights of the losses at full, half and quarter resolution (Zeng & Zheng 2018)."""
ALPHA = 10e-3
"""Weight of the squared error of the age (Richter & Fetit 2022)."""
OWN_ALPHA = 0.1
"""The same of standardised ages, which networks of a user learn, by the age head's learning rate in ``BRAIN``."""
TISSUES, DRAWEM = 4, 10
"""Classes of either system, with the background."""


@dataclass(frozen=True)
class BrainTraining:
    """What a network of a system for whole brains is trained by.

    Parameters
    ----------
    recipe : Recipe
    side : int
        Of a patch, voxels.
    vary : callable
        How patches are cut and varied.
    loss_of : callable
        Of an answer and a target of :class:`cerebbids.training.brainpatches.BrainPatches`.
    ages : tuple of float
        Mean and standard deviation by which ages are standardised, weeks.
    """

    recipe: Recipe
    side: int
    vary: Varied
    loss_of: Callable[..., torch.Tensor]
    ages: tuple[float, float] = WEEKS

    def __call__(
        self, run: Path, cases: tuple[BrainCase, ...], seen: Seen, *, net: torch.nn.Module | None = None,
        device: torch.device | None = None, workers: int = 1,
    ) -> torch.nn.Module:  # fmt: skip
        """Train a network, or go on, to its last step; return it, to be asked.

        Parameters
        ----------
        run : Path
            Folder of the run.
        cases : tuple of BrainCase
        seen : Seen
        net : Module, optional
            With first weights, some of them frozen perhaps; none for random ones.
        device : torch.device, optional
            The CPU, where it is not given.
        workers : int
            Processes that prepare examples.
        """
        device = device or torch.device("cpu")
        torch.manual_seed(self.recipe.seed)
        net = build(self.recipe.architecture, self.recipe.sizes) if net is None else net
        patches = BrainPatches(cases, self.recipe, self.side, self.vary, self.ages)
        loop.fit(
            net, patches, self.loss_of, self.recipe, seen, run,
            device=device, workers=workers, max_minutes=1e9, resume=True,
        )  # fmt: skip
        return trained_net(run).to(device)


def isointense_training(
    name: str, streams: tuple[int, ...] = (1, 1), *, width: int = 32, steps: int | None = None, side: int = 64,
    method: str = "sgd", deep: tuple[float, ...] = DEEP, seed: int = 0,
) -> BrainTraining:  # fmt: skip
    """Training of a network of the isointense system; by default with all that its text tells.

    Parameters
    ----------
    name : str
        Of the network.
    streams : tuple of int
        Channels of each: T1w and T2w, and three distances for a network with context.
    width : int
        Feature channels at full resolution (the text shows them in a figure that we do not have).
    steps : int or None
        10,000 of the text by SGD, 1,200 by Muon.
    side : int
        Of a patch, voxels.
    method : str
        ``sgd`` or ``muon``.
    deep : tuple of float
        Weights of the three resolutions; (1, 0, 0) is no deep supervision.
    seed : int
        Of the first weights and of every example.

    Returns
    -------
    BrainTraining
    """
    sizes = {"streams": streams, "classes": TISSUES, "widths": tuple(width * 2**level for level in range(4))}
    recipe = (
        Recipe(name, steps or 1200, "multistream", sizes, batch=2, seed=seed) if method == "muon" else
        Recipe(
            name, steps or 10_000, "multistream", sizes, method="sgd", schedule="halves", learning_rate=1e-3,
            weight_decay=0.005, averaging=0.0, seed=seed,
        )
    )  # fmt: skip
    return BrainTraining(recipe, side, turned, isointense_loss(deep))


def neonatal_training(
    name: str, *, width: int = 32, steps: int | None = None, side: int = 128, method: str = "sgd", age: bool = False,
    age_rate: float = 1.0, alpha: float = ALPHA, ages: tuple[float, float] = WEEKS, seed: int = 0,
) -> BrainTraining:  # fmt: skip
    """Training of a network of the neonatal system; by default with all that its text tells.

    Parameters
    ----------
    name : str
        Of the network.
    width : int
        Feature channels at full resolution: they double with every level, up to ten times as many.
    steps : int or None
        Of the text 60 epochs of 114 images, two at a time, by SGD; 1,200 by Muon.
    side : int
        Of a patch, voxels; below 128 the network has a level less.
    method : str
        ``sgd`` or ``muon``.
    age : bool
        Whether the network tells the age, too.
    age_rate : float
        Learning rate of the age head beside that of all else.
    alpha : float
        Weight of the age's squared error.
    ages : tuple of float
        Mean and standard deviation by which ages are standardised, weeks; (0, 1) leaves them as they are, as in the
        text.
    seed : int
        Of the first weights and of every example.

    Returns
    -------
    BrainTraining

    Notes
    -----
    The text does not tell the weights of the coarser resolutions: they are halves, as in nnU-Net, and so is the weight
    decay of 3e-5.
    """
    widths = tuple(min(10, 2**level) * width for level in range(6 if side >= 128 else 5))
    sizes = {"channels_in": 2, "classes": DRAWEM, "widths": widths, "age": age}
    recipe = (
        Recipe(name, steps or 1200, "ageunet", sizes, batch=2, age_rate=age_rate, seed=seed) if method == "muon" else
        Recipe(
            name, steps or 60 * 114 // 2, "ageunet", sizes, batch=2, method="sgd", momentum=0.99, nesterov=True,
            schedule="poly", learning_rate=1e-2, weight_decay=3e-5, averaging=0.0, age_rate=age_rate, seed=seed,
        )
    )  # fmt: skip
    return BrainTraining(recipe, side, bent, neonatal_loss(alpha if age else None), ages)


def isointense_loss(deep: tuple[float, ...] = DEEP) -> Callable[..., torch.Tensor]:
    """Cross-entropy at three resolutions, with these weights (Zeng & Zheng 2018)."""

    def entropy(answer: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(answer.float(), labels[:, 0])

    return labels_alone(deeply_supervised(entropy, deep))


def neonatal_loss(alpha: float | None = None) -> Callable[..., torch.Tensor]:
    """Dice and cross-entropy at three resolutions, where voxels are labelled; the age's squared error where asked for.

    Parameters
    ----------
    alpha : float or None
        Weight of the age's error; none for networks that tell no age.
    """
    labels = deeply_supervised(where_known(dice_cross_entropy), (1.0, 0.5, 0.25))
    return labels_alone(labels) if alpha is None else with_age(labels, alpha)
