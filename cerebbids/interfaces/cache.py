"""Intermediate files: as their nodes left them, or made again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from cerebbids.files import write_text

_RECORD = "_sizes.json"


def record_files(folder: Path) -> None:
    """Note the sizes of the files that a node has made.

    Parameters
    ----------
    folder : Path
        Working folder of the node.
    """
    write_text(folder / _RECORD, json.dumps(_sizes(folder)))


def drop_damaged(root: Path) -> None:
    """Remove the folders of nodes whose files are missing or cut, so that nipype makes them again.

    Nipype looks at a node's inputs only: it takes a node for done whose files a clean-up of the scratch disk removed.

    Parameters
    ----------
    root : Path
        Folder with those of the nodes somewhere below; it need not be there.
    """
    for result in list(root.rglob("result_*.pklz")):
        if not _is_whole(result.parent):
            shutil.rmtree(result.parent)


def _is_whole(folder: Path) -> bool:
    try:
        recorded = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # the run ended before there was one
        return False
    return recorded.items() <= _sizes(folder).items()


def _sizes(folder: Path) -> dict[str, int]:
    """Sizes of results, not of what nipype keeps for itself and may write again (`_node.pklz`, say)."""
    made = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith(("_", ".")))
    return {path.name: path.stat().st_size for path in made}
