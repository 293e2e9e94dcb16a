"""From compartments to tissue: the labels of ``seg-DeepCERES``, for which fluid and white matter are taken out.

In the labels of ``seg-Lobules`` a lobule is a compartment: its cortex with the thin fluid between its folia and the
fine branches of the arbor vitae. Morell-Ortega et al. 2025, section 2.1, label at 0.5 mm, where both can be seen: they
take them out by the brightness of T1w and T2w, and cut the peduncles off. The rule here:

1. Every voxel is a mixture of two tissues, fluid and grey or grey and white matter: the nearest point of the broken
   line fluid - grey - white in the plane of the two contrasts (:func:`mixture`).
2. Where fluid is the larger part, there is no label.
3. Where white matter is the larger part, and a path of voxels that are partly white leads to the core, it is white
   matter: the arbor vitae, but no bright vessel at the surface. The core, 1.5 mm and more from any lobule, is white
   matter if it is no fluid, whatever its brightness (the nuclei are darker).
4. Everything else belongs to its own lobule, and what is no lobule's to the nearest one.
5. White matter that the lobules do not surround is peduncle and gets no label (:func:`surrounded`).
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cerebbids.imaging.t2contrast import T2W_MEANS
from cerebbids.imaging.tissuemeans import TARGETS

N_SIDE = 13
"""Channels of one side: twelve lobules, then white matter."""
CORE_MM = 1.5
"""White matter further from the lobules than this is core."""
PARTLY_WHITE = 1.2
"""Mixture from which on a voxel passes white matter on: a fifth of it is white."""
REACH_MM = 10.0
"""Radius of the ball that does not fit into the spaces between lobules."""
LOCAL_MM = 8.0
"""Gaussian over which the brightness of cortex may change from place to place."""
_EVERY_NEIGHBOUR = np.ones((3, 3, 3), bool)


def carve(compartments: np.ndarray, t1w: np.ndarray, t2w: np.ndarray, spacing: float) -> np.ndarray:
    """Take fluid, arbor vitae and peduncles out of lobules and white matter.

    Parameters
    ----------
    compartments : ndarray of int, (X, Y, Z)
        Channels: 0 background, 1-12 left lobules, 13 left white matter, 14-26 the right side.
    t1w, t2w : ndarray, (X, Y, Z)
        Tissues at the brightness of :data:`TARGETS` and :data:`T2W_MEANS`.
    spacing : float
        Voxel edge, mm; 0.5 or less shows folia.

    Returns
    -------
    ndarray, (X, Y, Z), uint8
        Channels; no voxel that had none has one now.
    """
    carved = np.zeros(compartments.shape, np.uint8)
    if not _lobules(compartments).any():
        return carved
    step = _coarse_step(spacing)  # the box begins between blocks, so that a mirror image has the same ones
    ends = [(at.min() // step * step, -(-(at.max() + 1) // step) * step) for at in np.nonzero(compartments)]
    box = tuple(slice(*end) for end in ends)
    carved[box] = _carved(compartments[box], t1w[box], t2w[box], spacing)
    return carved


def _carved(compartments: np.ndarray, t1w: np.ndarray, t2w: np.ndarray, spacing: float) -> np.ndarray:
    lobules, inside = _lobules(compartments), compartments > 0
    from_lobule, own = _nearest_lobule(compartments, spacing)
    core = inside & (from_lobule > CORE_MM)
    mixed = mixture(t1w, t2w, *local_grey(t1w, t2w, lobules, spacing))
    paths = core | (inside & (mixed > PARTLY_WHITE))
    white = core | (ndimage.binary_propagation(core, _EVERY_NEIGHBOUR, mask=paths) & (mixed > 1.5))
    side = np.where(compartments > N_SIDE, 2 * N_SIDE, N_SIDE)
    named = np.where(white, np.where(surrounded(lobules, spacing), side, 0), own)
    return np.where(inside & (mixed >= 0.5), named, 0).astype(np.uint8)


def _nearest_lobule(compartments: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Distance (mm) from the nearest lobule, and the nearest lobule of the own side, wherever that can be core."""
    distance = np.full(compartments.shape, np.inf, np.float32)
    own = np.zeros(compartments.shape, np.uint8)
    margin = int(np.ceil(CORE_MM / spacing)) + 1  # so far a lobule tells on the other side
    for first in (0, N_SIDE):
        member = (compartments > first) & (compartments <= first + N_SIDE)
        if not _lobules(compartments * member).any():
            continue
        box = tuple(slice(max(0, at.min() - margin), at.max() + 1 + margin) for at in np.nonzero(member))
        part = compartments[box] * member[box]
        far, nearest = ndimage.distance_transform_edt(~_lobules(part), spacing, return_indices=True)
        distance[box] = np.minimum(distance[box], far)
        own[box] = np.where(member[box], part[tuple(nearest)], own[box])
    return distance, own


def _lobules(channels: np.ndarray) -> np.ndarray:
    return (channels > 0) & (channels % N_SIDE > 0)


def grey_brightness(t1w: np.ndarray, t2w: np.ndarray) -> tuple[float, float]:
    """Brightness of the cerebellum's cortex in both contrasts, from that of all voxels of its lobules.

    The cortex of the cerebellum is thinner than a voxel, and mostly brighter in a T1w image than that of the cerebrum,
    which says where grey matter is in the whole image; the median of the lobules follows it, and a bias field as well.
    Much fluid between wide folia draws the median the other way: then the cerebrum's is taken.

    Examples
    --------
    >>> grey_brightness(np.array([100.0, 170, 240]), np.array([300.0, 130, 90]))
    (170.0, 130.0)
    >>> grey_brightness(np.array([60.0, 120, 240]), np.array([400.0, 250, 90]))
    (150.0, 150.0)
    """
    return max(TARGETS[1], float(np.median(t1w))), min(T2W_MEANS[1], float(np.median(t2w)))


