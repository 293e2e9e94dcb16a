"""A lopsided head, and the bytes of files that hold it in many forms."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass, field
from typing import Any

import nibabel as nib
import numpy as np

SHAPE = (22, 24, 26)
MARKS = np.array([(5, 6, 7), (16, 9, 18), (8, 17, 20), (14, 15, 5)])
"""Voxels of four marks, from the least bright, still brighter than all else."""

HEADERS = {1: nib.Nifti1Header, 2: nib.Nifti2Header}
MAGIC = {1: (b"n+1", b"ni1"), 2: (b"n+2\0\r\n\x1a\n", b"ni2\0\r\n\x1a\n")}
AWAY = nib.affines.from_matvec(nib.eulerangles.euler2mat(0.1, 0.3, -0.2), (15, -9, 4))


def head() -> np.ndarray:
    """Float64 phantom: background 0, an ellipsoid from 10 to 60, marks up to 125."""
    x, y, z = np.indices(SHAPE)
    inside = ((x - 10.5) / 9) ** 2 + ((y - 11.5) / 10) ** 2 + ((z - 12.5) / 11) ** 2 < 1
    data = np.where(inside, np.rint(10 + 0.9 * x + 0.6 * y + 0.5 * z), 0.0)
    data[tuple(MARKS.T)] = 80, 95, 110, 125
    return data


@dataclass(frozen=True)
class Case:
    """Files to write, of which one is to be read.

    Parameters
    ----------
    name : str
        The one to read.
    files : dict of bytes
        Contents by name.
    marks : ndarray of shape (4, 3), optional
        World coordinates (mm) where the marks have to be found, where the form has kept them.
    told : str
        How it was made.
    """

    name: str
    files: dict[str, bytes] = field(repr=False)
    marks: np.ndarray | None = field(repr=False, default=None)
    told: str = ""

    @property
    def header(self) -> bytes:
        """What a reader should find at the beginning of the header's file, if it can be unpacked."""
        content = self.files.get(self.name.replace(".img", ".hdr"), b"")
        return zlib.decompressobj(31).decompress(content, 1024) if content[:2] == b"\x1f\x8b" else content


