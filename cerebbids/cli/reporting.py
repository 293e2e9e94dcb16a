"""What the page of a subject shows, gathered from the output folder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from os.path import lexists
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

from cerebbids.bids.found import stems_with_labels, system_of
from cerebbids.bids.names import (
    CLASS_TABLES,
    DERIVATIVES,
    LABEL_MAPS,
    LABELS,
    QUALITY,
    REPORTS,
    SNAPSHOTS,
    derivative_path,
    stem,
)
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import provenance
from cerebbids.cli.records import Record, keep_records, read_records
from cerebbids.cli.references import NOTHING, References
from cerebbids.config import RunConfig
from cerebbids.errors import BadImage, Busy, CerebbidsError, Corrected, Unfinished, WrongAge
from cerebbids.imaging.xfm import read_itk_affine
from cerebbids.reports.captions import CAPTIONS
from cerebbids.reports.html import ORIGINS, TABLES
from cerebbids.reports.image import ImageReport, Scan
from cerebbids.reports.summary import RunSummary
from cerebbids.reports.volumes import read_classes, read_regions, read_vermis
from cerebbids.systems.ages import age_words


def subject_images(
    config: RunConfig,
    subject: str,
    images: Sequence[SourceImage],
    failures: Mapping[str, CerebbidsError],
    run: RunSummary,
    references: References = NOTHING,
) -> tuple[ImageReport, ...]:
    """Describe all images of a subject, those of earlier runs too, so that a page is never less than before.

    Parameters
    ----------
    config : RunConfig
        Choices of this run.
    subject : str
        Label without ``sub-``.
    images : sequence of SourceImage
        Images of this run.
    failures : dict of str to CerebbidsError
        Why images of this run failed, by their stems, or by their paths where their names are ambiguous; and why
        there is no image of a participant, by ``sub-<label>``.
    run : RunSummary
        This run. What became of its images is kept for the pages of later ones.
    references : References
        What volumes are held against.
    """
    own = [image for image in images if image.subject == subject]
    earlier = read_records(config.output_dir, subject)
    spared = {
        image.relative: failures[image.stem]
        for image in own
        if _is_as_before(failures.get(image.stem), earlier.get(image.relative), run)
    }
    worked_on = [image for image in own if image.relative not in spared]
    now = keep_records(config.output_dir, _records(subject, worked_on, failures, run, earlier, config.output_dir))
    # Not kept: the results are those of before, and nothing is wrong with them.
    for name, error in spared.items():
        now[name] = replace(earlier.get(name) or Record(name, replace(run, methods_md="")), error=str(error))
    records = of_images_there((earlier | now).values(), config.bids_dir)
    missing = None if own else failures.get(f"sub-{subject}")
    return (
        *((ImageReport(f"sub-{subject}", errors=(str(missing),)),) if missing else ()),
        *recorded_images(config.output_dir, subject, records, references),
    )


def _is_as_before(error: CerebbidsError | None, before: Record | None, run: RunSummary) -> bool:
    """Whether this run has written nothing of an image, nor found a fault in it: what was said of it still holds."""
    if isinstance(error, Corrected | Busy):
        return True
    return isinstance(error, Unfinished) and before is not None and before.run.started != run.started


def of_images_there(records: Iterable[Record], bids_dir: Path | None) -> list[Record]:
    """Leave out what was said of images that have left the dataset since: it is of no use to anyone.

    Parameters
    ----------
    records : iterable of Record
    bids_dir : Path or None
        The dataset; where it is out of reach nothing is left out.
    """
    return [record for record in records if bids_dir is None or lexists(bids_dir / record.image)]


def recorded_images(
    output_dir: Path, subject: str, records: Iterable[Record], references: References = NOTHING
) -> tuple[ImageReport, ...]:
    """Describe the images of a subject that there are labels or records of.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    subject : str
        Label without ``sub-``.
    records : iterable of Record
        What became of its images.
    references : References
        What volumes are held against.
    """
    told = sorted(records, key=lambda record: record.image)
    known: dict[str, Record | None] = dict.fromkeys(name for name, _ in stems_with_labels(output_dir, subject))
    known |= {stem(record.image): record for record in told if not record.refused}
    return (
        *(_describe(output_dir, name, record, references) for name, record in sorted(known.items())),
        *(ImageReport(each.image, errors=(each.error,), run=each.run) for each in told if each.refused),
    )


@contextmanager
def unwritten_page(subject: str, failures: dict[str, CerebbidsError]) -> Iterator[None]:
    """Add the page of a subject to failures where it cannot be written: the results that it shows are there."""
    try:
        yield
    except Exception as error:  # whatever one page stumbles over, it must not keep the others from being written
        page, kind, mend = f"sub-{subject}.html", f"{type(error).__name__}: ", "run the same command again"
        if isinstance(error, CerebbidsError):
            kind, mend = "", error.mend
        failures[page] = CerebbidsError(page, f"could not be written ({kind}{error})", mend)


def _records(
    subject: str,
    images: Sequence[SourceImage],
    failures: Mapping[str, CerebbidsError],
    run: RunSummary,
    earlier: Mapping[str, Record],
    output_dir: Path,
) -> Iterator[Record]:
    """Say what became of a subject's images in this run."""
    for image in images:
        if error := failures.get(image.stem):
            # An image that was refused has no system, and the labels may be of any.
            made = (output_dir / derivative_path(image.path, LABELS[each]) for each in (image.system, *LABELS))
            labels = next((path for path in made if path.exists()), None)
            methods = _methods_of_labels(labels, run, earlier.get(image.relative)) if labels else ""
            wrong_age = isinstance(error, WrongAge) and labels is not None and system_of(labels) != error.system
            yield Record(image.relative, replace(run, methods_md=methods), str(error), wrong_age=wrong_age)
        else:
            yield Record(image.relative, run)
    for path, error in failures.items():
        if path.startswith(f"sub-{subject}/"):
            yield Record(path, replace(run, methods_md=""), str(error), refused=True)


