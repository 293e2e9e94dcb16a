"""Label maps with the numbers of other tools, to and from those of this program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.data.labels import load_scheme
from cerebbids.errors import UsageError
from cerebbids.files import atomic
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.reading import open_image, read_voxels
from cerebbids.interchange.atoms import Atoms
from cerebbids.interchange.mapping import read_mapping, region_atoms

_LISTED = 8
"""Values without a counterpart that are named."""


def numbers(tool: str, scheme: str, *, back: bool = False) -> dict[int, int]:
    """Which label of this program each label of a tool lies in; with `back`, the other way round.

    A label has a counterpart where it lies in one label of the other side as a whole. Labels that are larger than
    those of the other side have none: nothing in the map tells where the border would be.

    Parameters
    ----------
    tool, scheme : str
        One of `TOOLS`, and one of its schemes.

    Examples
    --------
    >>> numbers("acapulco", "LobulesVermis")[70], 33 in numbers("acapulco", "LobulesVermis")
    (72, False)
    >>> numbers("cerebnet", "Lobules", back=True)[2]
    601
    """
    source, target = _sides(tool, scheme, back)
    return {index: other for index, own in source.items() if (other := _holder(own, target)) is not None}


def partly_filled(tool: str, scheme: str, *, back: bool = False) -> tuple[int, ...]:
    """Labels of the other side that get only a part of what they cover; the parameters are those of :func:`numbers`.

    Examples
    --------
    >>> partly_filled("acapulco", "Lobules")[:2]  # without the vermis
    (5, 6)
    """
    source, target = _sides(tool, scheme, back)
    filled: dict[int, Atoms] = {}
    for index, label in numbers(tool, scheme, back=back).items():
        filled[label] = filled.get(label, frozenset()) | source[index]
    return tuple(sorted(label for label, atoms in filled.items() if atoms != target[label]))


def relabel_file(source: Path, target: Path, tool: str, scheme: str, *, back: bool = False) -> tuple[str, ...]:
    """Write a label map with the numbers of the other side, on its own grid.

    Parameters
    ----------
    source, target : Path
        NIfTI files.
    tool, scheme : str
        One of `TOOLS`, and one of its schemes.
    back : bool
        From this program's numbers to the tool's.

    Returns
    -------
    tuple of str
        What has become background, and labels that lack a part, in sentences.

    Raises
    ------
    UsageError
        The tool has no label maps, or the file holds none of its labels.
    """
    table = numbers(tool, scheme, back=back)
    whose = f"seg-{scheme}" if back else tool
    if not table:
        raise UsageError(tool, "has no label maps that are known here", "give a table of volumes")
    image = open_image(source, least_mm=0)
    voxels = read_voxels(source, image)
    found, places, counts = np.unique(np.nan_to_num(voxels), return_inverse=True, return_counts=True)
    new = np.array([table.get(int(value), 0) if value == int(value) else 0 for value in found])
    if not new.any():
        raise UsageError(str(source), f"has no label of {whose}", f"give a label map of {whose}")
    kind = np.uint8 if new.max() < 256 else np.int16
    with atomic(target) as draft:
        nib.save(with_data(image, new[places.reshape(voxels.shape)].astype(kind)), draft)
    lost = [(value, count) for value, label, count in zip(found, new, counts, strict=True) if value and not label]
    partly = [str(label) for label in partly_filled(tool, scheme, back=back) if label in new]
    lack = f"labels that lack a part, which has no label of its own in the source: {', '.join(partly)}"
    return (*([_lost(source, lost)] if lost else []), *([lack] if partly else []))


def _sides(tool: str, scheme: str, back: bool) -> tuple[dict[int, Atoms], dict[int, Atoms]]:
    """Atoms of the labels of the source and of the target."""
    theirs = {label.index: label.atoms for label in read_mapping(tool) if label.index is not None}
    atoms = region_atoms(scheme)
    ours = {label.index: atoms[label.name] for label in load_scheme(scheme).labels}
    return (ours, theirs) if back else (theirs, ours)


def _lost(source: Path, lost: list[tuple[float, int]]) -> str:
    named = ", ".join(f"{value:g} ({count} voxels)" for value, count in lost[:_LISTED])
    more = ", ..." if len(lost) > _LISTED else ""
    return f"values of {source.name} without one counterpart, background now: {named}{more}"


def _holder(own: Atoms, target: Mapping[int, Atoms]) -> int | None:
    return next((index for index, atoms in target.items() if own <= atoms), None)
