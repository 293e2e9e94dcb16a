"""Picture of where the labels are doubtful."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.imaging.xfm import read_itk_affine
from cerebbids.reports.closeups import STEP, VIEW, Layer, close_ups
from cerebbids.reports.drawing import Key, Picture, color_jpeg, grey, write_picture
from cerebbids.reports.slices import Plane, Volume, cut
from cerebbids.reports.superres import superres_layer
from cerebbids.systems.space import SPACE

BANDS = {0.95: "#4d30b0", 0.8: "#a8329a", 0.65: "#e1566b", 0.5: "#fb9b3c", 0.35: "#f6ee5a"}
"""Colours of what is less probable than this, and at least as probable as the next: from dark to light, so that whoever
cannot tell hues tells the brightness."""

OPACITY = 0.75
"""Of the colours on the scan."""


def doubt_check(superres_path: Path, confidence_path: Path, xfm_path: Path, out: Path) -> None:
    """Colour large cuts where the label, or the background, is not certain; under the pointer, the scan alone.

    Parameters
    ----------
    superres_path : Path
        Super-resolved T1w image in the working space.
    confidence_path : Path
        Probability of each voxel's label on the grid of the T1w image.
    xfm_path : Path
        ITK affine that resamples the T1w image onto the template.
    out : Path
        SVG file.
    """
    scan = superres_layer(superres_path)
    image = nib.load(confidence_path)
    to_mni = read_itk_affine(xfm_path) @ image.affine
    near = Volume(image.get_fdata(dtype=np.float32), to_mni).within(VIEW)
    doubt = Volume(1 - near.data, near.affine)  # beyond the image nothing is doubtful
    rows = close_ups(_Doubtful(scan.volume, "doubt", scan.window, doubt=doubt), scan)
    notes = (
        "Probability of the label that a voxel got, or of the background where it got none; without colour: 0.95 and "
        "more.",
        f"In {SPACE}; positions are coordinates of that space in mm.",
    )
    write_picture(Picture("Where labels are doubtful", rows, doubt_legend(), notes=notes), out)


def doubt_legend() -> tuple[Key, ...]:
    """Name the colours, the most certain first."""
    return tuple(Key(name, (color,)) for name, color in _bands())


def _bands() -> list[tuple[str, str]]:
    """What each colour means, the most certain first."""
    ends = [*BANDS, 0.0]
    return [(f"{low:g} to {high:g}" if low else f"below {high:g}", BANDS[high]) for high, low in pairwise(ends)]


@dataclass(frozen=True, kw_only=True)
class _Doubtful(Layer):
    """A scan with colours on it; ``doubt`` is one less the probability, in the same world."""

    doubt: Volume

    def picture(self, plane: Plane, position: float) -> str:
        scan = grey(cut(self.volume, plane, position, VIEW, STEP, self.order), self.window)
        probability = 1 - cut(self.doubt, plane, position, VIEW, STEP)
        return color_jpeg(tinted(scan, probability), quality=92)


def tinted(scan: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Lay the colours of probabilities over a grey picture (uint8); both (height, width).

    Examples
    --------
    >>> tinted(np.array([[100, 100]], np.uint8), np.array([[1.0, 0.2]])).tolist()
    [[[100, 100, 100], [209, 203, 92]]]
    """
    picture = np.repeat(scan[..., None], 3, -1).astype(np.float32)
    for bound, color in BANDS.items():
        below = probability < bound
        paint = np.array([int(color[k : k + 2], 16) for k in (1, 3, 5)])
        picture[below] = (1 - OPACITY) * scan[below][:, None] + OPACITY * paint
    return picture.astype(np.uint8)
