"""The same head in other wrappings must be registered, and labelled, the same.

Make a BIDS dataset in which every wrapping of every head is a subject, run cerebbids on it, compare::

    python benchmarks/wrappings.py make WRAPPED HEAD_T1w.nii.gz ...
    python benchmarks/wrappings.py affine WRAPPED
    cerebbids WRAPPED OUTPUT participant --method fast
    python benchmarks/wrappings.py dice WRAPPED OUTPUT

`affine` prints how far (mm, mean and largest over the cerebellum) each wrapping's registration is from that of
the unchanged head; `dice` prints the overlap of the labels, brought back through the known geometry.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.affines import apply_affine
from scipy import ndimage

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.clean import clean_t1w
from cerebbids.imaging.conform import conform
from cerebbids.imaging.registration import register_to_mni
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_brain_mask

UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Wrapping:
    """A head in another form.

    Parameters
    ----------
    name : str
        Letters and digits, to be part of a subject label.
    image : Nifti1Image
        The head in this form.
    world_map : ndarray of shape (4, 4)
        World of the unchanged head -> world of this image, RAS mm; a reflection when `mirrored`.
    mirrored : bool
        Whether left and right are exchanged.
    """

    name: str
    image: nib.Nifti1Image
    world_map: np.ndarray
    mirrored: bool = False


def wrappings(head: nib.Nifti1Image, threads: int = 2) -> Iterator[Wrapping]:
    """All forms of a head, the unchanged one first."""
    same = np.eye(4)
    turn = _turn(20.0, head)
    t1w_to_mni = register_to_mni(head, threads).t1w_to_mni
    yield Wrapping(UNCHANGED, head, same)
    yield Wrapping("stripped", _stripped(head, t1w_to_mni), same)
    yield Wrapping("oblique", nib.Nifti1Image(_data(head), turn @ head.affine), turn)
    yield Wrapping("rotated", _regrid(head, _zooms(head), turn), turn)
    yield Wrapping("noneck", _without_neck(head, t1w_to_mni), same)
    yield Wrapping("coarse", _regrid(head, (1.3, 1.3, 1.3)), same)
    yield Wrapping("fine", _regrid(head, (0.6, 0.6, 0.6)), same)
    yield Wrapping("anisotropic", _regrid(head, (0.9, 1.6, 1.1)), same)
    yield Wrapping("noisy", _noisy(head), same)
    yield Wrapping("PIL", _reoriented(head, "PIL"), same)
    far = nib.affines.from_matvec(np.eye(3), [900.0, -650.0, 1400.0])
    yield Wrapping("far", nib.Nifti1Image(_data(head), far @ head.affine), far)
    yield _mirrored(head)


def _data(image: nib.Nifti1Image) -> np.ndarray:
    return np.asarray(image.dataobj, dtype=np.float32)


def _zooms(image: nib.Nifti1Image) -> np.ndarray:
    return np.linalg.norm(image.affine[:3, :3], axis=0)


def _turn(degrees: float, head: nib.Nifti1Image) -> np.ndarray:
    """Rotation about an oblique axis through the middle of the field of view."""
    axis = np.array([2.0, 1.0, -1.0]) / np.sqrt(6)
    cross = np.cross(np.eye(3), axis)
    angle = np.radians(degrees)
    matrix = np.eye(3) - np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    middle = apply_affine(head.affine, (np.array(head.shape) - 1) / 2)
    return nib.affines.from_matvec(matrix, middle - matrix @ middle)


def _stripped(head: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> nib.Nifti1Image:
    """Brain alone: the bright piece that an opening by 3 mm cuts loose inside the template's widened brain."""
    template = template_brain_mask()
    near = resample(template, head.shape, head.affine, t1w_to_mni, order=0).get_fdata() > 0
    zooms = _zooms(head)
    near = ndimage.distance_transform_edt(~near, sampling=zooms) < 6
    data = _data(head)
    bright = (data > 0.4 * np.median(data[near])) & near
    core = ndimage.distance_transform_edt(bright, sampling=zooms) > 3
    pieces, _ = ndimage.label(core)
    core = pieces == np.argmax(np.bincount(pieces.ravel())[1:]) + 1
    brain = ndimage.distance_transform_edt(~core, sampling=zooms) < 4
    brain = ndimage.binary_fill_holes(ndimage.binary_closing(brain, iterations=3))
    return nib.Nifti1Image(data * (brain & near), head.affine)