def _methods_of_labels(dseg: Path, run: RunSummary, before: Record | None) -> str:
    """Methods text of labels that are there although the image failed: made before its failure, or by a run before."""
    made = _provenance(dseg)
    if made.get("version") == run.version and str(made.get("model")) in run.methods_md:  # which names the weights
        return run.methods_md
    return before.run.methods_md if before else ""


def _describe(output_dir: Path, name: str, record: Record | None, references: References) -> ImageReport:
    image = Path(record.image).name if record else f"{name}_T1w.nii.gz"
    made = {key: output_dir / derivative_path(image, key) for key in DERIVATIVES}
    if record and record.wrong_age and any(made[key].exists() for key in LABELS.values()):
        told = ("There are labels by a system for other ages than the person's. They are not shown.",)
        return ImageReport(image, warnings=told, errors=(record.error,), run=replace(record.run, methods_md=""))
    system = next((system for system, key in LABELS.items() if made[key].exists()), "deepceres")
    labels = _provenance(made[LABELS[system]])
    damaged = _damaged(made)
    return ImageReport(
        name=image,
        figures={key: made[key] for key in CAPTIONS if made[key].exists()},
        tables={
            key: made[key]
            for key in (*TABLES, "vermis_morph", *CLASS_TABLES)
            if made[key].exists() and key not in damaged
        },
        sheets={key: made[key] for key in (*REPORTS, *SNAPSHOTS.values())},
        warnings=(*damaged.values(), *labels.get("warnings", ())),
        facts=_facts(labels, _provenance(made["xfm_to_mni"]), _corrected(made)),
        errors=(record.error,) if record and record.error else (),
        run=record.run if record else None,
        quality=_quality(made[QUALITY[system]]),
        remarks=_remarks(labels),
        reference=references.of(image),
        scan=_scan(made[LABELS[system]], made["xfm_to_mni"]),
    )


def _damaged(made: Mapping[str, Path]) -> dict[str, str]:
    """Tables that cannot be shown, by their keys, and why: the page is written without them."""
    of_regions = {key: partial(read_regions, scheme=DERIVATIVES[key]["seg"]) for key in TABLES}
    of_classes = {key: partial(read_classes, scheme=DERIVATIVES[key]["seg"]) for key in CLASS_TABLES}
    found = {}
    for key, read in {**of_regions, "vermis_morph": read_vermis, **of_classes}.items():
        try:
            if made[key].exists():
                read(made[key])
        except CerebbidsError as error:
            found[key] = str(error)
    return found