@dataclass(frozen=True)
class Form:
    """How the head is written.

    Parameters
    ----------
    axes, flips : tuple
        Order of the array's axes, and which of them run backwards.
    angles, zooms, origin : tuple of float
        Of the grid before that: radians, mm, mm.
    shear : float
        Cosine, about, between its first two axes; only a sform can hold it.
    forms : str
        ``sform``, ``qform``, ``both``, ``apart`` (they disagree) or ``none``.
    codes : tuple of int
        Of sform and qform, where there is one.
    dtype, order : str
        NumPy's names of the type and of the order of bytes.
    slope, inter : float
        Of the header; the voxels are divided by nothing, so the file's brightness follows them.
    version : int
        Of NIfTI.
    name : str
        Of the file: the ending says whether it is packed, or one of a pair.
    fields : dict
        Of the header, put in at the end as they are; a tuple with an index names one number of several.
    extension : bytes
        Behind the header.
    source : ndarray
        Voxels before that, of the head unless others are given.
    """

    axes: tuple[int, ...] = (0, 1, 2)
    flips: tuple[bool, ...] = (False, False, False)
    angles: tuple[float, ...] = (0.1, -0.2, 0.3)
    zooms: tuple[float, ...] = (2.8, 2.9, 3.0)
    origin: tuple[float, ...] = (-31.0, 17.0, 5.0)
    shear: float = 0.0
    forms: str = "both"
    codes: tuple[int, int] = (1, 1)
    dtype: str = "int16"
    order: str = "<"
    slope: float = 1.0
    inter: float = 0.0
    version: int = 1
    name: str = "sub-01_T1w.nii"
    fields: dict[Any, Any] = field(default_factory=dict)
    extension: bytes = b""
    source: np.ndarray = field(default_factory=head, repr=False, compare=False)

    @property
    def affine(self) -> np.ndarray:
        """Voxel of the head as it is -> world RAS mm."""
        shear = np.eye(3)
        shear[0, 1] = 0 if self.forms == "qform" else self.shear
        turn = nib.eulerangles.euler2mat(*self.angles) @ shear
        return nib.affines.from_matvec(turn @ np.diag(self.zooms), self.origin)

    @property
    def turned(self) -> tuple[np.ndarray, np.ndarray]:
        """The head's array in the order of the file, and the affine of that."""
        order = nib.orientations.axcodes2ornt("RAS")[list(self.axes)]
        order[:, 1] = np.where(self.flips, -1, 1)
        data = nib.orientations.apply_orientation(self.source, order)
        return data, self.affine @ nib.orientations.inv_ornt_aff(order, self.source.shape)

    @property
    def is_pair(self) -> bool:
        """Whether header and voxels are in files of their own."""
        return self.name.removesuffix(".gz").endswith((".hdr", ".img"))

    def case(self, data: np.ndarray | None = None, *, keeps_marks: bool = True) -> Case:
        """Write the head, or other voxels in the file's order of axes."""
        turned, affine = self.turned
        voxels = (turned if data is None else data).astype(self.dtype)
        top = self._header(voxels, affine)
        body = voxels.astype(voxels.dtype.newbyteorder(self.order)).tobytes("F")
        if self.is_pair:
            ending = ".hdr" if ".hdr" in self.name else ".img"
            contents = {self.name.replace(ending, ".hdr"): top, self.name.replace(ending, ".img"): body}
        else:
            contents = {self.name: top + body}
        files = {name: pack(content, name) for name, content in contents.items()}
        marks = nib.affines.apply_affine(self.affine, MARKS) if keeps_marks and data is None else None
        return Case(self.name, files, marks, repr(self))

    def _header(self, voxels: np.ndarray, affine: np.ndarray) -> bytes:
        header = HEADERS[self.version]()
        header.set_data_shape(voxels.shape)
        header.set_data_dtype(voxels.dtype)
        if self.forms in ("sform", "both", "apart"):
            header.set_sform(affine, code=self.codes[0])
        if self.forms in ("qform", "both", "apart"):
            header.set_qform(AWAY @ affine if self.forms == "apart" else affine, code=self.codes[1])
        raw = header.structarr.copy()
        behind = extended(self.extension, self.order)
        raw["scl_slope"], raw["scl_inter"] = self.slope, self.inter
        raw["magic"] = MAGIC[self.version][self.is_pair]
        raw["vox_offset"] = 0 if self.is_pair else raw.dtype.itemsize + len(behind)
        for name, value in self.fields.items():
            number, *index = name if isinstance(name, tuple) else (name,)
            place, key = (raw[number], index[0]) if index else (raw, number)
            place[key] = whole(value, raw[number].dtype) if raw[number].dtype.kind == "i" else value
        return raw.astype(raw.dtype.newbyteorder(self.order)).tobytes() + behind


def whole(value: Any, dtype: np.dtype) -> Any:
    """The value, or of a float the nearest whole number that the type holds."""
    if not isinstance(value, float):
        return value
    limits = np.iinfo(dtype)
    return max(limits.min, min(limits.max, int(np.nan_to_num(value))))


def extended(content: bytes, order: str) -> bytes:
    """The bytes behind a header: whether there is an extension, and the extension."""
    if not content:
        return bytes(4)
    size = -(-(len(content) + 8) // 16) * 16
    sizes = np.array([size, 6], f"{order}i4").tobytes()
    return b"\1\0\0\0" + sizes + content.ljust(size - 8, b"\0")


def pack(content: bytes, name: str) -> bytes:
    """The content as the name says that it is."""
    return gzip.compress(content, 1, mtime=0) if name.lower().endswith(".gz") else content