def _regrid(
    head: nib.Nifti1Image, zooms: np.ndarray | tuple[float, ...], world_map: np.ndarray | None = None
) -> nib.Nifti1Image:
    """Resample (after an anti-aliasing blur) to axis-aligned voxels around the mapped field of view."""
    world_map = np.eye(4) if world_map is None else world_map
    ratio = np.asarray(zooms) / _zooms(head)
    blurred = ndimage.gaussian_filter(_data(head), 0.4 * np.sqrt(np.maximum(ratio**2 - 1, 0)))
    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in head.shape])).reshape(3, -1).T
    world = apply_affine(world_map @ head.affine, corners)
    shape = np.ceil((world.max(0) - world.min(0)) / zooms).astype(int)
    affine = nib.affines.from_matvec(np.diag(zooms), world.min(0) + np.asarray(zooms) / 2)
    source = nib.Nifti1Image(blurred, head.affine)
    image = resample(source, shape, affine, np.linalg.inv(world_map), order=3)
    return nib.Nifti1Image(np.maximum(_data(image), 0), affine)


def _without_neck(head: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> nib.Nifti1Image:
    """Cut the field of view some 8 mm below the template's cerebellum."""
    z = apply_affine(t1w_to_mni @ head.affine, np.argwhere(np.ones(head.shape, bool)))[:, 2]
    kept = (z > -80).reshape(head.shape)
    lows, highs = zip(*[_extent(kept, axis) for axis in range(3)], strict=True)
    return head.slicer[tuple(slice(lo, hi) for lo, hi in zip(lows, highs, strict=True))]


def _extent(kept: np.ndarray, axis: int) -> tuple[int, int]:
    """First and one past the last slice of which more than half is kept."""
    share = kept.mean(axis=tuple(a for a in range(3) if a != axis)) > 0.5
    return int(np.argmax(share)), len(share) - int(np.argmax(share[::-1]))


def _noisy(head: nib.Nifti1Image) -> nib.Nifti1Image:
    """Rician noise of 4 % of the bright end."""
    data = _data(head)
    sigma = 0.04 * np.percentile(data, 98)
    real, imaginary = np.random.default_rng(7).normal(0, sigma, (2, *data.shape))
    return nib.Nifti1Image(np.hypot(data + real, imaginary).astype(np.float32), head.affine)


def _reoriented(head: nib.Nifti1Image, codes: str) -> nib.Nifti1Image:
    turn = nib.orientations.ornt_transform(nib.io_orientation(head.affine), nib.orientations.axcodes2ornt(codes))
    return head.as_reoriented(turn)


def _mirrored(head: nib.Nifti1Image) -> Wrapping:
    """The array flipped along its left-right axis under an unchanged affine."""
    axis = int(np.argmax(np.abs(head.affine[0, :3])))
    flip = np.eye(4)
    flip[axis, axis], flip[axis, 3] = -1, head.shape[axis] - 1
    world_map = head.affine @ flip @ np.linalg.inv(head.affine)
    image = nib.Nifti1Image(np.flip(_data(head), axis).copy(), head.affine)
    return Wrapping("mirrored", image, world_map, mirrored=True)


def make(folder: Path, heads: list[Path]) -> None:
    """Write the BIDS dataset and, beside the images, ``wrappings.json``."""
    table: dict[str, dict[str, object]] = {}
    for path in heads:
        name = "".join(c for c in path.name.removesuffix(".nii.gz").removesuffix("_T1w") if c.isalnum())
        for wrapping in wrappings(conform(path).image):
            label = f"{name}x{wrapping.name}"
            target = folder / f"sub-{label}" / "anat" / f"sub-{label}_T1w.nii.gz"
            target.parent.mkdir(parents=True, exist_ok=True)
            nib.save(wrapping.image, target)
            table[label] = {
                "head": name,
                "wrapping": wrapping.name,
                "world_map": wrapping.world_map.tolist(),
                "mirrored": wrapping.mirrored,
            }
    (folder / "wrappings.json").write_text(json.dumps(table, indent=1))
    description = {"Name": "Wrappings of heads", "BIDSVersion": "1.10.0"}
    (folder / "dataset_description.json").write_text(json.dumps(description))


def affine_table(folder: Path) -> None:
    """Print how far each wrapping's registration is from the unchanged head's, in mm over the cerebellum."""
    cerebellum = _cerebellum_points()
    reference: dict[str, np.ndarray] = {}
    print("head", "wrapping", "mean_mm", "max_mm", "correlation", "overlap", "strategy", sep="\t")
    for label, entry in json.loads((folder / "wrappings.json").read_text()).items():
        clean, place = clean_t1w(folder / f"sub-{label}" / "anat" / f"sub-{label}_T1w.nii.gz", 2)
        result = register_to_mni(clean, 2, place)
        points = cerebellum * ([-1, 1, 1] if entry["mirrored"] else 1)
        native = apply_affine(np.linalg.inv(result.t1w_to_mni @ np.array(entry["world_map"])), points)
        moved = np.linalg.norm(native - reference.setdefault(entry["head"], native), axis=1)
        numbers = (moved.mean(), moved.max(), result.correlation, result.overlap)
        print(entry["head"], entry["wrapping"], *(f"{x:.3f}" for x in numbers), result.strategy, sep="\t")
        sys.stdout.flush()


def _cerebellum_points() -> np.ndarray:
    """Template world points (n, 3) in an ellipsoid around the cerebellum."""
    ball = np.array(np.meshgrid(*[np.linspace(-1, 1, 9)] * 3)).reshape(3, -1).T
    return ball[np.linalg.norm(ball, axis=1) <= 1] * [52, 34, 28] + [0, -62, -35]


def dice_table(folder: Path, output: Path) -> None:
    """Print the Dice of each wrapping's labels with those of the unchanged head."""
    scheme = load_scheme("Lobules")
    swap = dict(zip(scheme.indices, (scheme.indices[k - 1] for k in scheme.mirror[1:]), strict=True))
    reference: dict[str, nib.Nifti1Image] = {}
    print("head", "wrapping", "cerebellum", "mean_label", "worst_label", sep="\t")
    for label, entry in json.loads((folder / "wrappings.json").read_text()).items():
        path = output / f"sub-{label}" / "anat" / f"sub-{label}_seg-Lobules_dseg.nii.gz"
        if not path.exists():
            print(entry["head"], entry["wrapping"], "missing", sep="\t")
            continue
        first = reference.setdefault(entry["head"], nib.load(path))
        world_map = np.array(entry["world_map"])
        back = resample(nib.load(path), first.shape, first.affine, world_map, order=0)
        found, expected = np.asarray(back.dataobj), np.asarray(first.dataobj)
        if entry["mirrored"]:
            found = np.vectorize(lambda v: swap.get(v, 0), otypes=[np.uint8])(found)
        each = [_dice(found == index, expected == index) for index in scheme.indices]
        numbers = (_dice(found > 0, expected > 0), np.nanmean(each), np.nanmin(each))
        print(entry["head"], entry["wrapping"], *(f"{x:.4f}" for x in numbers), sep="\t")


def _dice(a: np.ndarray, b: np.ndarray) -> float:
    total = a.sum() + b.sum()
    return 2 * float((a & b).sum()) / total if total else float("nan")


def main() -> None:
    """Run one of the three commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("make", "affine", "dice"):
        commands.add_parser(name).add_argument("folder", type=Path)
    commands.choices["make"].add_argument("heads", type=Path, nargs="+")
    commands.choices["dice"].add_argument("output", type=Path)
    asked = parser.parse_args()
    if asked.command == "make":
        make(asked.folder, asked.heads)
    elif asked.command == "affine":
        affine_table(asked.folder)
    else:
        dice_table(asked.folder, asked.output)


if __name__ == "__main__":
    main()
