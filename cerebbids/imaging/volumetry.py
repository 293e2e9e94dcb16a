"""Volumes of lobules, tissues, sides and the whole."""

from __future__ import annotations

from collections.abc import Iterator

import nibabel as nib
import numpy as np
import pandas as pd

from cerebbids.data.labels import Label, LabelScheme

MERGED = ("I-IV", ("I-II", "III", "IV"))
"""Lobules I-II and III are too thin to be told apart at 1 mm; their sum with IV is what can be compared."""


def lobule_volumes(dseg: nib.Nifti1Image, scheme: LabelScheme) -> pd.DataFrame:
    """Count voxels of every region.

    Parameters
    ----------
    dseg : Nifti1Image
        Labels of `scheme`, 3D integers.
    scheme : LabelScheme
        Its labels make the first rows, in their order, absent ones with 0.

    Returns
    -------
    DataFrame
        Columns index (empty for a sum of labels), name, hemisphere (left, right or both), tissue (GM, WM or
        both), n_voxels, volume_mm3 (voxels times the determinant of the affine). After the labels: lobules
        I-IV per side; grey matter, white matter and total per side; every lobule, grey matter, white matter and
        total of both sides.

    Examples
    --------
    >>> from cerebbids.data.labels import load_scheme
    >>> voxels = np.zeros((4, 1, 1), np.uint8)
    >>> voxels[:3, 0, 0] = 1, 2, 113
    >>> table = lobule_volumes(nib.Nifti1Image(voxels, np.diag([-2.0, 1, 1, 1])), load_scheme("Lobules"))
    >>> table.set_index("name").loc[["Left I-IV", "Right white matter", "Cerebellum"], "volume_mm3"].tolist()
    [4.0, 2.0, 6.0]
    """
    counts = np.bincount(np.asarray(dseg.dataobj).astype(np.int64).ravel(), minlength=256)
    voxel_mm3 = float(abs(np.linalg.det(dseg.affine[:3, :3])))
    rows = [
        {
            "index": labels[0].index if len(labels) == 1 and single else pd.NA,
            "name": name,
            "hemisphere": _common(label.hemisphere for label in labels),
            "tissue": _common(label.tissue for label in labels),
            "n_voxels": (voxels := int(sum(counts[label.index] for label in labels))),
            "volume_mm3": round(voxels * voxel_mm3, 3),
        }
        for name, labels, single in _regions(scheme)
    ]
    return pd.DataFrame(rows).astype({"index": "Int64"})


def _regions(scheme: LabelScheme) -> Iterator[tuple[str, list[Label], bool]]:
    """Name, labels, and whether it is one label's own row."""
    for label in scheme.labels:
        yield label.name, [label], True
    sides = {side: [x for x in scheme.labels if x.hemisphere == side] for side in ("left", "right")}
    merged, parts = MERGED
    for side, labels in sides.items():
        yield f"{side.capitalize()} {merged}", [x for x in labels if x.region in parts], False
    for side, labels in sides.items():
        yield f"{side.capitalize()} grey matter", [x for x in labels if x.tissue == "GM"], False
        yield f"{side.capitalize()} cerebellum", labels, False
    yield merged, [x for x in scheme.labels if x.region in parts], False
    for region in (x.region for x in sides["left"] if x.tissue == "GM"):
        yield region, [x for x in scheme.labels if x.region == region], False
    yield "Grey matter", [x for x in scheme.labels if x.tissue == "GM"], False
    yield "White matter", [x for x in scheme.labels if x.tissue == "WM"], False
    yield "Cerebellum", list(scheme.labels), False


def _common(values: Iterator[str]) -> str:
    """The one value, or `both`."""
    found = set(values)
    return found.pop() if len(found) == 1 else "both"
