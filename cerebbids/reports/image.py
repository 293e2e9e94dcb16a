"""What there is to show of one T1w image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cerebbids.reports.summary import RunSummary
from cerebbids.reports.volumetry import Reference


@dataclass(frozen=True)
class Scan:
    """Geometry of an image.

    Parameters
    ----------
    orientation : str
        Anatomical directions in which its axes grow: ``RAS``, say.
    voxel_mm : tuple of float
        Edges of a voxel along these axes.
    scale : float
        Volume in the template's space of a volume of 1 in the image's: determinant of the affine between the two.
    """

    orientation: str
    voxel_mm: tuple[float, float, float]
    scale: float


@dataclass(frozen=True)
class ImageReport:
    """What there is to show of one T1w image.

    Parameters
    ----------
    name : str
        The image, as in the dataset: ``sub-01_ses-a_T1w.nii.gz``.
    figures : dict
        Figures by their key in `cerebbids.reports.html.CAPTIONS`; a failed image lacks some or all.
    tables : dict
        TSV files of volumes by their key in `cerebbids.reports.html.TABLES`, ``vermis_morph`` and
        ``tissues_morph``.
    sheets : dict
        Where the sheets of volumes and their snapshots are, or will be, by their keys in
        `cerebbids.bids.names.DERIVATIVES`.
    warnings : tuple of str
        What should make a reader look twice.
    facts : dict
        Short things worth knowing: model, device, strategy of the registration.
    errors : tuple of str
        Why there are no labels.
    run : RunSummary, optional
        The run that made what is shown, where it is known.
    remarks : dict
        What nobody must overlook of this image's figures, by their keys: stands before the caption.
    quality : dict
        What ``_qc.json`` holds; empty where there is none.
    reference : Reference
        What its volumes are held against.
    scan : Scan, optional
        Its geometry, where there are labels.
    """

    name: str
    figures: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, Path] = field(default_factory=dict)
    sheets: Mapping[str, Path] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    run: RunSummary | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    reference: Reference = field(default_factory=Reference)
    scan: Scan | None = None

    @property
    def light(self) -> str | None:
        """``green``, ``yellow`` or ``red``, where it is known."""
        return self.quality.get("light")

    @property
    def state(self) -> str:
        """``failed``, ``warned`` or ``done``."""
        return "failed" if self.errors else "warned" if self.warnings else "done"
