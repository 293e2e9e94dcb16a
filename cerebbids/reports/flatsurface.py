"""Lobules on the flat map of the cerebellum: SUITPy's surface, cut along the borders of our labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy.spatial import KDTree

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.template import suit_surface
from cerebbids.imaging.volumetry import MERGED

_ROUNDS = 6
"""How often a border's points move halfway to the middle of their neighbours: rids it of the triangles' teeth."""
_SLACK = 0.05
"""How far a point may be from the line that replaces it, in units of the map (which is 190 wide)."""


@dataclass(frozen=True)
class FlatRegion:
    """A lobule of one side on the map.

    Parameters
    ----------
    name : str
        ``Crus I``; ``I-IV`` for the lobules that cannot be told apart at 1 mm.
    side : str
        ``left`` (negative x on the map) or ``right``.
    loops : tuple of ndarray (points, 2)
        Closed borders, the longest first; the last point is not the first again. Regions that touch share points.
    middle : tuple of float
        Where a name has most room.
    """

    name: str
    side: str
    loops: tuple[np.ndarray, ...]
    middle: tuple[float, float]


def vertex_labels() -> np.ndarray:
    """Label of every vertex of the surface, of the values of seg-Lobules: (vertices,), uint8."""
    name = f"seg-{COMPARTMENTS}.label.gii"
    return nib.load(Path(str(resources.files("cerebbids.data") / "flatmap" / name))).agg_data()


@cache
def flat_regions() -> tuple[FlatRegion, ...]:
    """Lobules of both sides, in the order of the label table, left before right."""
    vertices, triangles = suit_surface("FLAT")
    points, names = vertices[:, :2].astype(float), lobules()
    own = _of_triangles(vertex_labels(), triangles, names)
    loops = {number: _loops(triangles[own == number]) for number in range(len(names))}
    shared = _connected(line for found in loops.values() for line in found)
    smooth = _smooth(points, shared)
    kept = _kept(smooth, shared)
    regions = []
    for number, (name, side) in enumerate(names):
        lines = sorted(loops[number], key=len, reverse=True)
        borders = tuple(np.round(smooth[[v for v in line if v in kept]], 2) for line in lines)
        middle = _roomiest(points[triangles[own == number]].mean(1), np.concatenate([smooth[line] for line in lines]))
        regions.append(FlatRegion(name, side, borders, middle))
    return tuple(regions)


def lobules() -> dict[tuple[str, str], tuple[int, ...]]:
    """Labels of each lobule and side, in the order of the label table; those that cannot be told apart are one.

    Examples
    --------
    >>> list(lobules().items())[:2]
    [(('I-IV', 'left'), (1, 2, 3)), (('V', 'left'), (4,))]
    """
    merged, parts = MERGED
    found: dict[tuple[str, str], tuple[int, ...]] = {}
    for label in load_scheme(COMPARTMENTS).labels:
        if label.tissue == "GM":
            key = (merged if label.region in parts else label.region, label.hemisphere)
            found[key] = (*found.get(key, ()), label.index)
    return found


def _of_triangles(
    labels: np.ndarray, triangles: np.ndarray, names: Mapping[tuple[str, str], tuple[int, ...]]
) -> np.ndarray:
    """Number of each triangle's region: that of two of its vertices, or of the first where all differ."""
    number = np.full(256, -1)
    for k, indices in enumerate(names.values()):
        number[list(indices)] = k
    first, second, third = number[labels[triangles]].T
    return np.where(second == third, second, first)


def _loops(inside: np.ndarray) -> list[list[int]]:
    """Closed borders of some of the triangles, as vertices' numbers."""
    edges = {edge for a, b, c in inside.tolist() for edge in ((a, b), (b, c), (c, a))}
    onward = defaultdict(list)
    for start, end in sorted(edges):
        if (end, start) not in edges:
            onward[start].append(end)
    loops = []
    while onward:
        start = min(onward)
        line, here = [start], onward[start].pop()
        while here != start:
            line.append(here)
            here = onward[here].pop()
        onward = defaultdict(list, {key: ends for key, ends in onward.items() if ends})
        loops.append(line)
    return loops


def _connected(loops: Iterable[list[int]]) -> dict[int, set[int]]:
    """Neighbours of every vertex on a border; more than two where borders meet."""
    beside = defaultdict(set)
    for line in loops:
        for here, there in zip(line, [*line[1:], line[0]], strict=True):
            beside[here].add(there)
            beside[there].add(here)
    return beside


def _smooth(points: np.ndarray, beside: Mapping[int, set[int]]) -> np.ndarray:
    """Move the points of borders, but for those where borders meet."""
    plain = [vertex for vertex, near in beside.items() if len(near) == 2]
    before, after = np.array([sorted(beside[vertex]) for vertex in plain]).T
    points = points.copy()
    for _ in range(_ROUNDS):
        points[plain] = points[plain] / 2 + (points[before] + points[after]) / 4
    return points


def _kept(points: np.ndarray, beside: Mapping[int, set[int]]) -> set[int]:
    """Vertices that a border cannot do without; the same for both regions beside it."""
    near = {vertex: set(those) for vertex, those in beside.items()}
    for _ in range(3):  # each round spares the neighbours of what it leaves out, so that errors do not add up
        spared: set[int] = set()
        for vertex in sorted(near):
            if vertex in spared or len(near[vertex]) != 2:
                continue
            before, after = near[vertex]
            if after not in near[before] and _distance(points[vertex], points[before], points[after]) < _SLACK:
                del near[vertex]
                near[before] = near[before] - {vertex} | {after}
                near[after] = near[after] - {vertex} | {before}
                spared |= {before, after}
    return set(near)


def _distance(point: np.ndarray, start: np.ndarray, end: np.ndarray) -> float:
    """Distance of a point from the line through two others."""
    (along, across), (x, y) = end - start, point - start
    return float(abs(along * y - across * x) / np.hypot(along, across))


def _roomiest(inside: np.ndarray, border: np.ndarray) -> tuple[float, float]:
    """The point inside with most room for words, which are some three times as wide as high."""
    words = np.array([1 / 3, 1])
    x, y = inside[KDTree(border * words).query(inside * words)[0].argmax()]
    return round(float(x), 2), round(float(y), 2)
