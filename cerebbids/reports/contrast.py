"""Picture of the cerebellum in T2w contrast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from cerebbids.reports.closeups import Layer, bright_end, close_ups
from cerebbids.reports.drawing import Picture, write_picture
from cerebbids.reports.html import ORIGINS
from cerebbids.reports.slices import Volume
from cerebbids.reports.superres import superres_layer
from cerebbids.systems.space import SPACE

_NAMES = {"real": "real T2w", "synth": "synthetic T2w"}


def contrast_check(t2w_path: Path, superres_path: Path, facts: Mapping[str, Any], out: Path) -> None:
    """Draw the T2w contrast in large cuts; under the pointer, the super-resolved T1w image.

    Parameters
    ----------
    t2w_path : Path
        T2w image in the working space, acquired or made.
    superres_path : Path
        Super-resolved T1w image in the working space.
    facts : dict
        What the prediction said: ``t2w`` is ``real`` or ``synth``.
    out : Path
        SVG file.
    """
    origin = facts["t2w"]
    t2w = Volume.of(nib.load(t2w_path), np.float32)
    shown = Layer(t2w, _NAMES[origin], (0.0, bright_end(t2w)))
    rows = close_ups(shown, superres_layer(superres_path))
    note = f"In {SPACE} at 0.5 mm; positions are coordinates of that space in mm."
    write_picture(Picture(ORIGINS[origin], rows, (), notes=(note,), headline=ORIGINS[origin]), out)
