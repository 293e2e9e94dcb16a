"""What the page of a subject shows, gathered from the output folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cerebbids.bids.names import DERIVATIVES, derivative_path, stems_with_labels
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import provenance
from cerebbids.errors import CerebbidsError
from cerebbids.reports.html import CAPTIONS, ImageReport


def subject_images(
    output_dir: Path, subject: str, images: Sequence[SourceImage], failures: Mapping[str, CerebbidsError]
) -> tuple[ImageReport, ...]:
    """Describe all images of a subject, those of earlier runs too, so that a page is never less than before.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    subject : str
        Label without ``sub-``.
    images : sequence of SourceImage
        Images of this run.
    failures : dict of str to CerebbidsError
        Why images of this run failed, by their stems, or by their paths where their names are ambiguous.
    """
    stems = {image.stem for image in images if image.subject == subject}
    stems |= {stem for stem, _ in stems_with_labels(output_dir, subject)}
    unfit = {path: error for path, error in failures.items() if path.startswith(f"sub-{subject}/")}
    return (
        *(_describe(output_dir, stem, failures.get(stem)) for stem in sorted(stems)),
        *(ImageReport(path, errors=(str(error),)) for path, error in sorted(unfit.items())),
    )


def _describe(output_dir: Path, stem: str, failure: CerebbidsError | None) -> ImageReport:
    name = f"{stem}_T1w.nii.gz"
    made = {key: output_dir / derivative_path(name, key) for key in DERIVATIVES}
    labels = _provenance(made["dseg"])
    return ImageReport(
        name=name,
        figures={key: made[key] for key in CAPTIONS if made[key].exists()},
        morph_tsv=made["morph"] if made["morph"].exists() else None,
        warnings=tuple(labels.get("warnings", ())),
        facts=_facts(labels, _provenance(made["xfm_to_mni"])),
        errors=(str(failure),) if failure else (),
    )


def _provenance(derivative: Path) -> dict[str, Any]:
    try:
        return provenance(derivative)
    except ValueError as error:
        return {"warnings": [f"{error}: run again with a new work folder."]}


def _facts(labels: Mapping[str, Any], registration: Mapping[str, Any]) -> dict[str, str]:
    facts = {
        "Model": labels.get("model"),
        "Network ran on": labels.get("device"),
        "Network took": f"{labels['seconds']:.0f} s" if "seconds" in labels else None,
        "Registration": registration.get("strategy"),
        "Brain overlap": f"{registration['overlap']:.3f}" if "overlap" in registration else None,
    }
    return {name: str(value) for name, value in facts.items() if value is not None}
