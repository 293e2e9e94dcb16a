"""The page of one subject: what was made of each T1w image, and what to look at twice."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from cerebbids.bids.names import CEREBRUM, CLASS_TABLES, DERIVATIVES, DRAWEM, SHEETS, TISSUES
from cerebbids.files import write_text
from cerebbids.reports.captions import CAPTIONS, Caption
from cerebbids.reports.drawing import templates
from cerebbids.reports.flatplot import plot_scripts, plot_values
from cerebbids.reports.flatvalues import FlatMap, of_image
from cerebbids.reports.image import ImageReport
from cerebbids.reports.summary import RunSummary
from cerebbids.reports.volumes import read_classes, read_vermis
from cerebbids.reports.volumetry import Row, Volumetry, read_volumetry

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

_NOTES: Mapping[tuple[str, str], str] = {
    (TISSUES, "Cerebellum"): "grey and white matter, without the brainstem",
    (TISSUES, "Cerebrospinal fluid"): "as far as it was cut out with the cerebellum",
    (CEREBRUM, "Cerebrum"): "grey and white matter",
    (CEREBRUM, "Cerebrospinal fluid"): "as far as the networks were shown it",
    (DRAWEM, "Brain"): "without fluid and ventricles",
    (DRAWEM, "Cerebrospinal fluid"): "as far as the networks were shown it",
}
"""What is to be known of a volume, by label scheme and name."""
ORIGINS: Mapping[str, str] = {
    "real": "REAL T2w: acquired in the same session",
    "synth": "SYNTHETIC T2w: made by a network from the T1w, never acquired",
}
"""What has to be said of a T2w image, by the value of ``t2w`` in what a prediction says."""


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

    @property
    def is_drawing(self) -> bool:
        """Whether parts of it answer to the pointer."""
        return self.href.endswith(".svg")


@dataclass(frozen=True)
class _Table:
    caption: Caption
    volumetry: Volumetry
    sheets: tuple[tuple[str, str], ...]

    @property
    def totals(self) -> dict[str, Row]:
        return {row.region.name: row for row in self.volumetry.rows if row.region.kind == "sum"}


@dataclass(frozen=True)
class _Flat:
    map: FlatMap
    values: Markup


@dataclass(frozen=True)
class _Class:
    name: str
    cm3: float
    note: str


@dataclass(frozen=True)
class _Section:
    image: ImageReport
    anchor: str
    figures: tuple[_Figure, ...]
    tables: Mapping[str, _Table]
    vermis: tuple[tuple[str, float], ...]
    classes: tuple[_Class, ...]
    numbers: tuple[tuple[str, str], ...]
    flat: _Flat | None

    @property
    def cerebellum(self) -> float | None:
        """Volume of the cerebellum, cm3, where it is known."""
        if "morph" in self.tables:
            return self.tables["morph"].totals["Total"].region.both
        return next((each.cm3 for each in self.classes if each.name == "Cerebellum"), None)


def _section(image: ImageReport, out_dir: Path) -> _Section:
    figures = tuple(
        _Figure(key, _href(image.figures[key], out_dir), caption)
        for key, caption in CAPTIONS.items()
        if key in image.figures
    )
    tables = {
        key: _Table(
            caption,
            read_volumetry(image.tables[key], DERIVATIVES[key]["seg"], image.reference),
            tuple(
                (ending, _href(image.sheets[made], out_dir))
                for ending, made in SHEETS[key].items()
                if made in image.sheets
            ),
        )
        for key, caption in TABLES.items()
        if key in image.tables
    }
    vermis = read_vermis(image.tables["vermis_morph"]) if "vermis_morph" in image.tables else ()
    classes = next((_classes(key, image.tables[key]) for key in CLASS_TABLES if key in image.tables), ())
    flat = of_image([row.region for row in tables["morph"].volumetry.rows]) if "morph" in tables else None
    plotted = _Flat(flat, plot_values(flat)) if flat else None
    return _Section(image, image.name, figures, tables, vermis, classes, _numbers(image.quality), plotted)


def _classes(key: str, table: Path) -> tuple[_Class, ...]:
    """Volumes of a scheme without sides, and what is to be known of them."""
    scheme = DERIVATIVES[key]["seg"]
    return tuple(_Class(name, cm3, _NOTES.get((scheme, name), "")) for name, cm3 in read_classes(table, scheme))


def _href(file: Path, out_dir: Path) -> str:
    return Path(os.path.relpath(file, out_dir)).as_posix()


def _numbers(quality: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Meanings and values of the numbers that are known.

    Examples
    --------
    >>> _numbers({"light": "green", "pieces": 1, "nets_dice": None, "definitions": {"pieces": "p", "nets_dice": "n"}})
    (('p', '1'),)
    """
    known = {key: quality.get(key) for key in quality.get("definitions", {})}
    numbers = {key: value for key, value in known.items() if isinstance(value, bool | int | float)}
    return tuple((quality["definitions"][key], _shown(value)) for key, value in numbers.items())


def _shown(value: float | bool) -> str:
    """Write a number as precisely as one wants to read it.

    Examples
    --------
    >>> [_shown(value) for value in (True, 3, 0.967988698, 190.3, -64.6, 85.94, 0.00384, 12345.6)]
    ['yes', '3', '0.968', '190', '−64.6', '85.9', '0.0038', '12,346']
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    places = 0 if isinstance(value, int) or abs(value) >= 100 else 1 if abs(value) >= 10 else 3
    rounded = f"{value:,.{places}f}" if abs(value) >= 0.01 or not value else f"{value:.2g}"
    return rounded.replace("-", "\N{MINUS SIGN}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
