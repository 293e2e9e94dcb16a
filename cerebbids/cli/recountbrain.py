"""Tables, quality, figures and sidecars of a whole brain, made again from labels that somebody has corrected."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cerebbids.cli.recount import Recounted
from cerebbids.cli.recountclasses import read_classes, write_classes
from cerebbids.imaging.brainqc import OF_NETWORKS, judge_brain
from cerebbids.systems.published import SYSTEMS


def recount_brain(output_dir: Path, name: str, system: str) -> Recounted:
    """Make again what comes from the labels of a brain.

    Parameters are those of :func:`cerebbids.cli.recount.recount`, and the system that has labelled the brain; result
    and errors are those of that function, too.
    """
    brain = read_classes(output_dir, name, system, OF_NETWORKS)
    verdict = judge_brain(brain.dseg, brain.scheme, brain.facts, brain.of_steps, corrected=brain.corrected)
    cerebellum = SYSTEMS[system].cerebellum
    return write_classes(brain, verdict, None if cerebellum is None else (brain.labels == cerebellum).astype(np.uint8))
