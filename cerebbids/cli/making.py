"""How labels were made, as sidecars say: what results have to have in common to be compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_PLURALS = {
    "version": "versions",
    "model": "models",
    "method": "methods",
    "flip": "choices of --flip",
    "library": "libraries",
    "sloppy": "choices of --sloppy",
}


@dataclass(frozen=True)
class Making:
    """What made an image's labels; texts are empty where nothing is told.

    Parameters
    ----------
    version : str
        Of this program.
    model, weights : str
        Title of the networks' weights, and hash of them.
    method : str
        Option ``--method``.
    flip, sloppy : bool
        Options of these names; older versions, which do not tell, had none.
    library : str
        First digits of the hash of the library that voted; empty where none did.
    """

    version: str = ""
    model: str = ""
    weights: str = ""
    method: str = ""
    flip: bool = False
    library: str = ""
    sloppy: bool = False


def making_of(told: Mapping[str, Any]) -> Making:
    """Read the provenance of a sidecar.

    Examples
    --------
    >>> made = making_of({"version": "1.0", "method": "nets", "flip": True, "library": {"sha256": "0123456789"}})
    >>> made.version, made.flip, made.library, made.sloppy
    ('1.0', True, '01234567', False)
    """
    library = told.get("library")
    texts = {"version": "version", "model": "model", "weights": "weights_sha256", "method": "method"}
    return Making(
        **{name: " ".join(str(told.get(key) or "").split()) for name, key in texts.items()},
        flip=bool(told.get("flip")),
        library=str(library.get("sha256", ""))[:8] if isinstance(library, Mapping) else "",
        sloppy=bool(told.get("sloppy")),
    )


def mixtures_of(makings: Sequence[Making]) -> tuple[str, ...]:
    """Say of what kinds results are where they are not all of one.

    Examples
    --------
    >>> mixtures_of([Making(method="nets"), Making(method="fast"), Making(method="nets")])
    ('holds results of 2 methods (nets: 2 images, fast: 1); compare none of one with those of another',)
    """
    lines = []
    for key, plural in _PLURALS.items():
        counts = Counter(_shown(getattr(made, key)) for made in makings if key != "library" or made.library)
        if len(counts) > 1:
            (first, most), *rest = counts.most_common()
            told = ", ".join([f"{first}: {most} images", *(f"{value}: {count}" for value, count in rest)])
            lines.append(f"holds results of {len(counts)} {plural} ({told}); compare none of one with those of another")
    return tuple(lines)


def _shown(value: str | bool) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else value or "unknown"
