"""Labels that are found in an output folder, of whatever system, and what else there is of their images."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from cerebbids.bids.names import LABELS, derivative_path


def beside_labels(labels: Path, key: str) -> Path:
    """Path of another derivative of an image, in the same folder as its labels.

    Parameters
    ----------
    labels : Path
        As :func:`stems_with_labels` gives it.
    key : str
        One of `DERIVATIVES`.

    Examples
    --------
    >>> print(beside_labels(Path("sub-01/anat/sub-01_run-1_seg-Lobules_dseg.nii.gz"), "qc"))
    sub-01/anat/sub-01_run-1_seg-Lobules_qc.json
    """
    # Entities and endings are those of any image: the name of this one need not be taken apart.
    own = next(_ending(of_labels) for of_labels in LABELS.values() if labels.name.endswith(_ending(of_labels)))
    return labels.with_name(f"{labels.name.removesuffix(own)}{_ending(key)}")


def system_of(labels: Path) -> str:
    """Name of the system that labels are of.

    Examples
    --------
    >>> system_of(Path("sub-01_seg-CerebellumTissue_dseg.nii.gz"))
    'infant'
    """
    return next(system for system, key in LABELS.items() if labels.name.endswith(_ending(key)))


@cache
def _ending(key: str) -> str:
    """What a derivative's name adds to that of its source."""
    return derivative_path("sub-0_T1w.nii.gz", key).name.removeprefix("sub-0")


def stems_with_labels(output_dir: Path, subject: str = "*") -> Iterator[tuple[str, Path]]:
    """Find the images that there are labels of: their stems, and the labels on their own grids, of whatever system.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    subject : str
        Label without ``sub-``; all where it is not given.
    """
    for ending in (_ending(key) for key in LABELS.values()):
        for folder in ("anat", "ses-*/anat"):
            for path in output_dir.glob(f"sub-{subject}/{folder}/*{ending}"):
                if "_space-" not in path.name:
                    yield path.name.removesuffix(ending), path