def local_grey(t1w: np.ndarray, t2w: np.ndarray, lobules: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Brightness of cortex in both contrasts, place by place.

    What a bias field leaves may make one half a little brighter than the other; with one number for both, the arbor
    vitae of the brighter half grows (white matter's asymmetry in one of six heads: 27 %, so 18 %; unknown: the truth).

    Parameters
    ----------
    t1w, t2w : ndarray, (X, Y, Z)
    lobules : ndarray of bool, (X, Y, Z)
    spacing : float
        Voxel edge, mm.

    Returns
    -------
    tuple of ndarray, (X, Y, Z), float32
        As :func:`grey_brightness`, of the mean around each voxel, which is moved so that its median is that of all.
    """
    step = _coarse_step(spacing)  # the mean is far smoother than voxels of 1 mm
    sigma = LOCAL_MM / (step * spacing)
    weight = ndimage.gaussian_filter(_blocks(lobules.astype(np.float32), step), sigma).clip(1e-3)

    def around(volume: np.ndarray) -> np.ndarray:
        mean = ndimage.gaussian_filter(_blocks(lobules * volume, step), sigma) / weight
        mean = _spread(mean, step, lobules.shape)
        return mean + np.median(volume[lobules]) - np.median(mean[lobules])

    return np.maximum(TARGETS[1], around(t1w)), np.minimum(T2W_MEANS[1], around(t2w))


Brightness = float | np.ndarray


def mixture(t1w: np.ndarray, t2w: np.ndarray, grey_t1w: Brightness, grey_t2w: Brightness) -> np.ndarray:
    """What a voxel consists of: 0 fluid, 1 grey matter, 2 white matter, and the mixtures between.

    Fluid and grey matter count for as much in both contrasts.

    Parameters
    ----------
    t1w, t2w : ndarray
    grey_t1w, grey_t2w : float or ndarray
        Brightness of grey matter, everywhere or voxel by voxel.

    Returns
    -------
    ndarray, float32

    Examples
    --------
    >>> csf, _, wm = T2W_MEANS
    >>> t1w, t2w = np.array([40.0, 100, 150, 200, 280]), np.array([csf, (csf + 150) / 2, 150, (150 + wm) / 2, wm])
    >>> mixture(t1w, t2w, 150, 150).round(2).tolist()
    [0.0, 0.5, 1.0, 1.5, 2.0]
    """
    scale = (TARGETS[1] - TARGETS[0]) / (T2W_MEANS[0] - T2W_MEANS[1])
    shown = t1w.astype(np.float32), np.float32(scale) * t2w
    fluid, white = ((TARGETS[k], scale * T2W_MEANS[k]) for k in (0, 2))
    grey = grey_t1w, scale * grey_t2w
    fluid_grey, first = _nearest(shown, fluid, grey)
    grey_white, second = _nearest(shown, grey, white)
    return np.where(first <= second, fluid_grey, 1 + grey_white).astype(np.float32)


def _nearest(
    shown: tuple[np.ndarray, np.ndarray], start: tuple[Brightness, ...], end: tuple[Brightness, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest point of a line to what is shown: its place, 0 to 1, and the squared distance from it."""
    x, y = (value - low for value, low in zip(shown, start, strict=True))
    along, up = (high - low for low, high in zip(start, end, strict=True))
    share = ((x * along + y * up) / (along * along + up * up)).clip(0, 1)
    return share, (x - share * along) ** 2 + (y - share * up) ** 2


def surrounded(lobules: np.ndarray, spacing: float) -> np.ndarray:
    """What lies between lobules: their closing by a ball.

    Parameters
    ----------
    lobules : ndarray of bool, (X, Y, Z)
    spacing : float
        Voxel edge, mm.

    Returns
    -------
    ndarray of bool, (X, Y, Z)

    Examples
    --------
    >>> lobules = np.zeros((80, 31, 31), bool)
    >>> lobules[30:35] = lobules[45:50] = True
    >>> surrounded(lobules, 1.0)[[29, 34, 40, 50], 15, 15].tolist()
    [False, True, True, False]
    """
    step = _coarse_step(spacing)  # a ball is round enough in voxels of 1 mm
    room = round(REACH_MM) + 1
    coarse = np.pad(_blocks(lobules.astype(np.float32), step) > 0, room)
    near = ndimage.distance_transform_edt(~coarse, step * spacing) <= REACH_MM
    closed = ndimage.distance_transform_edt(near, step * spacing) > REACH_MM
    return _spread(closed[room:-room, room:-room, room:-room], step, lobules.shape)


def _coarse_step(spacing: float) -> int:
    """Voxels along the side of a block of 1 mm."""
    return max(1, round(1 / spacing))


def _blocks(volume: np.ndarray, step: int) -> np.ndarray:
    """Means of blocks of ``step`` voxels along every axis; beyond the end there are zeros."""
    padded = np.pad(volume, [(0, -side % step) for side in volume.shape])
    x, y, z = (side // step for side in padded.shape)
    return padded.reshape(x, step, y, step, z, step).mean((1, 3, 5))


def _spread(coarse: np.ndarray, step: int, shape: tuple[int, ...]) -> np.ndarray:
    """Give every voxel of ``shape`` the value of its block."""
    for axis, side in enumerate(shape):
        coarse = coarse.repeat(step, axis).take(range(side), axis)
    return coarse
