"""Rigid registration of an image of any contrast to the T1w image of the same person.

The image is compared, at points in the brain, with that function of the T1w image which resembles it most: a broken
line, found anew for every position. The share of the image's variance that it explains is the correlation ratio, which
does not ask which tissue is bright. Deterministic, and blind to scalp, neck and face.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine, from_matvec

from cerebbids.imaging.affinefit import CENTRE, RIGID, Fit, SampledModel, fit_affine, sample_model
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.pyramid import Level, Pyramid, pyramid
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_brain_mask, template_cerebellum, template_tissues

KNOTS = (0.12, 0.28, 0.45, 0.62, 0.8, 1.0, 1.4)
"""Where the broken line bends, in parts of white matter's brightness on the T1w image."""

PITCHES, RISES = (-25, 0, 25), (0, 30, 60)
"""Nods in degrees from which the search starts, and how many mm above the centre of mass the brain may be."""

LIKELY = 3
"""Results of the search that are looked at more closely, beside that of the headers."""

MARGIN_MM = 3.0
"""How far around the brain the images are compared: the fluid on its surface is its clearest edge."""


@dataclass(frozen=True)
class PersonModel:
    """One person's T1w image at sample points, from far to near, cut into bands of brightness.

    Parameters
    ----------
    coarse, middle, fine : SampledModel
        Every 8, 4 and 3 mm; the last with most weight on the cerebellum.
    frame : ndarray of shape (4, 4)
        World of the points -> world of the T1w image, RAS mm, rigid. The points lie about the template's brain.
    """

    coarse: SampledModel
    middle: SampledModel
    fine: SampledModel
    frame: np.ndarray


def bands(data: np.ndarray, white: float) -> tuple[np.ndarray, ...]:
    """Share that each of `KNOTS` has in brightness that lies between two of them.

    Examples
    --------
    >>> np.round([band[0] for band in bands(np.array([90.0]), 100)], 3).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.5, 0.5, 0.0]
    """
    levels = white * np.array([0.0, *KNOTS])
    return tuple(np.interp(data, levels, row).astype(np.float32) for row in np.eye(len(levels))[1:])


def white_brightness(t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> float:
    """Median brightness of a T1w image where the template is sure of white matter."""
    white = template_tissues()[1]
    there = resample(t1w, white.shape, white.affine, np.linalg.inv(t1w_to_mni))
    return float(np.median(np.asarray(there.dataobj)[np.asarray(white.dataobj) > 0.9]))


def person_model(t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> PersonModel:
    """Sample a T1w image.

    Parameters
    ----------
    t1w : Nifti1Image
        Clean, 3D.
    t1w_to_mni : ndarray of shape (4, 4)
        World of the image -> world of the template, RAS mm.
    """
    grid = template_brain_mask()
    frame = _nearest_rigid(np.linalg.inv(t1w_to_mni))
    there = resample(t1w, grid.shape, grid.affine, frame)
    frame_to_mni = t1w_to_mni @ frame
    data = np.asarray(there.dataobj)
    brain = np.asarray(brain_mask(there, frame_to_mni, MARGIN_MM).dataobj) > 0
    cerebellum = resample(template_cerebellum(), grid.shape, grid.affine, frame_to_mni, order=0)
    shares = [pyramid(with_data(there, band)) for band in bands(data, white_brightness(t1w, t1w_to_mni))]
    # Where a stripped image is black, nothing is known.
    fine = Level((brain & (data > 0)) * (1 + 3 * np.asarray(cerebellum.dataobj)), grid.affine, np.zeros(3))
    middle = fine.thinned(2)
    return PersonModel(
        sample_model([share.coarse for share in shares], middle.thinned(4).data > 0, 2),
        sample_model([share.middle for share in shares], middle.data > 0, 2),
        sample_model([share.fine for share in shares], fine.data, 3),
        frame,
    )


def register_rigidly(levels: Pyramid, model: PersonModel, near: np.ndarray | None = None) -> Fit:
    """Find the rigid motion from the model's points to an image.

    The search starts where the headers say that both images lie, and around the centre of mass, in case they are wrong.

    Parameters
    ----------
    levels : Pyramid
        The image.
    model : PersonModel
        The T1w image.
    near : ndarray of shape (4, 4), optional
        Model points -> image world, RAS mm, as found before: refined without a search.

    Returns
    -------
    Fit
        ``mni_to_t1w`` is model points -> image world; the correlation is that at the finest level.
    """
    if near is None:
        starts = _starts(model.frame, levels.coarse)
        as_told, *searched = [_climb(levels.coarse, model.coarse, start, 25, 0.3) for start in starts]
        likely = [as_told, *sorted(searched, key=lambda fit: -fit.score)[:LIKELY]]
        tried = [_climb(levels.middle, model.middle, fit.mni_to_t1w, 25, 0.05) for fit in likely]
        near = max(tried, key=lambda fit: fit.score).mni_to_t1w
    near = _climb(levels.fine, model.fine, near, 40, 0.005).mni_to_t1w
    return _climb(levels.fine, model.fine, near, 10, 0.002)


def _climb(level: Level, model: SampledModel, start: np.ndarray, iterations: int, tolerance: float) -> Fit:
    """Climb, and make rigid again what small steps have stretched."""
    fit = fit_affine(level, model, start, RIGID, iterations, tolerance)
    return Fit(_nearest_rigid(fit.mni_to_t1w), fit.correlation, fit.coverage)


def _starts(frame: np.ndarray, level: Level) -> Iterator[np.ndarray]:
    yield frame
    centre = level.centre_of_mass()
    for pitch, rise in product(PITCHES, RISES):
        turn = nib.eulerangles.euler2mat(0, 0, np.radians(pitch))
        yield from_matvec(turn, centre + [0, 0, rise] - turn @ CENTRE)


def _nearest_rigid(matrix: np.ndarray) -> np.ndarray:
    """Rigid motion that turns as an affine does, and carries the brain's middle to the same place."""
    u, _, v = np.linalg.svd(matrix[:3, :3])
    return from_matvec(u @ v, apply_affine(matrix, CENTRE) - u @ v @ CENTRE)
