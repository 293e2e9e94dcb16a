"""Volumes of lobules, tissues, sides and the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from cerebbids.data.labels import Label, LabelScheme
from cerebbids.files import atomic

MERGED = ("I-IV", ("I-II", "III", "IV"))
"""Lobules I-II and III are too thin to be told apart at 1 mm; their sum with IV is what can be compared."""

CAVITY = "Intracranial cavity"
"""Name of the last row."""


def lobule_volumes(
    dseg: nib.Nifti1Image,
    scheme: LabelScheme,
    icv: nib.Nifti1Image | None = None,
    fine: nib.Nifti1Image | None = None,
) -> pd.DataFrame:
    """Count voxels of every region and of the intracranial cavity.

    Parameters
    ----------
    dseg : Nifti1Image
        Labels of `scheme`, 3D integers.
    scheme : LabelScheme
        Its labels make the first rows, in their order, absent ones with 0.
    icv : Nifti1Image, optional
        Mask of the intracranial cavity on the same grid; none where it cannot be known (skull-stripped).
    fine : Nifti1Image, optional
        The same labels on a finer grid of the same world, to take the volumes from; `dseg` where it is not given.

    Returns
    -------
    DataFrame
        Rows, in this order:

        - every label of `scheme`;
        - lobules I-IV of either side;
        - of either side, its grey matter and all of it (``Left cerebellum``);
        - the vermis, where the scheme tells it from the hemispheres;
        - of both sides, lobules I-IV, every lobule, grey matter, white matter, and all labels (``Cerebellum``);
        - the intracranial cavity, whose voxels are those of `icv`.

        Columns; what is not known is missing, not 0:

        - index: the label's value; missing for a sum of labels and for the cavity;
        - name: of the region;
        - hemisphere: left, right, midline or both;
        - tissue: GM, WM or both; missing for the cavity;
        - n_voxels: on the grid of `dseg`;
        - volume_mm3: voxels times the volume of one, both of `fine` where it is given (the cavity's: of `icv`);
        - icv_percent: 100 V / ICV; missing where `icv` is not given or empty.

    Raises
    ------
    ValueError
        The two images are not on one grid.

    Examples
    --------
    >>> from cerebbids.data.labels import load_scheme
    >>> voxels = np.zeros((4, 1, 1), np.uint8)
    >>> voxels[:3, 0, 0] = 1, 2, 113
    >>> table = lobule_volumes(nib.Nifti1Image(voxels, np.diag([-2.0, 1, 1, 1])), load_scheme("Lobules"))
    >>> table.set_index("name").loc[["Left I-IV", "Right white matter", "Cerebellum"], "volume_mm3"].tolist()
    [4.0, 2.0, 6.0]
    """
    finest = dseg if fine is None else fine
    counts, measured = _counts(dseg), _counts(finest)
    rows = [
        {
            "index": labels[0].index if len(labels) == 1 and single else pd.NA,
            "name": name,
            "hemisphere": _common(label.hemisphere for label in labels),
            "tissue": _common(label.tissue for label in labels),
            "n_voxels": int(sum(counts[label.index] for label in labels)),
            "measured": float(sum(measured[label.index] for label in labels)),
        }
        for name, labels, single in _regions(scheme)
    ]
    cavity = pd.NA if icv is None else _count(icv, dseg)
    whole = cavity * (_voxel_mm3(dseg) / _voxel_mm3(finest))  # 1 where there is no finer map
    named = {"index": pd.NA, "name": CAVITY, "hemisphere": "both", "tissue": pd.NA}
    rows.append({**named, "n_voxels": cavity, "measured": whole})
    table = pd.DataFrame(rows).astype({"index": "Int64", "n_voxels": "Int64", "measured": "Float64"})
    voxels = table.pop("measured")
    table["volume_mm3"] = (voxels * _voxel_mm3(finest)).round(3)
    table["icv_percent"] = (100 * voxels / (whole or pd.NA)).round(4) if icv is not None else pd.NA
    return table


def class_volumes(
    dseg: nib.Nifti1Image,
    scheme: LabelScheme,
    whole: str,
    mask: nib.Nifti1Image | None = None,
    unlabelled: Sequence[str] = (),
) -> pd.DataFrame:
    """Count voxels of every class of a scheme without sides.

    Parameters
    ----------
    dseg : Nifti1Image
        Labels of `scheme`.
    scheme : LabelScheme
        Tissues, or parts of a brain.
    whole : str
        What all grey and white matter together is called.
    mask : Nifti1Image, optional
        On the same grid: what lies outside is not counted.
    unlabelled : sequence of str
        Regions that no label of the scheme names, and of which the table is to say so.

    Returns
    -------
    DataFrame
        Rows: every label, all of them that are grey or white matter, without fluid, and what has no label, with
        missing numbers. Columns: those of
        :func:`lobule_volumes`; hemisphere is always both, and icv_percent is missing, as the cavity is not known.

    Raises
    ------
    ValueError
        The two images are not on one grid.

    Examples
    --------
    >>> from cerebbids.data.labels import load_scheme
    >>> voxels, inside = np.array([1, 2, 3, 3], np.uint8), np.array([1, 1, 1, 0], np.uint8)
    >>> labels, mask = (nib.Nifti1Image(each.reshape(4, 1, 1), np.diag([2.0, 1, 1, 1])) for each in (voxels, inside))
    >>> class_volumes(labels, load_scheme("CerebellumTissue"), "Cerebellum", mask)["volume_mm3"].tolist()
    [2.0, 2.0, 2.0, 4.0]
    """
    labels = np.asarray(dseg.dataobj)
    if mask is not None:
        _count(mask, dseg)
        labels = labels * (np.asarray(mask.dataobj) > 0)
    counts = np.bincount(labels.astype(np.int64).ravel(), minlength=256)
    solid = [label for label in scheme.labels if label.tissue in ("GM", "WM", "both")]
    rows = [(label.index, label.name, label.tissue, counts[label.index]) for label in scheme.labels]
    rows.append((pd.NA, whole, "both", sum(counts[label.index] for label in solid)))
    rows += [(pd.NA, name, "both", pd.NA) for name in unlabelled]
    types = {"index": "Int64", "n_voxels": "Int64"}
    table = pd.DataFrame(rows, columns=["index", "name", "tissue", "n_voxels"]).astype(types)
    table.insert(2, "hemisphere", "both")
    table["volume_mm3"] = (table["n_voxels"] * _voxel_mm3(dseg)).round(3)
    table["icv_percent"] = pd.NA
    return table


def region_names(scheme: LabelScheme, whole: str | None = None) -> tuple[str, ...]:
    """Names of the rows of a table of volumes but for the last, the cavity's, which older versions do not have.

    Parameters
    ----------
    scheme : LabelScheme
    whole : str or None
        Of a scheme without sides, what all grey and white matter together is called.

    Examples
    --------
    >>> from cerebbids.data.labels import load_scheme
    >>> region_names(load_scheme("Lobules"))[-3:]
    ('Grey matter', 'White matter', 'Cerebellum')
    >>> region_names(load_scheme("CerebellumTissue"), "Cerebellum")
    ('Cerebrospinal fluid', 'Grey matter', 'White matter', 'Cerebellum')
    """
    if whole is not None:
        return (*(label.name for label in scheme.labels), whole)
    return tuple(name for name, _, _ in _regions(scheme))


def region_labels(scheme: LabelScheme) -> dict[str, tuple[Label, ...]]:
    """Labels that each of these rows is the sum of, by the rows' names.

    Examples
    --------
    >>> from cerebbids.data.labels import load_scheme
    >>> [label.index for label in region_labels(load_scheme("Lobules"))["Left I-IV"]]
    [1, 2, 3]
    """
    return {name: tuple(labels) for name, labels, _ in _regions(scheme)}


def write_volumes(table: pd.DataFrame, path: Path) -> None:
    """Write a table of volumes as BIDS has tables, atomically."""
    with atomic(path) as draft:
        table.to_csv(draft, sep="\t", index=False, na_rep="n/a")


def _counts(dseg: nib.Nifti1Image) -> np.ndarray:
    """Voxels of every value."""
    return np.bincount(np.asarray(dseg.dataobj).astype(np.int64).ravel(), minlength=256)


def _voxel_mm3(image: nib.Nifti1Image) -> float:
    return float(abs(np.linalg.det(image.affine[:3, :3])))


def _count(icv: nib.Nifti1Image, dseg: nib.Nifti1Image) -> int:
    """Voxels of a mask that has to lie on the grid of the labels."""
    if icv.shape != dseg.shape or not np.allclose(icv.affine, dseg.affine, atol=1e-3):
        raise ValueError("labels and mask are not on the same grid")
    return int(np.count_nonzero(np.asarray(icv.dataobj)))


def _regions(scheme: LabelScheme) -> Iterator[tuple[str, list[Label], bool]]:
    """Name, labels, and whether it is one label's own row."""
    for label in scheme.labels:
        yield label.name, [label], True
    sides = {side: [x for x in scheme.labels if x.hemisphere == side] for side in ("left", "right")}
    vermis = [x for x in scheme.labels if x.hemisphere == "midline"]
    merged, parts = MERGED
    for side, labels in sides.items():
        yield f"{side.capitalize()} {merged}", [x for x in labels if x.region in parts], False
    for side, labels in sides.items():
        yield f"{side.capitalize()} grey matter", [x for x in labels if x.tissue == "GM"], False
        yield f"{side.capitalize()} cerebellum", labels, False
    if vermis:
        yield "Vermis", vermis, False
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
