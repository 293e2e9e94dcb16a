"""An asymmetric phantom, defined in the world and sampled on any grid."""

from __future__ import annotations

import nibabel as nib
import numpy as np

# Centre and radii in world mm (right, anterior, superior), and grey value. The left one lies lower and
# behind, the right one is smaller, so that every flip and every swap of axes shows.
LEFT_CRUS_I, RIGHT_CRUS_I = 6, 106
BALLS = {
    LEFT_CRUS_I: ((-25.0, -70.0, -45.0), (18.0, 12.0, 9.0), 100.0),
    RIGHT_CRUS_I: ((22.0, -56.0, -33.0), (12.0, 8.0, 8.0), 60.0),
}


def rotation(degrees: float, axis: int) -> np.ndarray:
    """4 x 4 rotation about a world axis."""
    angle, (first, second) = np.deg2rad(degrees), [k for k in range(3) if k != axis]
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix


def grids() -> dict[str, tuple[tuple[int, int, int], np.ndarray]]:
    """Shapes and affines that cover the phantom: codes of all kinds, anisotropic, oblique."""
    ras = np.diag([1.0, 1.0, 1.0, 1.0])
    ras[:3, 3] = -60, -100, -75
    plain = (120, 80, 70)
    made = {"RAS": (plain, ras)}
    start = nib.orientations.axcodes2ornt("RAS")
    for code in ("LAS", "PSR", "SLA", "AIL"):
        change = nib.orientations.ornt_transform(start, nib.orientations.axcodes2ornt(code))
        image = nib.Nifti1Image(np.zeros(plain, np.uint8), ras).as_reoriented(change)
        made[code] = (image.shape, image.affine)
    centre = np.eye(4)
    centre[:3, 3] = 0, -60, -40
    turn = centre @ rotation(20, 0) @ rotation(-15, 2) @ np.linalg.inv(centre)
    made["oblique"] = ((140, 100, 90), turn @ _shifted(ras, -10))
    made["oblique LAS"] = ((140, 100, 90), turn @ _shifted(ras, -10) @ _flip(140))
    made["anisotropic"] = ((150, 67, 70), ras @ np.diag([0.8, 1.2, 1, 1]))
    return made


def phantom(shape: tuple[int, int, int], affine: np.ndarray) -> tuple[nib.Nifti1Image, nib.Nifti1Image]:
    """Scan and labels of the phantom on a grid."""
    world = nib.affines.apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
    scan, labels = np.full(shape, 10, np.float32), np.zeros(shape, np.uint8)
    for index, (centre, radii, value) in BALLS.items():
        inside = (((world - centre) / radii) ** 2).sum(-1) < 1
        scan[inside], labels[inside] = value, index
    return nib.Nifti1Image(scan, affine), nib.Nifti1Image(labels, affine)


def _shifted(affine: np.ndarray, voxels: float) -> np.ndarray:
    shift = np.eye(4)
    shift[:3, 3] = voxels
    return affine @ shift


def _flip(width: int) -> np.ndarray:
    flip = np.diag([-1.0, 1, 1, 1])
    flip[0, 3] = width - 1
    return flip