def _remarks(labels: Mapping[str, Any]) -> dict[str, str]:
    """What nobody may overlook of a figure, by its key."""
    remarks = {"figure_t2w": ORIGINS[labels["t2w"]]} if labels.get("t2w") in ORIGINS else {}
    if of := labels.get("confidence_of"):
        figures = ("figure_confidence", "figure_atlas", *(f"figure_{key}_confidence" for key in LABELS.values()))
        remarks |= dict.fromkeys(figures, f"Of the {of}")
    return remarks


def _scan(dseg: Path, xfm_to_mni: Path) -> Scan | None:
    """Geometry of the image that labels are on, and its scale to the template; none where one cannot be read."""
    try:
        affine = nib.load(dseg).affine
        scale = float(np.linalg.det(read_itk_affine(xfm_to_mni)[:3, :3]))
    except (OSError, ValueError, BadImage, nib.filebasedimages.ImageFileError, nib.spatialimages.HeaderDataError):
        return None
    x, y, z = (float(size) for size in nib.affines.voxel_sizes(affine))
    return Scan("".join(nib.aff2axcodes(affine)), (x, y, z), scale)


def _provenance(derivative: Path) -> dict[str, Any]:
    try:
        return provenance(derivative)
    except ValueError as error:
        return {"warnings": [f"{error}: mend it, or move it and its map away and run again."]}


def _quality(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}
    except (ValueError, TypeError):
        return {}  # whoever has changed it by hand sees no light


def _corrected(made: Mapping[str, Path]) -> str | None:
    """Label maps that somebody has corrected by hand."""
    keys = (key for key in LABEL_MAPS if _provenance(made[key]).get("corrected"))
    return ", ".join(dict.fromkeys(f"seg-{DERIVATIVES[key]['seg']}" for key in keys)) or None


def _facts(labels: Mapping[str, Any], registration: Mapping[str, Any], corrected: str | None) -> dict[str, str]:
    facts = {
        "Made with": f"cerebbids {labels['version']}" if "version" in labels else None,
        "Model": labels.get("model"),
        "Age": age_words(round(labels["months"], 1)) if labels.get("months") is not None else None,
        "Network": labels.get("network"),
        "Image shows": _shows(labels),
        "Lobules named by": _namer(labels),
        "Corrected by hand": corrected,
        "Networks ran on": labels.get("device"),
        "Networks took": f"{labels['seconds']:.0f} s" if "seconds" in labels else None,
        "Registration": registration.get("strategy"),
        "Brain overlap": f"{registration['overlap']:.3f}" if "overlap" in registration else None,
        "Intracranial cavity": _cavity(labels["icv_mm3"]) if "icv_mm3" in labels else None,
        "Tissue means (T1w)": _tissues(labels["tissues"]) if "tissues" in labels else None,
        "T2w contrast": ORIGINS.get(labels.get("t2w", "")),
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _shows(labels: Mapping[str, Any]) -> str | None:
    """What there is in an infant's image."""
    if "brain_cm3" not in labels:
        return None
    if labels.get("cut_out"):
        return "a cerebellum that was cut out"
    return f"a {'brain' if labels.get('skull_stripped') else 'head'}, {labels['brain_cm3']:.0f} cm3 of brain"


def _namer(labels: Mapping[str, Any]) -> str | None:
    library = labels.get("library")
    if not library:  # older versions called the network at 1 mm "nets"
        return "network at 1 mm" if "method" in labels else None
    vote = f"vote of a library of {library['members']} cerebella and their mirror images ({library['sha256'][:8]})"
    mirror = " and their mirror images" if labels.get("flip") else ""
    cascade = f"network at 1 mm and cascade of networks{mirror}, from the mean of the first and the {vote}"
    return cascade if labels.get("method") == "nets" else vote


def _cavity(mm3: float | None) -> str:
    return "not measured" if mm3 is None else f"{mm3 / 1000:.0f} cm\N{SUPERSCRIPT THREE}"


def _tissues(means: Mapping[str, Any]) -> str:
    return f"fluid {means['csf']:.4g}, grey matter {means['gm']:.4g}, white matter {means['wm']:.4g}"
