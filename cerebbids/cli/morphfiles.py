"""The files that an image's part in the group comes from, read with distrust: somebody may have edited them."""

from __future__ import annotations

import csv
import json
import math
import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cerebbids.bids.names import WHOLE
from cerebbids.data.labels import load_scheme
from cerebbids.errors import CerebbidsError
from cerebbids.imaging.volumetry import CAVITY, region_names

_LIGHTS = ("green", "yellow", "red")


@dataclass(frozen=True)
class Volume:
    """A row of a table of volumes.

    Parameters
    ----------
    index : int or None
        Value in the label map; none for a sum.
    name, hemisphere, tissue : str
        Of the region; ``n/a`` where it has no tissue.
    n_voxels : int or None
    volume_mm3, icv_percent : float or None
        None where it is not known.
    """

    index: int | None
    name: str
    hemisphere: str
    tissue: str
    n_voxels: int | None
    volume_mm3: float | None
    icv_percent: float | None


Volumes = tuple[Volume, ...]


def read_morph(path: Path, scheme: str) -> Volumes:
    """Read an image's table of volumes.

    Parameters
    ----------
    path : Path
        ``seg-<scheme>_morph.tsv``.
    scheme : str

    Returns
    -------
    tuple of Volume
        All regions of the scheme in their order, and the cavity; rows that this version does not know are left out.

    Raises
    ------
    CerebbidsError
        The table is missing or damaged.
    """
    try:
        text = path.read_text(encoding="utf-8")
        rows = [_volume(row) for row in csv.DictReader(text.splitlines(), delimiter="\t")]
    except FileNotFoundError as error:
        raise wrong_table(path, "does not exist") from error
    except (AttributeError, KeyError, ValueError, csv.Error) as error:  # a short line has no cell to strip
        raise wrong_table(path, "is damaged: a cell is missing or is not what its column holds") from error
    except OSError as error:
        raise CerebbidsError(str(path), f"cannot be read ({error.strerror})", "mend it and run again") from error
    by_name = {row.name: row for row in rows}
    wanted = _regions(scheme)
    if len(by_name) < len(rows):
        raise wrong_table(path, "is damaged: a region has two rows")
    if lacking := [name for name in wanted if name not in by_name]:
        raise wrong_table(path, f"is damaged: it lacks {len(lacking)} of {len(wanted)} regions ({lacking[0]}, for one)")
    if not text.endswith("\n"):
        raise wrong_table(path, "is damaged: its last line has no end")
    if any(by_name[name].volume_mm3 is None for name in wanted):
        raise wrong_table(path, "is damaged: a region has no volume")
    return tuple(by_name[name] for name in (*wanted, CAVITY) if name in by_name)


def read_quality(path: Path) -> dict[str, Any]:
    """Read what tells of an image's quality.

    Raises
    ------
    CerebbidsError
        The file is missing or damaged.
    """
    try:
        quality = dict(json.loads(path.read_text(encoding="utf-8")))
        sound = quality["light"] in _LIGHTS and isinstance(quality["flags"], list)
    except FileNotFoundError as error:
        raise wrong_table(path, "does not exist") from error
    except (KeyError, TypeError, ValueError) as error:
        raise wrong_table(path, "is damaged") from error
    except OSError as error:
        raise CerebbidsError(str(path), f"cannot be read ({error.strerror})", "mend it and run again") from error
    if not sound:
        raise wrong_table(path, "is damaged: it tells no light")
    return quality


@cache
def _regions(scheme: str) -> tuple[str, ...]:
    return region_names(load_scheme(scheme), WHOLE.get(scheme))


def _volume(row: dict[str, str]) -> Volume:
    """One row; raises one of several errors where it is none."""
    voxels, index = _number(row["n_voxels"]), _number(row["index"])
    return Volume(
        None if index is None else int(index),
        row["name"].strip(),
        row["hemisphere"].strip(),
        row["tissue"].strip(),
        None if voxels is None else int(voxels),
        _number(row["volume_mm3"]),
        _number(row["icv_percent"]),
    )


def _number(cell: str) -> float | None:
    """A number that is not below 0.

    Examples
    --------
    >>> _number("1.5"), _number("n/a")
    (1.5, None)
    """
    if cell.strip() == "n/a":
        return None
    value = float(cell)
    if not 0 <= value < math.inf:
        raise ValueError(cell)
    return value


def wrong_table(path: Path, reason: str, mend: str = "make it again") -> CerebbidsError:
    """Say of a table, or of labels, that ``cerebbids-tables`` has to make or count them again."""
    # The folders of a participant tell where the output folder begins.
    root = next((folder.parent for folder in path.parents if folder.name.startswith("sub-")), path.parent)
    label = path.name.split("_")[0].removeprefix("sub-")
    command = shlex.join(["cerebbids-tables", str(root), "--participant-label", label])
    return CerebbidsError(str(path), reason, f"{mend} with {command}")
