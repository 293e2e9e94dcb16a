"""Affine alignment of an image with a template model: deterministic, and blind to what lies off its sample points.

The image is compared with the linear combination of template images (T1w, grey matter, white matter) that
resembles it most, at points fixed in the template's world. The multiple correlation of the two is climbed by
Gauss-Newton steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from nibabel.affines import apply_affine, from_matvec

from cerebbids.imaging.pyramid import Level

RIGID, SIMILARITY, AFFINE = 6, 7, 12
"""Degrees of freedom of a step."""

CENTRE = np.array([0.0, -20.0, 5.0])
"""Middle of the template's brain, RAS mm: what steps turn and grow about."""

_ARM = 60.0
"""Typical distance from the centre in mm, which makes lengths and angles comparable."""


@dataclass(frozen=True)
class SampledModel:
    """Template images at sample points.

    Parameters
    ----------
    points : ndarray of shape (n, 3)
        World RAS mm of the template, symmetric about x = 0.
    values : ndarray of shape (k, n)
        The template images there, the last one constant.
    weights : ndarray of shape (n,)
        What each point counts.
    """

    points: np.ndarray
    values: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Fit:
    """An affine and how well it explains the image.

    Parameters
    ----------
    mni_to_t1w : ndarray of shape (4, 4)
        Template world -> image world, RAS mm.
    correlation : float
        Multiple correlation of image and template images over the sample points.
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


def sample_model(levels: Sequence[Level], weights: np.ndarray, spacing: int) -> SampledModel:
    """Sample template images on a lattice that is symmetric about their middle plane.

    Parameters
    ----------
    levels : sequence of Level
        Template images on one grid; a constant is added to them.
    weights : ndarray of the levels' shape
        Points with weight 0 are left out.
    spacing : int
        Voxels from sample to sample.
    """
    starts = [(size // 2) % spacing for size in weights.shape]
    lattice = tuple(slice(start, None, spacing) for start in starts)
    inside = weights[lattice] > 0
    values = [level.data[lattice][inside] for level in levels]
    return SampledModel(
        points=apply_affine(levels[0].affine, np.argwhere(inside) * spacing + starts),
        values=np.stack([*values, np.ones_like(values[0])]),
        weights=weights[lattice][inside].astype(np.float32),
    )


def fit_affine(
    level: Level, model: SampledModel, start: np.ndarray, freedom: int, iterations: int, tolerance: float
) -> Fit:
    """Climb from `start` by Gauss-Newton steps; the best place on the way is returned.

    Parameters
    ----------
    level : Level
        The image, as smooth as the model.
    model : SampledModel
        What to align it with.
    start : ndarray of shape (4, 4)
        Template world -> image world, RAS mm.
    freedom : int
        RIGID, SIMILARITY or AFFINE steps.
    iterations : int
        Most places to look at.
    tolerance : float
        Stop when a step moves nothing in a head by more than this many mm.
    """
    steps = _generators(freedom)
    current, best = start, Fit(start, 0.0, 0.0)
    places: list[np.ndarray] = []
    moves: list[np.ndarray] = []
    for _ in range(iterations):
        image, slope, inside = level.at(apply_affine(current, model.points))
        weights = model.weights * inside
        target, correlation = _likeness(model.values, image, weights)
        best = max(best, Fit(current, correlation, float(inside.mean())), key=lambda fit: fit.score)
        columns = steps @ _moments(model.points, current[:3, :3].T @ slope)
        step = _step(columns, image, target, weights) @ steps
        places.append(_as_vector(current))
        moves.append(_as_vector(current @ (np.eye(4) + _displacement(step))) - places[-1])
        largest = np.abs(moves[-1]).max()
        if largest < tolerance:
            break
        hurried = freedom == AFFINE and largest < 2.0
        current = _as_matrix(_extrapolate(places[-6:], moves[-6:]) if hurried else places[-1] + moves[-1])
    return best


def _extrapolate(places: list[np.ndarray], moves: list[np.ndarray]) -> np.ndarray:
    """Where the moves seem to lead (Anderson acceleration), as steps alone shrink slowly."""
    if len(moves) == 1:
        return places[0] + moves[0]
    changes = np.diff(moves, axis=0)
    mixture = np.linalg.lstsq(changes.T, moves[-1], rcond=1e-3)[0]
    return places[-1] + moves[-1] - mixture @ (np.diff(places, axis=0) + changes)


def _as_vector(matrix: np.ndarray) -> np.ndarray:
    """An affine as 12 numbers in mm: image of the centre, and linear part times the arm."""
    return np.concatenate([apply_affine(matrix, CENTRE), matrix[:3, :3].ravel() * _ARM])


def _as_matrix(vector: np.ndarray) -> np.ndarray:
    linear = vector[3:].reshape(3, 3) / _ARM
    return from_matvec(linear, vector[:3] - linear @ CENTRE)


def _generators(freedom: int) -> np.ndarray:
    """Basis (freedom, 12) of small displacements: a shift, then the rows of a 3 x 3 matrix."""
    basis = np.eye(12, dtype=np.float32)
    if freedom == AFFINE:
        return basis
    turns = np.zeros((4, 3, 3), np.float32)
    for axis in range(3):
        i, j = (axis + 1) % 3, (axis + 2) % 3
        turns[axis, i, j], turns[axis, j, i] = -1, 1
    turns[3] = np.eye(3)
    turning = np.concatenate([np.zeros((4, 3), np.float32), turns.reshape(4, 9)], axis=1)
    return np.concatenate([basis[:3], turning])[:freedom]


def _moments(points: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Change (12, n) of the image at each point for the 12 small displacements, given its slope (3, n)."""
    arm = ((points - CENTRE) / _ARM).T
    return np.concatenate([slope, (slope[:, None] * arm[None]).reshape(9, -1)]).astype(np.float32)


def _likeness(values: np.ndarray, image: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Combination of template images that is most like the image, and its correlation with it."""
    target = _regress(values, image, weights) @ values
    mean = np.average(image, weights=weights + 1e-12)
    total = np.sum(weights * (image - mean) ** 2) + 1e-12
    explained = 1 - np.sum(weights * (image - target) ** 2) / total
    return target, float(np.sqrt(max(explained, 0.0)))


def _step(columns: np.ndarray, image: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Displacement that makes the image, scaled and shifted in brightness, most like the target."""
    brightness = np.stack([image, np.ones_like(image)])
    gain = _regress(brightness, target, weights)[0]
    solution = _regress(np.concatenate([gain * columns, brightness]), target, weights)
    step = solution[: len(columns)]
    return step * min(1.0, 12.0 / (np.abs(step).max() + 1e-12))


def _regress(columns: np.ndarray, target: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted least squares with just enough of a ridge to be solvable."""
    normal = (columns * weights) @ columns.T
    ridge = np.diag(1e-5 * np.diag(normal) + 1e-9)
    return np.linalg.solve(normal + ridge, (columns * weights) @ target)


def _displacement(step: np.ndarray) -> np.ndarray:
    """Matrix (4, 4) whose product with a point is its small displacement."""
    linear = step[3:].reshape(3, 3) / _ARM
    matrix = from_matvec(linear, step[:3] - linear @ CENTRE)
    matrix[3, 3] = 0
    return matrix
