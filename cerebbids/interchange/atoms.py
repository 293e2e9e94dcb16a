"""The smallest pieces of a cerebellum that any tool tells apart, and what labels are made of them."""

from __future__ import annotations

from functools import cache

from cerebbids.data.labels import Label, load_scheme
from cerebbids.imaging.vermis import VERMIS_GROUPS

Atom = tuple[str, str, str]
"""Side, lobule (or white matter), and whether it is the hemisphere's part of it or the vermis'."""
Atoms = frozenset[Atom]

_SIDES = ("left", "right")
_WHITE = "white matter"


@cache
def _lobules() -> dict[int, str]:
    """Lobules by their left labels."""
    return {x.index: x.region for x in load_scheme("Lobules").labels if x.hemisphere == "left" and x.tissue == "GM"}


def atoms_of_labels(labels: tuple[Label, ...], *, has_vermis: bool) -> Atoms:
    """Atoms that labels cover together.

    Parameters
    ----------
    labels : tuple of Label
    has_vermis : bool
        Whether their scheme tells the vermis from the hemispheres; where it does not, half of it is the lobule's.

    Examples
    --------
    >>> crus = load_scheme("Lobules").labels[5]
    >>> sorted(atoms_of_labels((crus,), has_vermis=False))
    [('left', 'Crus I', 'hemisphere'), ('left', 'Crus I', 'vermis')]
    """
    found: set[Atom] = set()
    for label in labels:
        if label.tissue == "WM":
            found.add((label.hemisphere, _WHITE, ""))
        elif label.hemisphere == "midline":
            lobules = (_lobules()[index] for index in VERMIS_GROUPS[label.index])
            found |= {(side, lobule, "vermis") for lobule in lobules for side in _SIDES}
        else:
            parts = ("hemisphere",) if has_vermis else ("hemisphere", "vermis")
            found |= {(label.hemisphere, label.region, part) for part in parts}
    return frozenset(found)


def atoms_of_terms(text: str) -> Atoms:
    """Atoms of the terms of a mapping table, joined by ``+``.

    Parameters
    ----------
    text : str
        ``Left VI`` is the lobule with its half of the vermis, ``Left VI hemisphere`` without it, ``Vermis VI`` the
        vermis of both sides, and ``Left white matter`` what it says.

    Raises
    ------
    ValueError
        A term is none of these.

    Examples
    --------
    >>> sorted(atoms_of_terms("Left X hemisphere+Vermis X"))
    [('left', 'X', 'hemisphere'), ('left', 'X', 'vermis'), ('right', 'X', 'vermis')]
    """
    return frozenset().union(*(_of_term(term) for term in text.split("+")))


def _of_term(term: str) -> Atoms:
    side, _, rest = term.partition(" ")
    lobule = rest.removesuffix(" hemisphere")
    if side == "Vermis" and rest in _lobules().values():
        return frozenset((one, rest, "vermis") for one in _SIDES)
    if side.lower() in _SIDES and rest == _WHITE:
        return frozenset({(side.lower(), _WHITE, "")})
    if side.lower() in _SIDES and lobule in _lobules().values():
        parts = ("hemisphere",) if lobule != rest else ("hemisphere", "vermis")
        return frozenset((side.lower(), lobule, part) for part in parts)
    raise ValueError(f"{term!r} is no region")
