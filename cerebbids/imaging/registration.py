"""Affine registration of any T1w image, full head or stripped brain, onto the working space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, product

import nibabel as nib
import numpy as np

from cerebbids.errors import RegistrationFailed
from cerebbids.imaging.affinefit import AFFINE, CENTRE, RIGID, SIMILARITY, Fit, fit_affine
from cerebbids.imaging.matching import template_models
from cerebbids.imaging.plausibility import Attempt, judge
from cerebbids.imaging.pyramid import Level, Pyramid, pyramid

SEARCHES = {
    "": ((-25, 0, 25), (0,), (0,)),
    "wide-": ((-50, 0, 50), (-40, 0, 40), (-40, 0, 40)),
}
"""Angles in degrees about x, y and z from which the search starts; the second after the first has failed."""

RISES = (0, 30, 60)
"""How many mm above the centre of mass the brain may be: a neck pulls that down."""


@dataclass(frozen=True)
class Place:
    """Where the brain is, to a few millimetres.

    Parameters
    ----------
    t1w_to_mni : ndarray of shape (4, 4), float64
        World of the image -> world of the template, RAS mm.
    strategy : str
        That of the accepted `Attempt`.
    """

    t1w_to_mni: np.ndarray
    strategy: str


@dataclass(frozen=True)
class AffineResult(Place):
    """An accepted affine: a place, exactly, and how good it is.

    Parameters
    ----------
    skull_stripped, overlap, determinant, correlation
        Those of the accepted `Attempt`.
    attempts : tuple of Attempt
        All that was tried, in order; the last is the accepted one.
    """

    skull_stripped: bool
    overlap: float
    determinant: float
    correlation: float
    attempts: tuple[Attempt, ...]


def register_to_mni(
    image: nib.Nifti1Image, threads: int, near: Place | None = None, *, sloppy: bool = False
) -> AffineResult:
    """Find the affine from an image to the working space.

    Many rough starts (around the centre of mass, against the whole-head and against the brain template) are
    cheap at 8 mm; the best of each is refined at 4 mm, and the better at 3 mm inside the template's brain, with
    most weight on the cerebellum. The last stage sees neither skull nor neck, so that a stripped and a full
    image of one head end at the same place.

    Parameters
    ----------
    image : Nifti1Image
        3D T1w image, any orientation, sheared or not.
    threads : int
        Starts tried at a time.
    near : Place, optional
        Where the brain was found before: refined without a search, unless nothing plausible comes of it.
    sloppy : bool
        Leave out the last stage.

    Raises
    ------
    RegistrationFailed
        No strategy gave a plausible result.
    """
    levels = pyramid(image)

    def finish(rough: Fit) -> Fit:
        return rough if sloppy else fit_affine(levels.fine, template_models().fine, rough.mni_to_t1w, AFFINE, 40, 0.002)

    known = [] if near is None else [(near.strategy, Fit(np.linalg.inv(near.t1w_to_mni), 0.0, 0.0))]
    ways = chain(known, _searched(levels, threads))
    fit, attempts = _first_plausible(image, levels, ((way, finish(rough)) for way, rough in ways))
    accepted = attempts[-1]
    return AffineResult(
        np.linalg.inv(fit.mni_to_t1w),
        accepted.strategy,
        accepted.skull_stripped,
        accepted.overlap,
        accepted.determinant,
        accepted.correlation,
        attempts,
    )


def locate_brain(image: nib.Nifti1Image, threads: int) -> Place:
    """Find the brain by a rough registration.

    Parameters
    ----------
    image : Nifti1Image
        3D T1w image, raw.
    threads : int
        Starts tried at a time.

    Raises
    ------
    RegistrationFailed
        There is none to be found.
    """
    levels = pyramid(image)
    rough, attempts = _first_plausible(image, levels, _searched(levels, threads))
    return Place(np.linalg.inv(rough.mni_to_t1w), attempts[-1].strategy)


def _first_plausible(
    image: nib.Nifti1Image, levels: Pyramid, ways: Iterable[tuple[str, Fit]]
) -> tuple[Fit, tuple[Attempt, ...]]:
    """First fit that is plausible, and all that were tried up to it."""
    attempts: tuple[Attempt, ...] = ()
    for way, fit in ways:
        attempts = (*attempts, judge(levels, fit, way))
        if not attempts[-1].refused:
            return fit, attempts
    raise RegistrationFailed(
        image.get_filename() or "T1w image",
        f"cannot be brought onto the template ({attempts[0].refused})",
        "check that it is a T1w image (white matter bright) of a whole brain, and its header's axes and voxel size",
    )


def _searched(levels: Pyramid, threads: int) -> Iterator[tuple[str, Fit]]:
    """Rough fits, the likelier first; the wider search is made only when they are asked for."""
    for search, angles in SEARCHES.items():
        for way, rough in _candidates(levels, angles, threads):
            yield search + way, rough


def _candidates(levels: Pyramid, angles: tuple[tuple[int, ...], ...], threads: int) -> list[tuple[str, Fit]]:
    """Best fit at 4 mm of either way in, the better first."""
    models = template_models()
    ways = {"head": models.head, "brain": models.brain}

    def approach(job: tuple[str, np.ndarray]) -> Fit:
        way, start = job
        turned = fit_affine(levels.coarse, ways[way], start, RIGID, 15, 0.5)
        return fit_affine(levels.coarse, ways[way], turned.mni_to_t1w, SIMILARITY, 15, 0.5)

    def refine(way: str) -> tuple[str, Fit]:
        best = max((fit for job, fit in tried if job[0] == way), key=lambda fit: fit.score)
        grown = fit_affine(levels.middle, models.tissues, best.mni_to_t1w, SIMILARITY, 20, 0.2)
        return way, fit_affine(levels.middle, models.tissues, grown.mni_to_t1w, AFFINE, 20, 0.1)

    jobs = list(product(ways, _starts(levels.coarse, angles)))
    with ThreadPoolExecutor(threads) as pool:
        tried = list(zip(jobs, pool.map(approach, jobs), strict=True))
        return sorted(pool.map(refine, ways), key=lambda found: -found[1].score)


def _starts(level: Level, angles: tuple[tuple[int, ...], ...]) -> Iterator[np.ndarray]:
    """Rigid template -> image matrices around the image's centre of mass."""
    centre = level.centre_of_mass()
    for pitch, roll, yaw, rise in product(*angles, RISES):
        turn = nib.eulerangles.euler2mat(*np.radians([yaw, roll, pitch]))
        yield nib.affines.from_matvec(turn, centre + [0, 0, rise] - turn @ CENTRE)
