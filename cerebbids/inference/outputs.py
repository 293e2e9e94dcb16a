"""What the networks' process leaves behind: labels, cavity, the cerebellum at 0.5 mm, and facts about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import torch

from cerebbids.bids.names import CARVED, COMPARTMENTS
from cerebbids.data.labels import load_scheme
from cerebbids.files import atomic
from cerebbids.imaging.faces import cut_off, touches_face
from cerebbids.imaging.relabel import relabel
from cerebbids.imaging.resample import fine_box, resample
from cerebbids.imaging.template import template_t1w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.imaging.vermis import with_vermis
from cerebbids.inference.answer import Answer, confidence, most_likely
from cerebbids.inference.imageside import ImageSide, RealT2w
from cerebbids.inference.segment import labels_on_grid, readings
from cerebbids.systems.grid import Grid

STEP = 1 / 16
"""Brightness from one stored value of an image to the next."""
PARTS = 255
"""Probabilities are stored in whole parts of this."""


@dataclass(frozen=True)
class Labelled:
    """What is worth telling of the labels: warnings, and how sure the network is of each."""

    warnings: tuple[str, ...]
    confidence: Mapping[str, float]


def save_image(image: nib.Nifti1Image, path: Path) -> None:
    """Save an image, whole or not at all."""
    with atomic(path) as draft:
        nib.save(image, draft)


def save_labels(labels: np.ndarray, affine: np.ndarray, header: nib.Nifti1Header | None, path: Path) -> None:
    """Save labels (uint8) on a grid; ``header`` is that of an image of the same world."""
    image = nib.Nifti1Image(labels, affine, header)
    image.set_data_dtype(np.uint8)
    image.header.set_slope_inter(1, 0)
    save_image(image, path)


def _image(data: np.ndarray, affine: np.ndarray, like: nib.Nifti1Image | None = None) -> nib.Nifti1Image:
    """Make an image on a grid of its own; ``like`` is an image of the same world."""
    image = nib.Nifti1Image(data, affine)
    image.header.set_xyzt_units("mm")
    if like is not None:
        for form in ("sform", "qform"):
            getattr(image, f"set_{form}")(affine, int(like.header[f"{form}_code"]))
    return image


def save_intensities(data: np.ndarray, affine: np.ndarray, path: Path, like: nib.Nifti1Image | None = None) -> None:
    """Save brightness in half the space of floats; ``like`` is an image of the same world."""
    image = _image(np.rint(data / STEP).clip(0, 32767).astype(np.int16), affine, like)
    image.header.set_slope_inter(STEP, 0)
    save_image(image, path)


def write_labels(
    folder: Path, answer: Answer, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, *, save_probabilities: bool = False
) -> Labelled:
    """Write ``dseg``, ``dseg_mni``, ``mask`` (uint8) and ``confidence``; ``vermis`` where the answer tells of it.

    Parameters
    ----------
    folder : Path
    answer : Answer
    t1w : Nifti1Image
        Gives the grid of all but ``dseg_mni``.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    save_probabilities : bool
        Whether to write ``probseg``, too: all classes, background first.
    """
    scheme, indices = load_scheme(COMPARTMENTS), np.array((0, *load_scheme(COMPARTMENTS).indices), np.uint8)
    native, sure = np.zeros(t1w.shape, np.uint8), np.full(t1w.shape, PARTS, np.uint8)
    every = np.zeros((*t1w.shape, len(indices)), np.uint8) if save_probabilities else None
    unsure = answer.probabilities[0] < 1 - 1 / (2 * PARTS)
    for read in readings(answer.probabilities, unsure, answer.grid, t1w.shape, t1w.affine, t1w_to_mni):
        most, which = read.shares.max(0)
        native[read.slab][read.where] = indices[which.numpy()]
        sure[read.slab][read.where] = parts_of_255(most)
        if every is not None:
            every[read.slab][read.where] = parts_of_255(read.shares.T)
    save_labels(native, t1w.affine, t1w.header, folder / "dseg.nii.gz")
    save_labels((native > 0).astype(np.uint8), t1w.affine, t1w.header, folder / "mask.nii.gz")
    save_shares(sure, t1w, folder / "confidence.nii.gz")
    if every is not None:
        every[..., 0] = np.where(every.any(-1), every[..., 0], PARTS)
        save_shares(every, t1w, folder / "probseg.nii.gz")
    if answer.vermis is not None:
        halves = torch.stack([1 - answer.vermis, answer.vermis])
        vermis = labels_on_grid(halves, answer.grid, t1w.shape, t1w.affine, t1w_to_mni, (1,))
        save_labels(with_vermis(native, vermis > 0), t1w.affine, t1w.header, folder / "vermis.nii.gz")
    template, probabilities = template_t1w(), answer.probabilities
    standard = labels_on_grid(probabilities, answer.grid, template.shape, template.affine, np.eye(4), scheme.indices)
    save_labels(standard, template.affine, None, folder / "dseg_mni.nii.gz")
    told = zip(scheme.labels, confidence(probabilities), strict=True)
    warnings = cut_off(most_likely(probabilities).numpy(), standard)
    return Labelled(tuple(warnings), {label.abbreviation: round(share, 3) for label, share in told})


def parts_of_255(shares: torch.Tensor) -> np.ndarray:
    """Probabilities in whole parts of 255, uint8."""
    return (PARTS * shares).round().clamp(0, PARTS).to(torch.uint8).numpy()


def save_shares(parts: np.ndarray, t1w: nib.Nifti1Image, path: Path) -> None:
    """Save parts of 255 as probabilities, in a quarter of the space of floats."""
    image = _image(parts, t1w.affine, t1w)
    image.header.set_slope_inter(1 / PARTS, 0)
    save_image(image, path)


def write_carved(
    folder: Path, channels: np.ndarray, grid: Grid, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray
) -> tuple[str, ...]:
    """Write ``carved``, ``carved_fine`` and ``carved_mni`` (uint8); return warnings.

    Parameters
    ----------
    folder : Path
    channels : ndarray, (X, Y, Z), uint8
        From :func:`cerebbids.inference.tissue.tissue_labels`.
    grid : Grid
        The fine box that they are on, in the working space.
    t1w : Nifti1Image
        Gives the grid of ``carved`` and the axes of ``carved_fine``.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    """
    labels = np.array((0, *load_scheme(CARVED).indices), np.uint8)[channels]
    save_image(_image(labels, grid.affine), folder / "carved_mni.nii.gz")
    shape, affine = fine_box(t1w, grid, t1w_to_mni)
    placed = relabel(labels, grid.affine, shape, affine, t1w_to_mni)
    save_image(_image(placed, affine, t1w), folder / "carved_fine.nii.gz")
    native = relabel(labels, grid.affine, t1w.shape, t1w.affine, t1w_to_mni)
    save_labels(native, t1w.affine, t1w.header, folder / "carved.nii.gz")
    if touches_face(channels):
        return (f"The cerebellum reaches the edge of the box at 0.5 mm: seg-{CARVED} may be cut off there.",)
    return ()


def write_atlas(folder: Path, atlas: Answer, grid: Grid) -> None:
    """Write ``atlas_mni`` (uint8): the labels that a library gave most votes.

    Parameters
    ----------
    folder : Path
    atlas : Answer
        From :attr:`cerebbids.inference.answer.Answer.atlas`; read linearly.
    grid : Grid
        Fine box to write on, in the working space.
    """
    indices = load_scheme(COMPARTMENTS).indices
    labels = labels_on_grid(atlas.probabilities, atlas.grid, grid.shape, grid.affine, np.eye(4), indices)
    save_image(_image(labels, grid.affine), folder / "atlas_mni.nii.gz")


def write_image_side(folder: Path, side: ImageSide, grid: Grid, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray) -> None:
    """Write ``icv`` (where there is one), ``superres``, ``superres_mni`` and ``t2w_mni``.

    Parameters
    ----------
    folder : Path
    side : ImageSide
    grid : Grid
        The fine box of its images, in the working space.
    t1w : Nifti1Image
        Gives the grid of ``icv`` and the axes of ``superres``.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    """
    if side.cavity is not None:
        save_labels(np.asarray(side.cavity.dataobj), t1w.affine, t1w.header, folder / "icv.nii.gz")
    fine = nib.Nifti1Image(side.t1w, grid.affine)
    save_intensities(side.t1w, grid.affine, folder / "superres_mni.nii.gz")
    save_intensities(side.t2w, grid.affine, folder / "t2w_mni.nii.gz")
    shape, affine = fine_box(t1w, grid, t1w_to_mni)
    placed = resample(fine, shape, affine, t1w_to_mni, order=3)
    save_intensities(np.asarray(placed.dataobj), affine, folder / "superres.nii.gz", t1w)


def write_native_t2w(
    folder: Path, side: ImageSide, grid: Grid, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, real: RealT2w | None
) -> None:
    """Write ``t2w`` on the grid of the T1w image: the whole scan as it is, or the cerebellum of the synthetic one.

    Parameters are those of :func:`write_image_side`, and the scan that may have been used.
    """
    if side.t2w_is_real and real is not None:
        native = resample(real.image, t1w.shape, t1w.affine, np.linalg.inv(real.t2w_to_mni) @ t1w_to_mni, order=3)
    else:
        native = resample(nib.Nifti1Image(side.t2w, grid.affine), t1w.shape, t1w.affine, t1w_to_mni)
    save_intensities(np.asarray(native.dataobj), t1w.affine, folder / "t2w.nii.gz", t1w)


def image_facts(side: ImageSide) -> dict[str, Any]:
    """Say what was measured, for ``predict.json``."""
    volume = None
    if side.cavity is not None:
        voxel_mm3 = abs(np.linalg.det(side.cavity.affine[:3, :3]))
        volume = round(float(np.count_nonzero(np.asarray(side.cavity.dataobj)) * voxel_mm3), 1)
    means = {tissue: round(mean, 2) for tissue, mean in asdict(side.means).items()}
    return {
        "icv_mm3": volume,
        "t2w": "real" if side.t2w_is_real else "synth",
        "tissues": {**means, "targets": list(TARGETS), "counts": side.counts.tolist()},
    }
