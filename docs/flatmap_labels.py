"""Name the lobule of every vertex of SUITPy's flat map by a vote of the packaged library of cerebella.

``python docs/flatmap_labels.py cerebbids/data/flatmap/seg-Lobules.label.gii``
"""

from __future__ import annotations

import sys
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage, sparse
from scipy.spatial import KDTree

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.data.labels import LabelScheme, load_scheme
from cerebbids.files import atomic
from cerebbids.imaging.template import suit_surface
from cerebbids.inference.libraryfiles import open_library
from cerebbids.inference.models import packaged_models
from cerebbids.systems.grid import CEREBELLUM_1MM

DEPTHS = (0.25, 0.5, 0.75)
"""Where voxels are read between white matter (0) and pial surface (1)."""
ROUNDS = 8
"""How often a vertex takes the mean of itself and its neighbours: rids borders of the steps of voxels."""
ISLAND = 0.03
"""Pieces smaller than this share of their lobule's largest take the label that is most frequent around them."""


def lobule_maps(labels: nib.Nifti1Image, scheme: LabelScheme) -> np.ndarray:
    """Share of members that have a lobule, left or right, at a voxel or at its mirror image: (lobules, X, Y, Z)."""
    lobule = np.full(256, -1, np.int8)
    for indices in _sides(scheme):
        lobule[indices] = range(len(indices))
    voxels = lobule[np.asarray(labels.dataobj)]
    found = np.stack([(voxels == k).mean(-1, dtype=np.float32) for k in range(lobule.max() + 1)])
    return (found + found[:, ::-1]) / 2


def at_vertices(maps: np.ndarray, affine: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Read maps at world coordinates (mm): (vertices, maps)."""
    places = nib.affines.apply_affine(np.linalg.inv(affine), points).T
    return np.stack([ndimage.map_coordinates(each, places, order=1) for each in maps], -1)


def neighbours(triangles: np.ndarray, count: int) -> sparse.csr_array:
    """Which vertices share an edge: (vertices, vertices), 0 or 1."""
    ends = np.concatenate([triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    joined = sparse.coo_array((np.ones(len(ends)), ends.T), (count, count))
    return ((joined + joined.T) > 0).astype(float).tocsr()


def without_islands(named: np.ndarray, joined: sparse.csr_array) -> np.ndarray:
    """Let small pieces of a label take the one that is most frequent around them."""
    named = named.copy()
    for label in np.unique(named):
        (own,) = np.nonzero(named == label)
        _, piece = sparse.csgraph.connected_components(joined[own][:, own])
        sizes = np.bincount(piece)
        for number in np.flatnonzero(sizes < ISLAND * sizes.max()):
            island = own[piece == number]
            around = np.setdiff1d(joined[island].indices, island)
            named[island] = np.bincount(named[around]).argmax()
    return named


def name_vertices(labels: nib.Nifti1Image, scheme: LabelScheme) -> np.ndarray:
    """Label of each vertex, of the values of the scheme, 0 where it is in no triangle: (vertices,), uint8."""
    white, pial = suit_surface("WHITE_MNISymC")[0], suit_surface("PIAL_MNISymC")[0]
    maps = lobule_maps(labels, scheme)
    seen = np.mean([at_vertices(maps, labels.affine, white + d * (pial - white)) for d in DEPTHS], 0)
    joined = neighbours(suit_surface("FLAT")[1], len(pial))
    to_right = (white + pial)[:, :1] / 2
    for _ in range(ROUNDS):
        seen, to_right = ((each + joined @ each) / (1 + joined.sum(1))[:, None] for each in (seen, to_right))
    known = np.flatnonzero(seen.any(1))
    lobule = seen[known].argmax(1)[KDTree(pial[known]).query(pial)[1]]  # of a few far from all: that of the nearest
    left, right = map(np.array, _sides(scheme))
    named = np.zeros(len(pial), np.uint8)
    used = np.flatnonzero(joined.sum(1))
    named[used] = without_islands(
        np.where(to_right[:, 0] < 0, left[lobule], right[lobule])[used], joined[used][:, used]
    )
    return named


def _sides(scheme: LabelScheme) -> tuple[list[int], list[int]]:
    """Values of the left and of the right lobules, in one order."""
    lobules = [label for label in scheme.labels if label.tissue == "GM"]
    left, right = ([each.index for each in lobules if each.hemisphere == side] for side in ("left", "right"))
    return left, right


def as_gifti(named: np.ndarray, scheme: LabelScheme) -> nib.GiftiImage:
    """Make the labels a file that viewers of surfaces open."""
    table = nib.gifti.GiftiLabelTable()
    for label in scheme.labels:
        red, green, blue = (int(label.color[k : k + 2], 16) / 255 for k in (1, 3, 5))
        entry = nib.gifti.GiftiLabel(label.index, red, green, blue, 1.0)
        entry.label = label.name
        table.labels.append(entry)
    array = nib.gifti.GiftiDataArray(named, intent="NIFTI_INTENT_LABEL", datatype="NIFTI_TYPE_UINT8")
    about = {"Description": "Lobules of the vertices of SUITPy's FLAT.surf.gii", "License": "CC-BY-NC-SA-4.0"}
    return nib.GiftiImage(darrays=[array], labeltable=table, meta=nib.gifti.GiftiMetaData(about))


def packaged_labels() -> nib.Nifti1Image:
    """Label maps of the packaged library: (X, Y, Z, members)."""
    return open_library(packaged_models() / "deepceres" / "library", CEREBELLUM_1MM, COMPARTMENTS).labels


if __name__ == "__main__":
    scheme = load_scheme(COMPARTMENTS)
    with atomic(Path(sys.argv[1])) as draft:
        nib.save(as_gifti(name_vertices(packaged_labels(), scheme), scheme), draft)
