"""The demonstration's dataset: the MNI152 head, and another head made from it."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage

from cerebbids.errors import UsageError
from cerebbids.files import atomic, write_text
from cerebbids.imaging.template import whole_head_template

SEED = 2
"""Of the second head's shape, bias field and noise."""

_README = """The heads of the cerebbids demonstration.

sub-01 is the whole-head MNI152NLin6Asym T1w average that SUITPy carries. sub-02 was made from it: deformed,
turned in the scanner, with other voxels, a bias field and noise. Neither is a scan of a person.
"""


def make_dataset(bids_dir: Path) -> tuple[str, ...]:
    """Write a BIDS dataset of two T1w images; images that are there are kept, so that a run can resume.

    Parameters
    ----------
    bids_dir : Path
        Root of the dataset.

    Returns
    -------
    tuple of str
        The subjects, with ``sub-``.

    Raises
    ------
    UsageError
        The folder holds something else.
    """
    description = bids_dir / "dataset_description.json"
    content = {"Name": "cerebbids demonstration", "BIDSVersion": "1.11.1", "DatasetType": "raw"}
    text = json.dumps(content, indent=2) + "\n"
    ours = description.exists() and description.read_bytes() == text.encode()
    if bids_dir.is_dir() and any(bids_dir.iterdir()) and not ours:
        raise UsageError(str(bids_dir), "is there and not of the demonstration", "choose another folder")
    write_text(description, text)
    write_text(bids_dir / "README.md", _README)
    heads = {"sub-01": whole_head_template, "sub-02": lambda: another_head(whole_head_template())}
    for subject, make in heads.items():
        path = bids_dir / subject / "anat" / f"{subject}_T1w.nii.gz"
        if not path.exists():
            with atomic(path) as draft:
                nib.save(_int16(make()), draft)
    return tuple(heads)


def another_head(head: nib.Nifti1Image) -> nib.Nifti1Image:
    """Make another person's noisy scan from a head.

    Parameters
    ----------
    head : Nifti1Image
        T1w image, 3D.

    Returns
    -------
    Nifti1Image
        Smaller and deformed by up to about 8 mm, turned by 12 degrees (oblique affine), in voxels of
        1 x 1 x 1.2 mm stored back to front, with a bias field of about a tenth and Rician noise. The same
        for the same head.
    """
    rng = np.random.default_rng(SEED)
    shape, affine = _oblique_grid(head)
    world = nib.affines.apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))
    centre = nib.affines.apply_affine(head.affine, np.subtract(head.shape, 1) / 2)
    shift = np.stack([_smooth_field(rng, shape) for _ in range(3)], -1)
    source = centre + (world - centre) / (0.96, 0.94, 0.98) + 2.5 * shift
    voxels = nib.affines.apply_affine(np.linalg.inv(head.affine), source)
    scan = ndimage.map_coordinates(head.get_fdata(dtype=np.float32), np.moveaxis(voxels, -1, 0), order=1)
    scan = scan * np.exp(0.1 * _smooth_field(rng, shape))
    noise = 0.03 * np.percentile(scan, 99) * rng.standard_normal((2, *shape))
    return nib.Nifti1Image(np.hypot(scan + noise[0], noise[1]).astype(np.float32), affine)


def _oblique_grid(head: nib.Nifti1Image) -> tuple[tuple[int, ...], np.ndarray]:
    """Grid that covers the head, turned about its middle; its axes run back to front, up and left."""
    centre = nib.affines.apply_affine(head.affine, np.subtract(head.shape, 1) / 2)
    angle = np.deg2rad(12)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    axes = turn @ np.array([[0, 0, -1.2], [1, 0, 0], [0, 1, 0]])
    extent = np.abs(head.affine[:3, :3]) @ head.shape
    shape = tuple(int(n) for n in extent[[1, 2, 0]] / (1, 1, 1.2))
    return shape, nib.affines.from_matvec(axes, centre - axes @ (np.subtract(shape, 1) / 2))


def _smooth_field(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Random field of unit variance, made of the first cosines along each axis: it varies over centimetres."""
    waves = [np.cos(np.pi * np.outer(np.arange(5), np.arange(n) + 0.5) / n) for n in shape]
    field = np.einsum("abc,ai,bj,ck->ijk", rng.standard_normal((5, 5, 5)), *waves, optimize=True)
    return (field - field.mean()) / field.std()


def _int16(image: nib.Nifti1Image) -> nib.Nifti1Image:
    """Round as a scanner does; the template reaches 10000."""
    return nib.Nifti1Image(np.rint(image.get_fdata()).astype(np.int16), image.affine)
