"""What a NIfTI header says, by the standard and without nibabel."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

KNOWN_CODES = range(1, 6)
"""Of sform and qform, beside 0 for none."""

LAYOUTS = {  # places in the header: dim, pixdim, qform and sform codes, quaternion with offsets, rows of the sform
    1: {"dim": "40:8h", "pixdim": "76:8f", "codes": "252:2h", "qform": "256:6f", "sform": "280:12f"},
    2: {"dim": "16:8q", "pixdim": "104:8d", "codes": "344:2i", "qform": "352:6d", "sform": "400:12d"},
}


@dataclass(frozen=True)
class Grid:
    """Shape without a tail of ones, and voxel -> world RAS mm, or None where the header leaves it open."""

    shape: tuple[int, ...]
    affine: np.ndarray | None


def read_grid(content: bytes) -> Grid:
    """Read the grid from the beginning of a file of NIfTI-1 or NIfTI-2."""
    version = 2 if content[4:6] == b"n+" or content[4:6] == b"ni" else 1
    first = struct.unpack_from("<q" if version == 2 else "<h", content, 16 if version == 2 else 40)[0]
    order = "<" if 1 <= first <= 7 else ">"  # the standard's own test

    def read(name: str) -> tuple:
        place, _, form = LAYOUTS[version][name].partition(":")
        return struct.unpack_from(order + form, content, int(place))

    dim = read("dim")
    shape = dim[1 : dim[0] + 1]
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    qform_code, sform_code = read("codes")
    affine = None
    if sform_code in KNOWN_CODES:
        affine = np.vstack([np.reshape(read("sform"), (3, 4)), (0, 0, 0, 1)])
    elif sform_code <= 0 and qform_code in KNOWN_CODES:
        affine = from_quaternion(read("qform"), read("pixdim"))
    return Grid(shape, affine)


def from_quaternion(numbers: tuple[float, ...], pixdim: tuple[float, ...]) -> np.ndarray | None:
    """Affine of a qform: method 2 of the standard."""
    if pixdim[0] < 0 and pixdim[0] != -1:  # some take it for -1 and others for 1
        return None
    b, c, d, *offset = numbers
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    turn = [
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ]
    zooms = np.array([abs(size) if size else 1.0 for size in pixdim[1:4]])
    zooms[2] *= -1 if pixdim[0] == -1 else 1
    return np.vstack([np.column_stack([np.array(turn) * zooms, offset]), (0, 0, 0, 1)])
