"""Label maps that somebody has corrected by hand: a run neither replaces nor removes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from cerebbids.bids.names import DERIVATIVES, LABEL_MAPS, derivative_path
from cerebbids.bids.sidecars import provenance
from cerebbids.errors import CerebbidsError, Corrected
from cerebbids.imaging.labelmaps import is_changed

_MAY_BE = "may have been corrected by hand, and a run would replace it"


def find_correction(output_dir: Path, source: Path) -> Corrected | None:
    """Find a label map of an image that a run must spare, and say why.

    That is one which its sidecar calls corrected, or whose voxels do not fit the hash there any more. One that cannot
    be read, or whose sidecar cannot, is spared as well: no run leaves such a file, to move it away is soon done, and a
    correction takes hours. A map without a hash counts as the program's own (:func:`maps_without_hash` names these).

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    source : Path
        The T1w image.
    """
    # Sidecars are read before any voxel: most corrections are told there.
    return told_correction(output_dir, source) or _untold_correction(output_dir, source)


def told_correction(output_dir: Path, source: Path) -> Corrected | None:
    """Do what :func:`find_correction` does by the sidecars alone, without reading a voxel."""
    for key, path in label_maps(output_dir, source):
        try:
            told = provenance(output_dir / path)
        except ValueError as error:
            return Corrected(str(path), f"{_MAY_BE}: {error}", "mend that, or move the map away")
        if told.get("corrected"):
            return _corrected(key, path)
    return None


def _untold_correction(output_dir: Path, source: Path) -> Corrected | None:
    """Find a map that does not fit the hash in its sidecar, or cannot be read."""
    for key, path in label_maps(output_dir, source):
        sha256 = provenance(output_dir / path).get("labels_sha256")
        try:
            if sha256 and is_changed(output_dir / path, sha256):
                return _corrected(key, path)
        except CerebbidsError as error:
            return Corrected(str(path), f"{error.reason}, {_MAY_BE}", "mend it, or move it away")
    return None


def maps_without_hash(output_dir: Path, source: Path) -> tuple[Path, ...]:
    """Label maps of an image of which nobody can tell whether they were corrected, as of older versions.

    Not those whose hash a recount has taken out, which was then ended: they are its own.
    """
    maps = label_maps(output_dir, source)
    return tuple(path for _, path in maps if "labels_sha256" not in provenance(output_dir / path))


def label_maps(output_dir: Path, source: Path) -> Iterator[tuple[str, Path]]:
    """Label maps that there are, by their keys, relative to the output folder."""
    for key in LABEL_MAPS:
        path = derivative_path(source, key)
        if os.path.isfile(output_dir / path):  # of a folder that cannot be read others will say so
            yield key, path


def _corrected(key: str, path: Path) -> Corrected:
    counted = "count again with cerebbids-tables"
    instead = f"correct the map on the image's own grid and {counted}" if "space" in DERIVATIVES[key] else counted
    reason = "was corrected by hand, and a run would replace it"
    return Corrected(str(path), reason, f"move it away, or {instead}")
