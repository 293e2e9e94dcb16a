"""Label schemes: the tables that say what every number in a segmentation means."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path


@dataclass(frozen=True)
class Label:
    """One row of a label table.

    Parameters
    ----------
    index : int
        The voxel value.
    name, abbreviation : str
        ``Left Crus I`` and ``L-CrusI``, say.
    color : str
        ``#rrggbb``.
    hemisphere : str
        ``left`` or ``right``, always anatomical, ``midline`` (vermis), or ``both`` (a tissue of the whole).
    tissue : str
        ``GM`` (a lobule), ``WM`` or ``CSF``.
    """

    index: int
    name: str
    abbreviation: str
    color: str
    hemisphere: str
    tissue: str

    @property
    def region(self) -> str:
        """Name without its side: ``Crus I``.

        Examples
        --------
        >>> load_scheme("Lobules").labels[5].region
        'Crus I'
        """
        return self.name if self.hemisphere == "both" else self.name.split(" ", 1)[1]


@dataclass(frozen=True)
class LabelScheme:
    """A named set of labels, in the order of a network's channels 1, 2, ... (0 is background).

    Examples
    --------
    >>> lobules = load_scheme("Lobules")
    >>> len(lobules.labels), lobules.indices[:2], lobules.indices[-1]
    (26, (1, 2), 113)
    >>> lobules.mirror[1], lobules.mirror[14]
    (14, 1)
    """

    name: str
    labels: tuple[Label, ...]

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """Voxel values in channel order (channel k + 1 is ``indices[k]``)."""
        return tuple(label.index for label in self.labels)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """Channel that each channel becomes when left and right are swapped (length: labels + 1)."""
        place = {(label.region, label.hemisphere): k + 1 for k, label in enumerate(self.labels)}
        other = {"left": "right", "right": "left"}
        return (0, *(place[label.region, other.get(label.hemisphere, label.hemisphere)] for label in self.labels))


def table_path(name: str) -> Path:
    """Path of the packaged ``seg-<name>_dseg.tsv``.

    Examples
    --------
    >>> table_path("Lobules").name
    'seg-Lobules_dseg.tsv'
    """
    return Path(str(resources.files(__package__) / "label_tables" / f"seg-{name}_dseg.tsv"))


def load_scheme(name: str) -> LabelScheme:
    """Read a packaged label table.

    Parameters
    ----------
    name : str
        The value of the ``seg-`` entity, ``Lobules`` for one.

    Raises
    ------
    FileNotFoundError
        No scheme has this name.
    """
    with open(table_path(name), newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    return LabelScheme(
        name,
        tuple(Label(int(row.pop("index")), **row) for row in rows),  # type: ignore[arg-type]
    )
