"""What the labels of other tools cover, read from the packaged tables."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib import resources

from cerebbids.bids.names import CARVED, COMPARTMENTS, VERMIS
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.volumetry import CAVITY, region_labels
from cerebbids.interchange.atoms import Atoms, atoms_of_labels, atoms_of_terms

CAVITY_ATOMS: Atoms = frozenset({("both", CAVITY, "")})
"""The intracranial cavity, which is no sum of anything else."""
_MM3 = {"mm3": 1.0, "cm3": 1000.0}


@dataclass(frozen=True)
class Tool:
    """Another program.

    Parameters
    ----------
    name : str
        As the command line has it.
    about : str
        What files of it are meant.
    schemes : tuple of str
        Label schemes whose convention its own is like; the first one where nothing else is asked for.
    layout : str
        Of its tables: ``wide`` (one row, one column a region, semicolons), ``long`` (one row a region, commas),
        ``stats`` (FreeSurfer's); nothing where it has label maps alone.
    """

    name: str
    about: str
    schemes: tuple[str, ...]
    layout: str = ""


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("deepceres", "volBrain DeepCERES: report_*.csv", (CARVED,), "wide"),
        Tool("ceres", "volBrain CERES: CSV report", (COMPARTMENTS,), "wide"),
        Tool("cerebnet", "FastSurfer CerebNet: cerebellum.CerebNet.stats, .nii.gz", (VERMIS, COMPARTMENTS), "stats"),
        Tool("acapulco", "ACAPULCO: *_volumes.csv, label map", (VERMIS, COMPARTMENTS), "long"),
        Tool("maget", "MAGeT Brain with the CoBrALab atlases: label map", (COMPARTMENTS,)),
        Tool("ants", "ANTsPyNet cerebellum_morphology: parcellation", (CARVED, COMPARTMENTS)),
    )
}


@dataclass(frozen=True)
class ToolLabel:
    """One label of another tool.

    Parameters
    ----------
    name, also : str
        As its tables have it; another spelling, or nothing.
    index : int or None
        Value in its label maps; none where it has none.
    mm3 : float or None
        Cubic millimetres of the unit of its tables; none where it has none.
    atoms : frozenset
        What it covers.
    """

    name: str
    also: str
    index: int | None
    mm3: float | None
    atoms: Atoms


def read_mapping(tool: str) -> tuple[ToolLabel, ...]:
    """Read the packaged table of a tool's labels.

    Examples
    --------
    >>> [(label.name, label.index) for label in read_mapping("acapulco")][:2]
    [('Corpus Medullare', 12), ('Left I-III', 33)]
    """
    path = resources.files("cerebbids.data") / "interchange" / f"{tool}.tsv"
    rows = csv.DictReader(path.read_text(encoding="utf-8").splitlines(), delimiter="\t")
    return tuple(
        ToolLabel(
            row["name"],
            "" if row["also"] == "n/a" else row["also"],
            None if row["id"] == "n/a" else int(row["id"]),
            _MM3.get(row["unit"]),
            CAVITY_ATOMS if row["covers"] == CAVITY else atoms_of_terms(row["covers"]),
        )
        for row in rows
    )


def region_atoms(scheme: str) -> dict[str, Atoms]:
    """Atoms of every row of a table of volumes, by the rows' names.

    Examples
    --------
    >>> len(region_atoms("Lobules")["Left I-IV"])
    6
    """
    known = load_scheme(scheme)
    has_vermis = any(label.hemisphere == "midline" for label in known.labels)
    regions = {name: atoms_of_labels(labels, has_vermis=has_vermis) for name, labels in region_labels(known).items()}
    return regions | {CAVITY: CAVITY_ATOMS}
