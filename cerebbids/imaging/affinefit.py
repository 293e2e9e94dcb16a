"""Least-squares affine alignment of an image with a template model, blind to skull and neck.

The image is explained, at sample points that are fixed in the template's world, as a linear combination of
template images (T1w, grey matter, white matter, a constant). One Gauss-Newton step solves for the combination
and for a small affine displacement together, using the template's gradient (inverse compositional scheme), so
that noise of the image does not bias the result. Nothing outside the sample points matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import nibabel as nib
import numpy as np
from scipy import ndimage

RIGID, SIMILARITY, AFFINE = 6, 7, 12
"""Degrees of freedom of a step."""


@dataclass(frozen=True)
class SampledModel:
    """Template images at sample points.

    Parameters
    ----------
    points : ndarray of shape (n, 3)
        World RAS mm of the template, symmetric about x = 0.
    values : ndarray of shape (k, n)
        The k template images there.
    gradients : ndarray of shape (k, 3, n)
        Their gradients, per mm.
    weights : ndarray of shape (n,)
        What each point counts.
    """

    points: np.ndarray
    values: np.ndarray
    gradients: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Fit:
    """An affine and how well it explains the image.

    Parameters
    ----------
    mni_to_t1w : ndarray of shape (4, 4)
        Template world -> image world, RAS mm.
    correlation : float
        Multiple correlation between image and template model over the sample points.
    coverage : float
        Share of the sample points inside the image's field of view.
    """

    mni_to_t1w: np.ndarray
    correlation: float
    coverage: float

    @property
    def score(self) -> float:
        """Correlation, less when the model hangs out of the field of view."""
        return self.correlation * min(1.0, self.coverage / 0.9)


def sample_model(
    images: Sequence[np.ndarray], affine: np.ndarray, weights: np.ndarray, spacing: int, blur: float
) -> SampledModel:
    """Sample template images that share one 1 mm grid on a coarser lattice, symmetric about the middle plane.

    Parameters
    ----------
    images : sequence of ndarray of shape (x, y, z)
        Template images; a constant is added to them.
    affine : ndarray of shape (4, 4)
        Their voxel -> world.
    weights : ndarray of shape (x, y, z)
        Points with weight 0 are left out.
    spacing : int
        Voxels from sample to sample.
    blur : float
        Standard deviation in voxels of the Gaussian applied to the images first.
    """
    starts = [(size // 2) % spacing for size in weights.shape]
    lattice = tuple(slice(start, None, spacing) for start in starts)
    voxels = np.argwhere(weights[lattice] > 0) * spacing + starts
    here = tuple(voxels.T)
    constant = np.ones((1, len(voxels)), np.float32)
    blurred = [ndimage.gaussian_filter(image, blur, truncate=3) for image in images]
    ahead = [tuple((voxels + step).T) for step in np.eye(3, dtype=int)]
    behind = [tuple((voxels - step).T) for step in np.eye(3, dtype=int)]
    slopes = [[(b[f] - b[r]) / 2 for f, r in zip(ahead, behind, strict=True)] for b in blurred]
    return SampledModel(
        points=nib.affines.apply_affine(affine, voxels).astype(np.float32),
        values=np.concatenate([[b[here] for b in blurred], constant]),
        gradients=np.stack([*slopes, np.zeros((3, len(voxels)))]).astype(np.float32),
        weights=weights[here].astype(np.float32),
    )


def fit_affine(
    sampler: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]],
    model: SampledModel,
    start: np.ndarray,
    freedom: int,
    iterations: int,
    tolerance: float = 0.01,
) -> Fit:
    """Align by Gauss-Newton steps from `start`; the best iterate wins.

    Parameters
    ----------
    sampler : callable
        World points (n, 3) of the image -> (values (n,), inside the field of view (n,)).
    model : SampledModel
        What to align with.
    start : ndarray of shape (4, 4)
        Template world -> image world, RAS mm.
    freedom : int
        RIGID, SIMILARITY or AFFINE steps.
    iterations : int
        Most steps to take.
    tolerance : float
        Stop when a step moves no point of a head by more than this many mm.
    """
    centre = np.array([0.0, -20.0, 5.0])
    steps = _generators(freedom)
    current, best = start, Fit(start, 0.0, 0.0)
    for _ in range(iterations):
        here = nib.affines.apply_affine(current, model.points)
        image, inside = sampler(here)
        step, correlation = _solve(model, image, inside, steps, centre)
        fit = Fit(current, correlation, float(inside.mean()))
        best = max(best, fit, key=lambda candidate: candidate.score)
        current = current @ np.linalg.inv(np.eye(4) + step)
        if _largest_move(step, centre) < tolerance:
            break
    return best


def _generators(freedom: int) -> np.ndarray:
    """Basis (freedom, 12) of small displacements; columns: translation, then the rows of a 3 x 3 matrix."""
    basis = np.eye(12)
    if freedom == AFFINE:
        return basis
    turns = np.zeros((3, 12))
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turns[axis, 3 + 3 * i + j], turns[axis, 3 + 3 * j + i] = -1, 1
    growth = np.zeros((1, 12))
    growth[0, [3, 7, 11]] = 1
    return np.concatenate([basis[:3], turns, growth])[:freedom]


def _solve(
    model: SampledModel, image: np.ndarray, inside: np.ndarray, steps: np.ndarray, centre: np.ndarray
) -> tuple[np.ndarray, float]:
    """One step as a 4 x 4 displacement matrix, and the correlation before it."""
    weights = model.weights * inside
    values = model.values
    gram = (values * weights) @ values.T
    gram += np.diag(1e-4 * np.diag(gram) + 1e-12)
    mixture = np.linalg.solve(gram, (values * weights) @ image)
    residual = image - mixture @ values
    mean = np.average(image, weights=weights) if weights.any() else 0.0
    total = float(np.sum(weights * (image - mean) ** 2)) + 1e-12
    explained = 1 - float(np.sum(weights * residual**2)) / total

    slope = np.einsum("k,kcn->cn", mixture, model.gradients)
    arm = ((model.points - centre) / 100).T.astype(np.float32)
    moments = np.concatenate([slope, (slope[:, None] * arm[None]).reshape(9, -1)])
    columns = np.concatenate([steps.astype(np.float32) @ moments, values])
    normal = (columns * weights) @ columns.T
    normal += np.diag(1e-4 * np.diag(normal) + 1e-12)
    solution = np.linalg.solve(normal, (columns * weights) @ residual)[: len(steps)]
    return _as_matrix(solution @ steps, centre), float(np.sqrt(max(explained, 0.0)))


def _as_matrix(parameters: np.ndarray, centre: np.ndarray) -> np.ndarray:
    """Displacement matrix of 12 parameters, shortened to what a linear step may claim."""
    linear = parameters[3:].reshape(3, 3) / 100
    shift = parameters[:3]
    brake = min(1.0, 0.2 / (np.abs(linear).max() + 1e-12), 12.0 / (np.abs(shift).max() + 1e-12))
    step = np.zeros((4, 4))
    step[:3, :3] = linear * brake
    step[:3, 3] = (shift - linear @ centre) * brake
    return step


def _largest_move(step: np.ndarray, centre: np.ndarray) -> float:
    corners = centre + 80 * np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return float(np.linalg.norm(corners @ step[:3, :3].T + step[:3, 3], axis=1).max())
