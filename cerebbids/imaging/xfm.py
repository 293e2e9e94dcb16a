"""Affines as ITK text files, the form antsApplyTransforms and every ITK program takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cerebbids.errors import BadImage
from cerebbids.files import write_text
from cerebbids.imaging.antsio import RAS_TO_LPS

_HEADER = "#Insight Transform File V1.0\n#Transform 0\nTransform: AffineTransform_double_3_3\n"


def write_itk_affine(matrix_from_to: np.ndarray, path: Path) -> None:
    """Write the transform that resamples the `from` image onto the `to` image.

    An ITK transform carries points of the target to the source, in LPS: the file holds the inverse.

    Parameters
    ----------
    matrix_from_to : ndarray of shape (4, 4)
        World of `from` -> world of `to`, RAS mm.
    path : Path
        ``*_xfm.txt``.
    """
    lps = RAS_TO_LPS @ np.linalg.inv(matrix_from_to) @ RAS_TO_LPS
    numbers = " ".join(repr(float(x)) for x in (*lps[:3, :3].ravel(), *lps[:3, 3]))
    write_text(Path(path), f"{_HEADER}Parameters: {numbers}\nFixedParameters: 0 0 0\n")


def read_itk_affine(path: Path) -> np.ndarray:
    """Read an ITK text affine back as (4, 4), world of `from` -> world of `to`, RAS mm.

    Raises
    ------
    BadImage
        The file is not an ITK text file with one 3D affine.
    """
    fields = dict(line.split(":", 1) for line in Path(path).read_text().splitlines() if ":" in line)
    try:
        numbers = np.array(fields["Parameters"].split(), dtype=float)
        centre = np.array(fields["FixedParameters"].split(), dtype=float)
        lps = np.eye(4)
        lps[:3, :3] = numbers[:9].reshape(3, 3)
        lps[:3, 3] = numbers[9:] + centre - lps[:3, :3] @ centre
        return np.linalg.inv(RAS_TO_LPS @ lps @ RAS_TO_LPS)
    except (KeyError, ValueError, np.linalg.LinAlgError) as error:
        raise BadImage(str(path), "is not an ITK text affine", "make it again") from error
