"""The fixed grids in template space on which networks see a cerebellum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Grid:
    """A box of voxels, axes along +x (right), +y (anterior), +z (superior) of a world space.

    Parameters
    ----------
    origin : tuple of float
        World coordinates (mm) of the centre of voxel (0, 0, 0).
    shape : tuple of int
        Voxels along x, y, z.
    spacing : float
        Voxel edge, mm.

    Examples
    --------
    >>> CEREBELLUM_1MM.affine[:3, 3]
    array([ -67.5, -105. ,  -79. ])
    """

    origin: tuple[float, float, float]
    shape: tuple[int, int, int]
    spacing: float = 1.0

    @property
    def affine(self) -> np.ndarray:
        """4x4, voxel indices -> world mm (RAS+)."""
        matrix = np.diag([self.spacing] * 3 + [1.0])
        matrix[:3, 3] = self.origin
        return matrix

    @property
    def is_symmetric(self) -> bool:
        """Whether reversing the first array axis is exactly the mirror x -> -x.

        Examples
        --------
        >>> CEREBELLUM_1MM.is_symmetric, Grid((-64, 0, 0), (128, 8, 8)).is_symmetric
        (True, False)
        """
        return bool(np.isclose(2 * self.origin[0] + (self.shape[0] - 1) * self.spacing, 0.0))

    def part(self, box: tuple[slice, slice, slice]) -> Grid:
        """Grid of the voxels in a box of this one.

        Examples
        --------
        >>> CEREBELLUM_1MM.part((slice(0, 8), slice(1, 9), slice(2, 10)))
        Grid(origin=(-67.5, -104.0, -77.0), shape=(8, 8, 8), spacing=1.0)
        """
        x, y, z = (place + side.start * self.spacing for place, side in zip(self.origin, box, strict=True))
        across, along, up = (side.stop - side.start for side in box)
        return Grid((x, y, z), (across, along, up), self.spacing)

    def box_of(self, part: Grid) -> tuple[slice, slice, slice]:
        """Box of the voxels of a part of this grid: what :meth:`part` was given.

        Examples
        --------
        >>> CEREBELLUM_1MM.box_of(CEREBELLUM_1MM.part((slice(0, 8), slice(1, 9), slice(2, 10))))
        (slice(0, 8, None), slice(1, 9, None), slice(2, 10, None))
        """
        starts = (round((a - b) / self.spacing) for a, b in zip(part.origin, self.origin, strict=True))
        x, y, z = (slice(start, start + size) for start, size in zip(starts, part.shape, strict=True))
        return x, y, z

    def halved(self) -> Grid:
        """Grid of voxels twice as large over the same field of view; sides have to be even.

        Examples
        --------
        >>> CEREBELLUM_05MM.halved()
        Grid(origin=(-67.5, -105.0, -77.0), shape=(136, 96, 96), spacing=1.0)
        """
        x, y, z = (place + self.spacing / 2 for place in self.origin)
        across, along, up = (side // 2 for side in self.shape)
        return Grid((x, y, z), (across, along, up), 2 * self.spacing)

    def doubled(self) -> Grid:
        """Grid of voxels half as large over the same field of view.

        Examples
        --------
        >>> CEREBELLUM_05MM.halved().doubled() == CEREBELLUM_05MM
        True
        """
        x, y, z = (place - self.spacing / 4 for place in self.origin)
        across, along, up = (side * 2 for side in self.shape)
        return Grid((x, y, z), (across, along, up), self.spacing / 2)


CEREBELLUM_1MM = Grid(origin=(-67.5, -105.0, -79.0), shape=(136, 96, 96))
"""Cerebellum box of MNI152NLin2009aSym at 1 mm; every side divides by 8, x is symmetric about 0."""

CEREBELLUM_05MM = Grid(origin=(-67.75, -105.25, -77.25), shape=(272, 192, 192), spacing=0.5)
"""Cerebellum box at 0.5 mm: 5 mm and more around all labels of the label library; every side divides by 16."""

HEAD_2MM = Grid(origin=(-95.0, -127.0, -97.0), shape=(96, 112, 96), spacing=2.0)
"""Whole head with the beginning of the neck at 2 mm; every side divides by 8, x is symmetric about 0."""
