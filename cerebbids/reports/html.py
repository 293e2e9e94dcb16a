"""The page of one subject: what was made of each T1w image, and what to look at twice."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from cerebbids.bids.names import DERIVATIVES
from cerebbids.files import write_text
from cerebbids.reports.drawing import templates
from cerebbids.reports.flatplot import plot_scripts, plot_values
from cerebbids.reports.flatvalues import FlatMap, of_image
from cerebbids.reports.summary import RunSummary
from cerebbids.reports.volumes import Cavity, Region, read_cavity, read_regions, read_vermis


@dataclass(frozen=True)
class Caption:
    """A figure's heading and how to read it."""

    title: str
    text: str


CAPTIONS: Mapping[str, Caption] = {
    "figure_dseg": Caption(
        "Lobules on the scan",
        "Check that the outlines follow the surface of the cerebellum, without cerebrum, venous sinus or "
        "brainstem, and that borders between lobules run in fissures. With the pointer on a cut its labels "
        "go away; resting there, the pointer reads the region's name.",
    ),
    "figure_carved": Caption(
        "Lobules without fluid, at 0.5 mm",
        "seg-DeepCERES on the super-resolved T1w. Check that fissures and the fluid between folia are left free, that "
        "white matter reaches into the folia and ends where the peduncles leave the cerebellum. With the pointer on a "
        "cut its labels go away.",
    ),
    "figure_t1w": Caption(
        "Registration to the template",
        "Check that the template's outlines meet the scan's brain and cerebellum. They need not agree to the "
        "millimetre: the registration is affine. With the pointer on a cut the template shows in its place.",
    ),
    "figure_icv": Caption(
        "Intracranial cavity",
        "Check that the outline runs along the inner side of the skull: all of the brain and the fluid around it "
        "inside, marrow, eyes and neck outside, and closed below the cerebellum. All percentages hang on it. With the "
        "pointer on a cut the outline goes away.",
    ),
    "figure_tissues": Caption(
        "Brightness of the tissues",
        "Inside the cavity (the brain, when skull-stripped), the means of three tissues, measured in the clean T1w, "
        "were mapped to 50, 150 and 250. Check that grey and white matter's marks meet the two large peaks, and that "
        "fluid's lies well below: in the small peak or the flat part at the left. At a mark the scale changes, and so "
        "the histogram may have a step.",
    ),
    "figure_superres": Caption(
        "Super-resolved cerebellum",
        "The T1w at 0.5 mm (only resampled where the scan has 0.6 mm or less). seg-DeepCERES takes from this image "
        "where the fluid is; a cascade of networks finds lobules on it, too, other methods on the scan at 1 mm. Check "
        "that folia and fissures are those of "
        "the scan, only sharper: with the pointer on a cut, the scan itself (interpolated) shows in its place, and "
        "nothing may appear or move. Detail below the voxels of the scan is an estimate.",
    ),
    "figure_t2w": Caption(
        "T2w contrast",
        "Check that fluid is brightest and white matter darkest, and that folia stay in place when, with the pointer "
        "on a cut, the super-resolved T1w shows.",
    ),
    "figure_morph": Caption(
        "Volumes",
        "Of seg-Lobules. Asymmetry is 100 (R − L) / ((R + L) / 2). I-II, III and IV are too thin to be told apart "
        "at 1 mm: use their sum, I-IV.",
    ),
    "figure_flat": Caption(
        "Flat map",
        "The same volumes of seg-Lobules, coloured on SUITPy's flat map of the cerebellum (Diedrichsen and Zotow 2015, "
        "doi:10.1371/journal.pone.0133402), whose lobules are those of our library of cerebella. A picture of where "
        "volumes are, and no measurement: its areas and borders are the same for everyone. Colours are fixed, so that "
        "maps can be compared; what is beyond an end of a bar has the colour of the end. n/a: absent or unknown.",
    ),
}
"""The figures of an image in the order of the page, by their key in `cerebbids.bids.names.DERIVATIVES`."""

TABLES: Mapping[str, Caption] = {
    "morph": Caption(
        "seg-Lobules",
        "A lobule is its grey matter with the thin fluid between its folia, as on manual labels of 1 mm.",
    ),
    "carved_morph": Caption(
        "seg-DeepCERES",
        "Unlike above, fluid between folia is no part of a lobule, its fine branches of white matter are white matter, "
        "and peduncles are left out: hold neither table's volumes against norms of the other convention.",
    ),
}
"""The tables of volumes of an image in the order of the page, by the same keys; ``vermis_morph`` is a tile."""

ORIGINS: Mapping[str, str] = {
    "real": "REAL T2w: acquired in the same session",
    "synth": "SYNTHETIC T2w: made by a network from the T1w, never acquired",
}
"""What has to be said of a T2w image, by the value of ``t2w`` in what a prediction says."""


