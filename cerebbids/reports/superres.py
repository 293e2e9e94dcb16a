"""Picture of the super-resolved cerebellum beside the scan it was made from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from cerebbids.imaging.tissuemeans import scale_to_means
from cerebbids.imaging.xfm import read_itk_affine
from cerebbids.reports.closeups import VIEW, Layer, close_ups
from cerebbids.reports.drawing import Picture, write_picture
from cerebbids.reports.slices import Volume
from cerebbids.reports.tissues import read_means
from cerebbids.systems.space import SPACE

WINDOW = (0.0, 310.0)
"""Black and white: fluid is at 50, grey matter at 150, white matter at 250."""


def superres_check(t1w_path: Path, xfm_path: Path, superres_path: Path, facts: Mapping[str, Any], out: Path) -> None:
    """Draw the super-resolved T1w image in large cuts; under the pointer, the T1w image itself.

    Parameters
    ----------
    t1w_path : Path
        Clean T1w image on its own grid.
    xfm_path : Path
        ITK affine that resamples it onto the template.
    superres_path : Path
        Super-resolved image in the working space, fluid, grey and white matter at 50, 150 and 250.
    facts : dict
        What the prediction said: from ``tissues``, the T1w image is shown as bright as the other.
    out : Path
        SVG file.
    """
    fine = superres_layer(superres_path)
    scan = _in_template(nib.load(t1w_path), read_itk_affine(xfm_path))
    same = Volume(scale_to_means(np.maximum(scan.data, 0), read_means(facts)), scan.affine)
    rows = close_ups(fine, Layer(same, "input, cubic", WINDOW, order=3))
    note = f"In {SPACE} at 0.5 mm; positions are coordinates of that space in mm."
    write_picture(Picture("Super-resolved cerebellum", rows, (), notes=(note,)), out)


def superres_layer(superres_path: Path) -> Layer:
    """Read the super-resolved T1w image, ready to be looked at."""
    return Layer(Volume.of(nib.load(superres_path), np.float32), "super-resolved", WINDOW)


def _in_template(t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> Volume:
    """The voxels around the cerebellum, as they are, where they lie in the working space."""
    return Volume(np.asarray(t1w.dataobj, dtype=np.float32), t1w_to_mni @ t1w.affine).within(VIEW)
