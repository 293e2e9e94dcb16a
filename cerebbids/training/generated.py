"""A library for atlases that can be given away: generated exemplars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from cerebbids.data.labels import load_scheme
from cerebbids.inference.library import write_library
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.data import load_cases
from cerebbids.training.exemplars import exemplar
from cerebbids.training.run import library_folder
from cerebbids.training.sources import people_but

PER_PERSON = 2
"""Exemplars of every person."""


def build_exemplars(kit: Path, work: Path, fold: str) -> Path:
    """Write the library of generated exemplars of everybody but a fold; return its folder.

    Parameters
    ----------
    kit, work : Path
        As :func:`cerebbids.training.prepare.prepare` takes and fills them.
    fold : str
        Fold whose people are left out, or ``all``.
    """
    folder, people = library_folder(work, fold), people_but(kit, fold)
    scheme, grid = load_scheme(DEEPCERES.scheme), DEEPCERES.grids["deform"]
    images, labels = [], []
    for case in tqdm(load_cases(work, people), desc="exemplars"):
        for place in range(PER_PERSON):
            image, named = exemplar(case, np.random.default_rng((int(case.id), place)))
            images.append(image)
            labels.append(named)
    sources = [f"OASIS-{person}" for person in people]
    made = "generated: tissues of a labelled person, deformed at random and painted anew"
    write_library(folder, images, labels, grid, scheme, sources=sources, licence=DEEPCERES.licence, made=made)
    return folder
