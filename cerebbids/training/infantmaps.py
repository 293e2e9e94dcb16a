"""Label maps of infants' brains, as heads are painted from them: tissues, and how far all else is from the brain."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.training.kit import bare_name

FOLDER = Path("infant", "headmaps")
"""Where the kit has its maps, named by their month: ``age-05mo_aseg.nii.gz``."""
PAD = 32
"""Voxels of 1 mm that are kept around a brain."""
CLOSING_MM = 10.0
"""Gaps of a brain up to twice as wide are inside the skull."""
QUARTER = 4
"""Distances are stored in quarters of a millimetre, in a byte."""
CORE_MM = 6.0
"""Depth from which a cerebellum is taken for white in maps that do not split it (up to 4 months)."""


class Tissue(IntEnum):
    """What is painted in one brightness."""

    AIR = 0
    CORTEX = 1
    WHITE = 2
    DEEP = 3
    VENTRICLE = 4
    CEREBELLAR_GREY = 5
    CEREBELLAR_WHITE = 6
    BRAINSTEM = 7
    FLUID = 8
    BONE = 9
    FAT = 10
    MUSCLE = 11
    EYE = 12
    VEIN = 13
    CORD = 14


_IDS = {
    Tissue.CORTEX: (3, 42), Tissue.WHITE: (2, 41, 77, 85), Tissue.VENTRICLE: (4, 5, 14, 30, 31, 43, 44, 62, 63),
    Tissue.CEREBELLAR_GREY: (8, 47, 172), Tissue.CEREBELLAR_WHITE: (7, 46), Tissue.BRAINSTEM: (16,),
    Tissue.FLUID: (15, 24),
}  # fmt: skip
"""FreeSurfer ids of the tissues, 172 the vermis that maps of up to 4 months have; all others are deep grey matter."""

CLASS_OF = np.array([0, 1, 1, 1, 1, 2, 2, 3, *[0] * 7], np.uint8)
"""Tissue -> 0 outside, with all fluid around brains, 1 cerebrum with its ventricles, 2 cerebellum, 3 brainstem."""
CEREBRUM, CEREBELLUM, BRAINSTEM = 1, 2, 3


@dataclass(frozen=True)
class HeadMap:
    """A brain on voxels of 1 mm, axes to the right, front and top.

    Parameters
    ----------
    name : str
    month : int
    tissues : ndarray, (X, Y, Z), uint8
        Values of ``Tissue``; what is inside the skull and no brain is fluid.
    beyond : ndarray, (X, Y, Z), uint8
        Quarters of a millimetre from the surface of what is inside the skull; 0 inside.
    low, high : ndarray, (3,)
        Corners of the brain, voxels.
    cerebellum, cord : ndarray, (3,)
        Centre of the cerebellum, and where the brainstem ends, voxels.
    volume : float
        Cerebrum, cerebellum and brainstem, cm3.
    """

    name: str
    month: int
    tissues: np.ndarray
    beyond: np.ndarray
    low: np.ndarray
    high: np.ndarray
    cerebellum: np.ndarray
    cord: np.ndarray
    volume: float

    @property
    def centre(self) -> np.ndarray:
        """Middle of the brain's box, voxels."""
        return (self.low + self.high) / 2


def infant_maps(kit: Path) -> tuple[Path, ...]:
    """Label maps of infants' brains, youngest first.

    Raises
    ------
    FileNotFoundError
        The kit has none.
    """
    found = sorted((Path(kit) / FOLDER).glob("age-*mo_aseg.nii.gz"))
    if not found:
        raise FileNotFoundError(Path(kit) / FOLDER)
    return tuple(found)


def load_infant_heads(kit: Path) -> tuple[HeadMap, ...]:
    """Read all maps of the kit, and make what painting needs of them: a second each."""
    return tuple(head_map(path) for path in infant_maps(kit))


def head_map(path: Path) -> HeadMap:
    """Read one map of voxels of 1 mm."""
    name = bare_name(path)
    data = np.asarray(nib.as_closest_canonical(nib.load(path)).dataobj).astype(np.uint8)
    return as_head_map(data, name, int(name.split("-")[1][:2]))


def as_head_map(ids: np.ndarray, name: str, month: int) -> HeadMap:
    """Make a map of FreeSurfer ids (X, Y, Z), axes to the right, front and top, voxels of 1 mm."""
    table = np.full(256, Tissue.DEEP, np.uint8)
    table[0] = Tissue.AIR
    for tissue, numbers in _IDS.items():
        table[list(numbers)] = tissue
    tissues = table[ids]
    box = ndimage.find_objects((CLASS_OF[tissues] > 0).astype(int))[0]
    tissues = np.pad(tissues[box], PAD)
    classes = CLASS_OF[tissues]
    cerebellum = classes == CEREBELLUM
    if not (tissues == Tissue.CEREBELLAR_WHITE).any():
        tissues[ndimage.distance_transform_edt(cerebellum) > CORE_MM] = Tissue.CEREBELLAR_WHITE
    beyond = _beyond(classes > 0)
    tissues[(tissues == Tissue.AIR) & (beyond == 0)] = Tissue.FLUID
    brainstem = np.argwhere(classes == BRAINSTEM)
    lowest = brainstem[:, 2].min()
    return HeadMap(
        name, month, tissues, beyond, np.full(3, PAD), np.array(tissues.shape) - PAD, np.argwhere(cerebellum).mean(0),
        brainstem[brainstem[:, 2] < lowest + 5].mean(0), np.count_nonzero(classes) / 1000,
    )  # fmt: skip


def _beyond(brain: np.ndarray) -> np.ndarray:
    """Quarters of a millimetre from the closed brain, uint8: computed on every second voxel."""
    coarse = brain[::2, ::2, ::2]
    wide = 2 * ndimage.distance_transform_edt(~coarse) < CLOSING_MM
    inside = coarse | (2 * ndimage.distance_transform_edt(wide) > CLOSING_MM)
    distance = 2 * ndimage.distance_transform_edt(~inside)
    fine = ndimage.affine_transform(distance, np.eye(3) / 2, output_shape=brain.shape, order=1, mode="nearest")
    return np.where(brain, 0, (QUARTER * fine).round().clip(0, 255)).astype(np.uint8)


def volume_at(heads: tuple[HeadMap, ...], month: float) -> float:
    """Volume of a brain at an age, cm3: a parabola through the logarithms of the maps' volumes and months."""
    months, volumes = np.log([[head.month, head.volume] for head in heads]).T
    degree = min(2, len(set(months)) - 1)
    return float(np.exp(np.polyval(np.polyfit(months, volumes, degree), np.log(month))))
