"""A brain of blobs in classes of DrawEM, and folders of such infants."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.training import neonates

CEREBELLUM, STEM, DEEP = (20.0, -26.0, -24.0), (0.0, 0.0, -34.0), (-16.0, 8.0, 4.0)
"""Middles, mm: the cerebellum lies to the right and the back, deep grey matter to the left alone."""
TISSUE = {neonates.CSF: 1, neonates.CORTEX: 2, neonates.DEEP: 2, neonates.WHITE: 3, neonates.VENTRICLES: 1}
"""Class -> tissue of isointense infants; cerebellum and brainstem have none."""
T1W = np.float32([0, 250, 520, 400, 0, 200, 1000, 600, 450])
"""Brightness of the classes 0 to 8."""


def classes(shape: tuple[int, ...], affine: np.ndarray, size: float = 1.0) -> np.ndarray:
    """Classes (uint8) of a brain around the world's origin; 435 cm3 at full size."""
    world = np.moveaxis(nib.affines.apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1)), -1, 0) / size

    def ball(middle: tuple[float, ...], radii: tuple[float, ...]) -> np.ndarray:
        return np.linalg.norm((world.T - middle) / radii, axis=-1).T

    whole = ball((0, 0, 0), (45, 51, 45))
    found = np.digitize(whole, (0.75, 0.92, 1.0))
    found = np.array([neonates.WHITE, neonates.CORTEX, neonates.CSF, 0], np.uint8)[found]
    found[ball((4, 6, 8), (6, 14, 6)) < 1] = neonates.VENTRICLES
    found[ball(DEEP, (8, 10, 8)) < 1] = neonates.DEEP
    found[(ball(STEM, (8, 8, 14)) < 1) & (found > 0)] = neonates.BRAINSTEM
    found[(ball(CEREBELLUM, (20, 18, 17)) < 1) & (found > 0)] = neonates.CEREBELLUM
    return found


def images(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T1w and T2w (float32) that show the classes, with a little texture."""
    grain = np.random.default_rng(0).normal(1, 0.02, found.shape)
    t1w = (T1W[found] * grain).astype(np.float32)
    return t1w, np.where(found > 0, 1200 - t1w, 0).astype(np.float32)


def labels_of(system: str, found: np.ndarray) -> np.ndarray:
    """What is known of the classes in a system."""
    table = np.arange(256, dtype=np.uint8)
    if system == "isointense":
        table[:] = [TISSUE.get(value, 0) for value in range(256)]
    return table[found]


def centred(shape: tuple[int, ...], spacing: float) -> np.ndarray:
    """Affine of a grid around the origin, axes to right, anterior, superior."""
    return nib.affines.from_matvec(np.eye(3) * spacing, -spacing * (np.array(shape) - 1) / 2)


def write(path: Path, values: np.ndarray, affine: np.ndarray, codes: str = "RAS") -> Path:
    """Save an image (axes RAS) with its voxels stored in another order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(values, affine)
    turn = nib.orientations.ornt_transform(nib.io_orientation(affine), nib.orientations.axcodes2ornt(codes))
    turned = image.as_reoriented(turn)
    turned.set_sform(turned.affine, 1)
    nib.save(turned, path)
    return path


def write_brain(
    folder: Path, system: str, person: str, spacing: float = 2.0, size: float = 1.0, codes: str = "RAS"
) -> Path:
    """Write an infant into a folder, with labels beside it; return the path of its T1w."""
    shape = tuple(int(np.ceil(part * size / spacing)) + 6 for part in (92, 104, 94))
    affine = centred(shape, spacing)
    found = classes(shape, affine, size)
    scheme = {"isointense": "BrainTissue", "neonatal": "DrawEM9"}[system]
    place = folder / person / "anat"
    t1w, t2w = images(found)
    write(place / f"{person}_T2w.nii.gz", t2w, affine, codes)
    write(place / f"{person}_seg-{scheme}_dseg.nii.gz", labels_of(system, found), affine, codes)
    return write(place / f"{person}_T1w.nii.gz", t1w, affine, codes)
