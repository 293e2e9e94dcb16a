"""Brains to paint heads from, in the classes of the two systems for whole brains.

Both take them from maps as :mod:`cerebbids.training.infantmaps` reads them: the isointense system the maps of infants,
of whose brains it labels the cerebrum alone, as its text; the neonatal one a term brain in classes of DrawEM.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from cerebbids.training import neonates
from cerebbids.training.infantmaps import CEREBRUM, CLASS_OF, PAD, HeadMap, Tissue, as_head_map, head_map, infant_maps

CSF, GREY, WHITE = 1, 2, 3
"""Classes of ``seg-BrainTissue``."""
ISOINTENSE_MONTHS = (5, 6, 7, 8, 12)
"""Maps that infants of 6 to 9 months are painted from."""
_TISSUES = {Tissue.CORTEX: GREY, Tissue.DEEP: GREY, Tissue.WHITE: WHITE, Tissue.VENTRICLE: CSF}
_PAINTED_AS = {
    neonates.CSF: 24, neonates.CORTEX: 3, neonates.WHITE: 2, neonates.VENTRICLES: 4, neonates.CEREBELLUM: 8,
    neonates.DEEP: 10, neonates.BRAINSTEM: 16, neonates.HIPPOCAMPUS: 17,
}  # fmt: skip
"""Class of DrawEM -> id of FreeSurfer."""


@dataclass(frozen=True)
class BrainMap:
    """A brain, and the skull around it.

    Parameters
    ----------
    head : HeadMap
        What is painted.
    classes : ndarray, (X, Y, Z), uint8
        Class of every voxel of its brain; around it, the class that fluid would have there: that of fluid, or 0 next to
        what the system leaves out.
    """

    head: HeadMap
    classes: np.ndarray


def isointense_brains(kit: Path) -> tuple[BrainMap, ...]:
    """Cerebra of infants, from the maps of the kit."""
    maps = (head_map(path) for path in infant_maps(kit))
    return tuple(isointense_brain(head) for head in maps if head.month in ISOINTENSE_MONTHS)


def isointense_brain(head: HeadMap) -> BrainMap:
    """Fluid, grey and white matter of a cerebrum; 0 for cerebellum, brainstem and what is nearer to these."""
    table = np.zeros(len(Tissue), np.uint8)
    table[list(_TISSUES)] = list(_TISSUES.values())
    parts = CLASS_OF[head.tissues]
    fluid = CSF * (_nearest(parts) == CEREBRUM)
    return BrainMap(head, np.where(parts > 0, table[head.tissues], fluid).astype(np.uint8))


def neonatal_brain(classes: np.ndarray) -> BrainMap:
    """A head of a term brain in classes of DrawEM (X, Y, Z) on voxels of 1 mm, axes to the right, front and top."""
    table = np.zeros(max(_PAINTED_AS) + 1, np.uint8)
    table[list(_PAINTED_AS)] = list(_PAINTED_AS.values())
    head = as_head_map(table[classes], "bounti-40w", 0)
    brain = (classes > 0) & (classes != neonates.CSF)
    box = ndimage.find_objects(brain.astype(int))[0]
    padded = np.pad(np.where(brain, classes, neonates.CSF)[box], PAD, constant_values=neonates.CSF)
    return BrainMap(head, padded.astype(np.uint8))


def _nearest(parts: np.ndarray) -> np.ndarray:
    """Part of the brain (X, Y, Z) that is nearest to every voxel: looked for on every second one."""
    coarse = parts[::2, ::2, ::2]
    place = ndimage.distance_transform_edt(coarse == 0, return_distances=False, return_indices=True)
    near = coarse[tuple(place)]
    for axis, size in enumerate(parts.shape):
        near = near.repeat(2, axis).take(range(size), axis)
    return np.where(parts > 0, parts, near)
