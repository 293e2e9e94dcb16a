"""How the networks for infants are trained: as Sun et al. 2020 tell, or in far fewer steps by Muon."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from cerebbids.nets.build import build
from cerebbids.training import loop
from cerebbids.training.infantpatches import InfantPatches
from cerebbids.training.infants import TISSUES, Infant
from cerebbids.training.loss import weighted_cross_entropy
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen
from cerebbids.training.trained import trained_net

PATCHES = 1000
"""Cubes of each image in an epoch of SGD."""
CLASSES = {"tissue": 1 + len(TISSUES), "confidence": 3}
"""Kind of network -> classes that it tells apart."""


@dataclass(frozen=True)
class InfantTraining:
    """Trains networks for infants, as :func:`cerebbids.training.transfer.transfer` wants it.

    Parameters
    ----------
    width : int
        Of the ADU-Net; 64 in the text.
    steps : int or None
        Of each network. By default three epochs of SGD, each of 1000 cubes an image (the text does not tell how many
        epochs; after three the learning rate would be a thousandth of the first), or 600 steps of Muon.
    method : str
        ``sgd``, as in the text, or ``muon``.
    device : torch.device
    workers : int
        Processes that prepare examples.

    Examples
    --------
    >>> from cerebbids.training.infants import Infant
    >>> import numpy as np
    >>> eighteen = tuple(Infant(f"{n}", f"{n}", np.zeros((2, 32, 32, 32))) for n in range(18))
    >>> InfantTraining().recipe("tissue", eighteen).steps
    18000
    """

    width: int = 64
    steps: int | None = None
    method: str = "sgd"
    device: torch.device = torch.device("cpu")
    workers: int = 1

    def recipe(self, kind: str, infants: tuple[Infant, ...]) -> Recipe:
        """How a network is trained on some infants."""
        sizes = {"channels_in": len(infants[0].images), "classes": CLASSES[kind], "width": self.width}
        if self.method == "muon":
            return Recipe(kind, self.steps or 600, "adunet", sizes, batch=4)
        batch, epochs = 3, 3
        return Recipe(
            kind, self.steps or epochs * PATCHES * len(infants) // batch, "adunet", sizes, batch,
            method="sgd", schedule="tenths", epochs=epochs, learning_rate=0.005, weight_decay=5e-4, averaging=0.0,
        )  # fmt: skip

    def __call__(self, folder: Path, kind: str, infants: tuple[Infant, ...], seen: Seen) -> torch.nn.Module:
        """Train a network, or go on, to its last step; return it, to be asked."""
        recipe = self.recipe(kind, infants)
        torch.manual_seed(recipe.seed)
        loop.fit(
            build(recipe.architecture, recipe.sizes), InfantPatches(infants, recipe, bright=kind == "tissue"),
            weighted_cross_entropy, recipe, seen, folder,
            device=self.device, workers=self.workers, max_minutes=1e9, resume=True,
        )  # fmt: skip
        return trained_net(folder).to(self.device)
