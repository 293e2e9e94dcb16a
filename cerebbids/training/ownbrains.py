"""Networks for whole brains, trained on a user's own infants."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from cerebbids.inference.wholebrain import SPACING
from cerebbids.systems import isointense, neonatal
from cerebbids.systems.isointense import ISOINTENSE
from cerebbids.training.braincases import BrainCase
from cerebbids.training.braincontext import with_context
from cerebbids.training.brainnets import OWN_ALPHA, isointense_training, neonatal_training
from cerebbids.training.kit import EVERYBODY
from cerebbids.training.notes import begin, hashed
from cerebbids.training.recipe import BRAIN, CONTEXT, FIRST_CEREBRUM
from cerebbids.training.run import Seen, run_folder

NOTES = "brains.json"


def train_brains(
    system: str, cases: Sequence[BrainCase], work: Path, *, width: int = 32, steps: int | None = None,
    method: str = "sgd", age: bool = False, device: torch.device | None = None, workers: int = 1,
) -> None:  # fmt: skip
    """Train the networks of a system that name tissues, or go on, each to its last step.

    Parameters
    ----------
    system : str
        ``isointense`` or ``neonatal``.
    cases : sequence of BrainCase
        Their names begin with those of the people.
    work : Path
        Gets ``runs/<network>/all``, where ``cerebbids-train export`` looks for them, and what they come from.
    width, steps, method
        As of :mod:`cerebbids.training.brainnets`.
    age : bool
        Whether the network of the neonatal system tells the age, too.
    device : torch.device, optional
        The CPU, where it is not given.
    workers : int
        Processes that prepare examples.

    Raises
    ------
    UsageError
        The folder was begun with other images, another recipe, or for another system.
    """
    hashes = {case.id: hashed((case.images, case.labels)) for case in cases}
    ages = {case.id: round(case.weeks, 3) for case in cases} if age else {}
    begin(work / NOTES, {"system": system, "images": hashes, "weeks": ages}, "images, labels, ages, --system or --age")
    seen = Seen(tuple(sorted({case.id.split("_")[0] for case in cases})))
    how = {"width": width, "steps": steps, "method": method}
    where = {"device": device, "workers": workers}
    folders = {recipe.net: run_folder(work, recipe.net, EVERYBODY) for recipe in (FIRST_CEREBRUM, CONTEXT, BRAIN)}
    if system == ISOINTENSE.name:
        train = isointense_training(FIRST_CEREBRUM.net, side=isointense.SIDE, **how)
        first = train(folders[FIRST_CEREBRUM.net], tuple(cases), seen, **where)
        wider = tuple(with_context(first, case, isointense.SIDE, SPACING) for case in cases)
        train = isointense_training(CONTEXT.net, (1, 1, 3), side=isointense.SIDE, **how)
        train(folders[CONTEXT.net], wider, seen, **where)
        return
    rate = BRAIN.age_rate if method == "muon" else 1.0  # an age head that learns as fast as all else, as in the text
    train = neonatal_training(BRAIN.net, side=neonatal.SIDE, age=age, age_rate=rate, alpha=OWN_ALPHA, **how)
    train(folders[BRAIN.net], tuple(cases), seen, **where)