@dataclass(frozen=True)
class ImageReport:
    """What there is to show of one T1w image.

    Parameters
    ----------
    name : str
        The image, as in the dataset: ``sub-01_ses-a_T1w.nii.gz``.
    figures : dict
        SVG files by their key in `CAPTIONS`; a failed image lacks some or all.
    tables : dict
        TSV files of volumes by their key in `TABLES`, and ``vermis_morph``.
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
    """

    name: str
    figures: Mapping[str, Path] = field(default_factory=dict)
    tables: Mapping[str, Path] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()
    run: RunSummary | None = None
    remarks: Mapping[str, str] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)

    @property
    def light(self) -> str | None:
        """``green``, ``yellow`` or ``red``, where it is known."""
        return self.quality.get("light")

    @property
    def state(self) -> str:
        """``failed``, ``warned`` or ``done``."""
        return "failed" if self.errors else "warned" if self.warnings else "done"


def write_subject_report(out_dir: Path, subject: str, images: Sequence[ImageReport], run: RunSummary | None) -> Path:
    """Write the page of a subject, atomically.

    Parameters
    ----------
    out_dir : Path
        Root of the derivatives; the page refers to the figures below it by relative paths.
    subject : str
        Label, with or without ``sub-``.
    images : sequence of ImageReport
        In the order of the page.
    run : RunSummary or None
        The last run, where it is known.

    Returns
    -------
    Path
        ``<out_dir>/sub-<subject>.html``
    """
    subject = f"sub-{subject.removeprefix('sub-')}"
    page = out_dir / f"{subject}.html"
    sections = [_section(image, out_dir) for image in images]
    html = (
        templates()
        .get_template("subject.html.jinja")
        .render(
            subject=subject,
            images=sections,
            plotly=plot_scripts() if any(section.flat for section in sections) else None,
            run=run,
            minutes=_duration(run.seconds) if run else "",
            methods=_methods(images),
        )
    )
    write_text(page, html)
    return page


@dataclass(frozen=True)
class _Methods:
    """How images were made, alike but for their command lines."""

    text: Markup
    images: tuple[str, ...]
    commands: tuple[str, ...]


def _methods(images: Sequence[ImageReport]) -> tuple[_Methods, ...]:
    groups: dict[str, list[ImageReport]] = {}
    for image in images:
        if image.run:
            groups.setdefault(image.run.methods_md, []).append(image)
    render = MarkdownIt("commonmark", {"html": False}).render
    return tuple(
        _Methods(
            Markup(render(text)),
            tuple(image.name for image in alike),
            tuple(dict.fromkeys(image.run.command for image in alike if image.run)),
        )
        for text, alike in groups.items()
    )


@dataclass(frozen=True)
class _Figure:
    key: str
    href: str
    caption: Caption


@dataclass(frozen=True)
class _Table:
    caption: Caption
    regions: tuple[Region, ...]
    cavity: Cavity | None

    @property
    def totals(self) -> dict[str, Region]:
        return {region.name: region for region in self.regions if region.kind == "sum"}


@dataclass(frozen=True)
class _Flat:
    map: FlatMap
    values: Markup


@dataclass(frozen=True)
class _Section:
    image: ImageReport
    anchor: str
    figures: tuple[_Figure, ...]
    tables: Mapping[str, _Table]
    vermis: tuple[tuple[str, float], ...]
    numbers: tuple[tuple[str, str], ...]
    flat: _Flat | None


def _section(image: ImageReport, out_dir: Path) -> _Section:
    figures = tuple(
        _Figure(key, Path(os.path.relpath(image.figures[key], out_dir)).as_posix(), caption)
        for key, caption in CAPTIONS.items()
        if key in image.figures
    )
    tables = {
        key: _Table(caption, read_regions(image.tables[key], DERIVATIVES[key]["seg"]), read_cavity(image.tables[key]))
        for key, caption in TABLES.items()
        if key in image.tables
    }
    vermis = read_vermis(image.tables["vermis_morph"]) if "vermis_morph" in image.tables else ()
    flat = of_image(tables["morph"].regions) if "morph" in tables else None
    plotted = _Flat(flat, plot_values(flat)) if flat else None
    return _Section(image, image.name, figures, tables, vermis, _numbers(image.quality), plotted)


def _numbers(quality: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Meanings and values of the numbers that are known.

    Examples
    --------
    >>> _numbers({"light": "green", "pieces": 1, "nets_dice": None, "definitions": {"pieces": "p", "nets_dice": "n"}})
    (('p', '1'),)
    """
    known = {key: quality.get(key) for key in quality.get("definitions", {})}
    return tuple(
        (quality["definitions"][key], {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value:g}")
        for key, value in known.items()
        if value is not None
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
