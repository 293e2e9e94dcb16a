"""Solid bodies made of labels, seen from one side: straight rays, the first voxel that each of them meets, shading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

SURFACE_MM = 0.35
"""How far labels are smoothed before their surface is sought, mm (standard deviation): less than a folium is wide."""

NORMALS_MM = 0.6
"""The same for the direction that the surface faces."""

BORDERS_MM = 0.5
"""The same for the borders between labels; single voxels go."""

FINER = 2
"""Rays a pixel has along each side."""

AMBIENT = 0.38
"""Light that comes from everywhere; the rest comes from the lamp."""

LAMP = (-1.0, -0.3, -0.4)
"""Where the lamp is: behind the onlooker, above, at the left (depth, down, right)."""

FAR = 0.25
"""How much darker the farthest point is than the nearest."""

GROOVE_MM, GROOVE = 0.8, 0.4
"""How wide what lies deeper than its surroundings is looked for, mm, and how much darker a millimetre makes it."""

BENEATH_MM = (0.5, 1.0, 1.5, 2.0)
"""How deep beneath the surface the scan is read, mm: there folia are bright, and fluid between them is dark."""

PAD = 4
"""Empty voxels around the body."""

_SIDES = (("L", "R"), ("P", "A"), ("I", "S"))
"""Letters of the negative and positive end of every axis."""


@dataclass(frozen=True)
class View:
    """A side to look from.

    Parameters
    ----------
    title : str
    towards, up : tuple of int
        Where the onlooker looks, and what is above in the picture: an axis of the world (right, anterior, superior).
    """

    title: str
    towards: tuple[int, int, int]
    up: tuple[int, int, int]

    @property
    def right(self) -> tuple[int, int, int]:
        """What is at the picture's right.

        Examples
        --------
        >>> View("From behind", (0, 1, 0), (0, 0, 1)).right
        (1, 0, 0)
        """
        x, y, z = (int(value) for value in np.cross(self.towards, self.up))
        return x, y, z

    @property
    def edges(self) -> tuple[str, str]:
        """Letters at the picture's left and right border."""
        low, high = _SIDES[int(np.abs(self.right).argmax())]
        return (low, high) if sum(self.right) > 0 else (high, low)

    @property
    def axes(self) -> np.ndarray:
        """Where depth, down and right go in the world (3, 3), one a row."""
        return np.array([self.towards, np.negative(self.up), self.right])

    def of(self, volume: np.ndarray) -> np.ndarray:
        """Turn a volume (right, anterior, superior) so that its axes are depth, down and right."""
        order = np.abs(self.axes).argmax(1)
        return np.flip(np.transpose(volume, order), np.flatnonzero(self.axes.sum(1) < 0))

    def back(self, places: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """Where places (3, N) in a volume that was turned are in the volume as it was, of this shape."""
        last = np.array(shape)[:, None] - 1
        return self.axes.T @ places + last * (self.axes.sum(0) < 0)[:, None]


VIEWS: Mapping[str, View] = {
    "behind": View("From behind", (0, 1, 0), (0, 0, 1)),
    "front": View("From the front", (0, -1, 0), (0, 0, 1)),
    "above": View("From above", (0, 0, -1), (0, 1, 0)),
    "below": View("From below", (0, 0, 1), (0, 1, 0)),
    "left": View("From the left", (1, 0, 0), (0, 0, 1)),
    "right": View("From the right", (-1, 0, 0), (0, 0, 1)),
}
"""Sides to look from. From above and from below, the front is up: seen from below, left is on the right."""


@dataclass(frozen=True)
class Solid:
    """A body, its axes right, anterior, superior.

    Parameters
    ----------
    inside : ndarray, (X, Y, Z), float32
        Labels of all kinds, smoothed: the surface is where this is a half.
    slopes : ndarray, (3, X, Y, Z), float32
        How steeply that grows when smoothed more: away from the surface.
    labels : ndarray, (X, Y, Z), uint8
        The nearest label of every voxel.
    scan : ndarray, (X, Y, Z), float32
        Brightness, 1 where grey matter is.
    spacing : float
        Edge of a voxel, mm.
    """

    inside: np.ndarray
    slopes: np.ndarray
    labels: np.ndarray
    scan: np.ndarray
    spacing: float

    @classmethod
    def of(cls, labels: np.ndarray, scan: np.ndarray, spacing: float) -> Solid:
        """Make a body of labels, of which some voxels are not 0, and the brightness of the scan on the same grid."""
        (box,) = ndimage.find_objects((labels > 0).astype(np.uint8))
        cropped, around = np.pad(labels[box], PAD), np.pad(scan[box], PAD)
        mask = (cropped > 0).astype(np.float32)
        inside, smooth = (ndimage.gaussian_filter(mask, sigma / spacing) for sigma in (SURFACE_MM, NORMALS_MM))
        return cls(inside, np.stack(np.gradient(smooth)), _borders(cropped, BORDERS_MM / spacing), around, spacing)


def _borders(labels: np.ndarray, sigma: float) -> np.ndarray:
    """Labels with smoother borders, in all voxels that are not far from any."""
    best, named = np.zeros(labels.shape, np.float32), np.zeros_like(labels)
    for index, box in enumerate(ndimage.find_objects(labels), 1):
        if box is not None:
            wide = tuple(slice(max(side.start - PAD, 0), side.stop + PAD) for side in box)
            share = ndimage.gaussian_filter((labels[wide] == index).astype(np.float32), sigma)
            larger = share > best[wide]
            best[wide][larger], named[wide][larger] = share[larger], index
    return named


def render(solid: Solid, view: View, colors: np.ndarray, scale: float) -> np.ndarray:
    """Draw a body from one side, without perspective, on black.

    Parameters
    ----------
    solid : Solid
    view : View
    colors : ndarray, (256, 3)
        Red, green and blue of every label, 0 to 255.
    scale : float
        Pixels a millimetre takes.

    Returns
    -------
    ndarray, (height, width, 3), uint8
    """
    zoom = scale * solid.spacing * FINER
    depth = _depths(view.of(solid.inside), zoom)
    seen = np.isfinite(depth)
    rows, columns = np.nonzero(seen)
    turned = np.stack([depth[seen], (rows + 0.5) / zoom - 0.5, (columns + 0.5) / zoom - 0.5])
    places = view.back(turned, solid.inside.shape)
    inward = _unit(np.stack([_read(slope, places) for slope in solid.slopes]))
    light = _lambert(inward, view) * _nearness(depth[seen]) * _openness(depth, scale, solid.spacing)
    beneath = [_read(solid.scan, places + inward * mm / solid.spacing) for mm in BENEATH_MM]
    light *= np.clip(np.mean(beneath, 0) ** 1.4, 0.35, 1.1)
    named = solid.labels[tuple(np.rint(places + 0.5 * inward).astype(int))]
    picture = np.zeros((*depth.shape, 3), np.float32)
    picture[seen] = colors[named] * light[:, None]
    height, width = (size // FINER for size in depth.shape)
    picture = picture[: height * FINER, : width * FINER].reshape(height, FINER, width, FINER, 3)
    return np.clip(picture.mean((1, 3)), 0, 255).astype(np.uint8)


def _depths(inside: np.ndarray, zoom: float) -> np.ndarray:
    """Depth in voxels at which rays first meet the surface; infinite where they miss it."""
    down, right = (_between(size, zoom) for size in inside.shape[1:])
    depth = np.full((len(down), len(right)), np.inf, np.float32)
    before = np.zeros_like(depth)
    for k, plane in enumerate(inside):
        now = down @ plane @ right.T
        new = (now >= 0.5) & np.isinf(depth)
        depth[new] = k - (now[new] - 0.5) / (now[new] - before[new])
        before = now
    return depth


def _between(size: int, zoom: float) -> np.ndarray:
    """Weights (rays, voxels) by which a row of voxels is read linearly at the places of rays."""
    places = np.clip((np.arange(int(size * zoom)) + 0.5) / zoom - 0.5, 0, size - 1)
    return np.clip(1 - np.abs(places[:, None] - np.arange(size)), 0, 1).astype(np.float32)


def _read(volume: np.ndarray, places: np.ndarray) -> np.ndarray:
    return ndimage.map_coordinates(volume, places, order=1, mode="nearest")


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=0), 1e-6)


def _lambert(inward: np.ndarray, view: View) -> np.ndarray:
    """Light on the surface, as it faces the lamp."""
    lamp = _unit(view.axes.T @ np.array(LAMP))
    return AMBIENT + (1.2 - AMBIENT) * np.maximum(-lamp @ inward, 0)


def _nearness(depth: np.ndarray) -> np.ndarray:
    low, high = float(depth.min()), float(depth.max())
    return 1 - FAR * (depth - low) / max(high - low, 1e-6)


def _openness(depth: np.ndarray, scale: float, spacing: float) -> np.ndarray:
    """Less light for what lies deeper than what is around it, as fissures do."""
    seen = np.isfinite(depth)
    sigma = GROOVE_MM * scale * FINER
    known = ndimage.gaussian_filter(seen.astype(np.float32), sigma)
    around = ndimage.gaussian_filter(np.where(seen, depth, 0), sigma) / np.maximum(known, 1e-6)
    deeper = spacing * (depth[seen] - around[seen])
    return np.clip(1 - GROOVE * np.maximum(deeper, 0), 0.25, 1)
