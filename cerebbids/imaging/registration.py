"""Affine registration of any T1w image, full head or stripped brain, onto the working space."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import product

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage

from cerebbids.errors import RegistrationFailed
from cerebbids.imaging.affinefit import (
    AFFINE,
    RIGID,
    SIMILARITY,
    Fit,
    SampledModel,
    fit_affine,
    sample_model,
)
from cerebbids.imaging.pyramid import Level, Pyramid, pyramid
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import (
    template_brain_mask,
    template_t1w,
    template_tissues,
    whole_head_template,
)
from cerebbids.imaging.xfm import read_itk_affine, write_itk_affine

__all__ = ["AffineResult", "Attempt", "read_itk_affine", "register_to_mni", "write_itk_affine"]

MIN_CORRELATION, MIN_OVERLAP = 0.55, 0.70
DETERMINANTS = (0.6, 4.0)
"""From a brain of 3.1 litres to one of half a litre."""
MAX_STRETCH = 1.6
MAX_ROTATION = 75.0


@dataclass(frozen=True)
class Attempt:
    """One way that was tried.

    Parameters
    ----------
    strategy : str
        Its name.
    correlation, overlap, determinant : float
        As in `AffineResult`.
    refused : str
        Why it was not accepted; empty when it was.
    """

    strategy: str
    correlation: float
    overlap: float
    determinant: float
    refused: str


@dataclass(frozen=True)
class AffineResult:
    """An accepted affine.

    Parameters
    ----------
    t1w_to_mni : ndarray of shape (4, 4), float64
        World of the image -> world of the template, RAS mm.
    strategy : str
        ``head`` or ``brain`` (which template found the way in), with ``wide-`` in front after a wider search.
    skull_stripped : bool
        Whether the image shows nothing around the brain.
    overlap : float
        Dice of image and template foreground (the brain, or the head near the brain).
    determinant : float
        Of the linear part: how much larger than the image's is the template's brain.
    correlation : float
        Multiple correlation with T1w, grey and white matter of the template inside its brain, at 4 mm.
    attempts : tuple of Attempt
        All that was tried, in order; the last is the accepted one.
    """

    t1w_to_mni: np.ndarray
    strategy: str
    skull_stripped: bool
    overlap: float
    determinant: float
    correlation: float
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True)
class _Models:
    """What the image is compared with, from far to near."""

    head: SampledModel
    brain: SampledModel
    tissues: SampledModel
    fine: SampledModel
    scored: SampledModel


def register_to_mni(image: nib.Nifti1Image, threads: int) -> AffineResult:
    """Find the affine from an image to the working space.

    Many rough starts (around the centre of mass, against the whole-head and against the brain template) are
    cheap at 8 mm; the best of each is refined at 4 mm, the winner at 2 mm inside the template's brain, with
    most weight on the posterior fossa. The last stage sees neither skull nor neck, so that a stripped and a
    full image of one head end at the same place.

    Parameters
    ----------
    image : Nifti1Image
        3D T1w image, any orientation.
    threads : int
        Starts tried at a time.

    Raises
    ------
    RegistrationFailed
        No strategy gave a plausible result.
    """
    levels = pyramid(image)
    attempts: list[Attempt] = []
    for prefix, spread in (("", (0, 25)), ("wide-", (0, 35, 70))):
        starts = list(_starts(levels.coarse, spread))
        for strategy, fit in _candidates(levels, starts, threads):
            fine = fit_affine(levels.fine, _models().fine, fit.mni_to_t1w, AFFINE, 40, 0.002)
            result = _judge(levels, fine, prefix + strategy, attempts)
            attempts.append(result.attempts[-1])
            if not attempts[-1].refused:
                return result
    raise RegistrationFailed(
        image.get_filename() or "T1w image",
        f"cannot be brought onto the template ({attempts[0].refused})",
        "check that it is a T1w image of a whole brain and that its header's axes are right",
    )


@cache
def _models() -> _Models:
    t1w = template_t1w()
    brain_mask = np.asarray(template_brain_mask().dataobj) > 0
    head = np.asarray(resample(whole_head_template(), t1w.shape, t1w.affine).dataobj)
    head = nib.Nifti1Image((head + head[::-1]) / (2 * head.max()), t1w.affine)
    tissues = [pyramid(image) for image in (t1w, *template_tissues())]
    brain_level = Level(brain_mask, t1w.affine, np.zeros(3))
    near = [_within(brain_level.thinned(spacing), 20) for spacing in (2, 4)]
    wide = _within(brain_level.thinned(2), 4)
    fine = tissues[0].fine
    return _Models(
        head=sample_model([pyramid(head).coarse], near[1], 2),
        brain=sample_model([tissues[0].coarse], near[1], 2),
        tissues=sample_model([tissue.middle for tissue in tissues], wide, 2),
        fine=sample_model([tissue.fine for tissue in tissues], _within(brain_level, 2) * _fossa_weight(fine), 3),
        scored=sample_model([tissues[0].middle, pyramid(head).middle], near[0], 2),
    )


def _within(mask: Level, distance: float) -> np.ndarray:
    """Voxels up to so many mm from a mask."""
    return ndimage.distance_transform_edt(~mask.data, sampling=mask.voxel) <= distance


def _fossa_weight(level: Level) -> np.ndarray:
    """1 in the cerebrum, rising to 4 in the middle of the cerebellum."""
    x, y, z = (
        (np.arange(n) * step + start - centre) / radius
        for n, step, start, centre, radius in zip(
            level.data.shape, level.voxel, level.affine[:3, 3], (0, -62, -35), (50, 35, 30), strict=True
        )
    )
    squared = x[:, None, None] ** 2 + y[None, :, None] ** 2 + z[None, None, :] ** 2
    return (1 + 3 * np.exp(-squared)).astype(np.float32)


def _starts(level: Level, angles: tuple[int, ...]) -> Iterator[np.ndarray]:
    """Rigid template -> image matrices around the centre of mass, turned and raised (necks pull it down)."""
    centre = level.centre_of_mass()
    turns = sorted({sign * angle for angle in angles for sign in (-1, 1)})
    roll_and_yaw = (0,) if len(turns) < 4 else (-40, 0, 40)
    for pitch, roll, yaw, up in product(turns, roll_and_yaw, roll_and_yaw, (0, 30, 60)):
        start = np.eye(4)
        start[:3, :3] = _rotation(pitch, roll, yaw)
        start[:3, 3] = centre + [0, 0, up] - start[:3, :3] @ [0, -20, 5]
        yield start


def _rotation(*degrees: float) -> np.ndarray:
    """Rotation by angles about x, y and z."""
    matrix = np.eye(3)
    for axis, angle in enumerate(np.radians(degrees)):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turn = np.eye(3)
        turn[[i, j], [i, j]] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix


def _candidates(levels: Pyramid, starts: list[np.ndarray], threads: int) -> list[tuple[str, Fit]]:
    """Best fit at 4 mm of either way in, the better first."""
    models = _models()

    def approach(job: tuple[str, np.ndarray]) -> tuple[str, Fit]:
        way, start = job
        rough = fit_affine(levels.coarse, getattr(models, way), start, RIGID, 15, 0.5)
        return way, fit_affine(
            levels.coarse, getattr(models, way), rough.mni_to_t1w, SIMILARITY, 15, 0.5
        )

    with ThreadPoolExecutor(threads) as pool:
        tried = list(pool.map(approach, product(("head", "brain"), starts)))
    found = []
    for way in ("head", "brain"):
        best = max((fit for kind, fit in tried if kind == way), key=lambda fit: fit.score)
        closer = fit_affine(levels.middle, models.tissues, best.mni_to_t1w, SIMILARITY, 20, 0.2)
        found.append((way, fit_affine(levels.middle, models.tissues, closer.mni_to_t1w, AFFINE, 20, 0.1)))
    return sorted(found, key=lambda pair: -pair[1].score)


def _judge(levels: Pyramid, fit: Fit, strategy: str, before: list[Attempt]) -> AffineResult:
    """Measure a fit and say whether, and why not, it is plausible."""
    models = _models()
    t1w_to_mni = np.linalg.inv(fit.mni_to_t1w)
    correlation = fit_affine(levels.middle, models.tissues, fit.mni_to_t1w, AFFINE, 1, 0).score
    image, _, inside = levels.middle.at(apply_affine(fit.mni_to_t1w, models.scored.points))
    brain, head = models.scored.values[0] > 0.2, models.scored.values[1] > 0.15
    bright = image > 0.25 * np.median(image[brain])
    stripped = bool(bright[~brain & inside].mean() < 0.12)
    template = brain if stripped else head
    overlap = _dice(bright[inside], template[inside])
    rotation, stretch = _rotation_and_stretch(t1w_to_mni)
    determinant = float(np.linalg.det(t1w_to_mni[:3, :3]))
    refusals = {
        f"correlation {correlation:.2f}": correlation < MIN_CORRELATION,
        f"overlap {overlap:.2f}": overlap < MIN_OVERLAP,
        f"determinant {determinant:.2f}": not DETERMINANTS[0] < determinant < DETERMINANTS[1],
        f"stretch {stretch:.2f}": stretch > MAX_STRETCH,
        f"rotation {rotation:.0f} degrees": rotation > MAX_ROTATION,
    }
    refused = ", ".join(why for why, bad in refusals.items() if bad)
    attempt = Attempt(strategy, correlation, overlap, determinant, refused)
    return AffineResult(
        t1w_to_mni, strategy, stripped, overlap, determinant, correlation, (*before, attempt)
    )


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    return 2 * float((a & b).sum() / max(a.sum() + b.sum(), 1))


def _rotation_and_stretch(matrix: np.ndarray) -> tuple[float, float]:
    """Angle in degrees of the rotation in a 4 x 4 affine, and largest over smallest scale."""
    u, scales, v = np.linalg.svd(matrix[:3, :3])
    cosine = (np.trace(u @ v) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))), float(scales[0] / scales[-1])
