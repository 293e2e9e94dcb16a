"""A term brain in the nine classes of DrawEM, from the kit's map with 43 labels of BOUNTI and a map of an infant.

BOUNTI has no hippocampus: what it leaves unnamed inside the brain holds that, the internal capsule and white matter
around the ventricles. The hippocampi are those of the infant of one month, registered to it; what is left is white
matter. The map is under the GPL, version 3. A registration by several threads is not the same to the last voxel.
"""

from __future__ import annotations

from pathlib import Path

import ants
import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.errors import UsageError
from cerebbids.files import atomic
from cerebbids.imaging.antsio import to_ants
from cerebbids.imaging.shares import largest_share
from cerebbids.training.infantmaps import FOLDER

BOUNTI = Path("neonate", "bounti40w_dseg.nii.gz")
INFANT = FOLDER / "age-01mo_aseg.nii.gz"
WEEKS = 40.0
"""Postmenstrual age of the map."""

CSF, CORTEX, WHITE, OUTSIDE, VENTRICLES, CEREBELLUM, DEEP, BRAINSTEM, HIPPOCAMPUS = range(1, 10)
"""Classes of DrawEM; what lies outside of the brain and is not 0 in an image of it is 4."""

DRAWEM_OF_BOUNTI = {
    CSF: (37, 38), CORTEX: range(1, 13), WHITE: range(13, 27), VENTRICLES: range(39, 44), CEREBELLUM: range(28, 31),
    DEEP: range(31, 37), BRAINSTEM: (27,),
}  # fmt: skip
"""Class -> labels of BOUNTI, 26 of which (unnamed, inside the brain) is also where the hippocampi are looked for."""
UNNAMED = 26
HIPPOCAMPI = (17, 53)
"""Labels of the infant's map, ids of FreeSurfer."""
_LOOK = {
    1.0: (range(1, 13), (3, 42)), 2.0: (range(13, 27), (2, 41, 17, 18, 53, 54)),
    3.0: (range(31, 37), (10, 11, 12, 13, 26, 49, 50, 51, 52, 58)), 1.5: (range(28, 31), (7, 8, 46, 47, 172)),
    2.5: ((27,), (16, 28, 60)), 0.5: (range(39, 44), (4, 14, 15, 43)),
}  # fmt: skip
"""Brightness -> labels of BOUNTI, ids of the infant's map: by what the two are registered."""
_SIGMA_MM = 0.4
"""Of the Gaussian with which classes are brought to voxels of 1 mm."""


def load_term_brain(kit: Path, work: Path) -> np.ndarray:
    """Read the classes (X, Y, Z) uint8 on voxels of 1 mm, axes to the right, front and top, or make them: a minute.

    Parameters
    ----------
    kit, work : Path
        ``WORK/neonates/term.npz`` keeps them.

    Raises
    ------
    UsageError
        A label map is not there.
    """
    kept = Path(work) / "neonates" / "term.npz"
    if not kept.exists():
        for path in (Path(kit) / BOUNTI, Path(kit) / INFANT):
            if not path.exists():
                raise UsageError(str(path), "is not there", "give the folder that has this label map")
        classes = at_1mm(*drawem(Path(kit)))
        kept.parent.mkdir(parents=True, exist_ok=True)
        with atomic(kept) as draft, open(draft, "wb") as file:
            np.savez_compressed(file, classes=classes)
    with np.load(kept, allow_pickle=False) as arrays:
        return arrays["classes"]


def drawem(kit: Path) -> tuple[np.ndarray, np.ndarray]:
    """Classes of DrawEM (X, Y, Z) uint8 on the grid of the BOUNTI map, axes to the right, front and top; its affine."""
    image, infant = (nib.as_closest_canonical(nib.load(kit / path)) for path in (BOUNTI, INFANT))
    labels, ids = (np.asarray(each.dataobj).astype(np.uint8) for each in (image, infant))
    classes = classes_of(labels)
    found = _registered(labels, image.affine, ids, infant.affine)
    classes[found & (labels == UNNAMED)] = HIPPOCAMPUS
    return classes, image.affine


def classes_of(labels: np.ndarray) -> np.ndarray:
    """Classes of DrawEM of labels of BOUNTI, any shape; no hippocampus yet."""
    table = np.zeros(256, np.uint8)
    for value, own in DRAWEM_OF_BOUNTI.items():
        table[list(own)] = value
    return table[labels]


def _registered(labels: np.ndarray, affine: np.ndarray, ids: np.ndarray, from_affine: np.ndarray) -> np.ndarray:
    """Where the infant's hippocampi come to lie (bool), when its brain is deformed to look like the other's."""
    looks = [np.zeros(256, np.float32) for _ in range(2)]
    for brightness, both in _LOOK.items():
        for look, own in zip(looks, both, strict=True):
            look[list(own)] = brightness
    images = (looks[0][labels], affine), (looks[1][ids], from_affine), (np.isin(ids, HIPPOCAMPI), from_affine)
    fixed, moving, hippocampi = (to_ants(nib.Nifti1Image(data.astype(np.float32), own)) for data, own in images)
    fixed, moving = (ants.smooth_image(each, 0.7) for each in (fixed, moving))
    coarse = ants.resample_image(fixed, (1.0, 1.0, 1.0))
    found = ants.registration(coarse, moving, "SyN", reg_iterations=(40, 20, 10))
    return ants.apply_transforms(fixed, hippocampi, found["fwdtransforms"]).numpy() > 0.5


def at_1mm(classes: np.ndarray, affine: np.ndarray) -> np.ndarray:
    """Classes on voxels of 1 mm: each has the class that there is most of around it."""
    zoom = float(np.linalg.norm(affine[:3, 0]))

    def share(value: int) -> np.ndarray:
        own = ndimage.gaussian_filter((classes == value).astype(np.float32), _SIGMA_MM / zoom)
        return ndimage.zoom(own, zoom, order=1, grid_mode=True, mode="grid-constant", cval=float(value == 0))

    return largest_share((value, share(value)) for value in range(int(classes.max()) + 1))[0]
