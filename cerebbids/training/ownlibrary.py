"""A library for atlases from a user's own labelled images; needs nothing that only training needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
from rich.progress import track

from cerebbids.data.labels import LabelScheme, load_scheme
from cerebbids.errors import BadImage, UsageError
from cerebbids.imaging.clean import clean_t1w
from cerebbids.imaging.registration import register_to_mni
from cerebbids.imaging.resample import resample
from cerebbids.inference.library import write_library
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import Grid
from cerebbids.training.atlas import soft

BRIGHT = 200
"""Stored brightness of white matter."""
_T1W_NAMES = ("T1w", "desc-preproc_T1w")


def labelled_images(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Find label maps (``*_dseg.nii.gz``, or ``*_seg-Lobules_dseg.nii.gz``) and the T1w images beside them.

    Raises
    ------
    UsageError
        There is no such folder, no label map in it, or one without its image.
    """
    if not folder.is_dir():
        raise UsageError(str(folder), "is no folder", "give the one with the labelled images")
    found = sorted(path for path in folder.rglob("*_dseg.nii*") if _is_native(path.name))
    if not found:
        raise UsageError(str(folder), "has no *_dseg.nii.gz", "put label maps beside their T1w images: X_dseg, X_T1w")
    for dseg in found:
        name = dseg.name.split(".")[0].removesuffix("_dseg").removesuffix(f"_seg-{DEEPCERES.scheme}")
        named = (dseg.with_name(f"{name}_{t1w}{end}") for t1w in _T1W_NAMES for end in (".nii.gz", ".nii"))
        beside = next((path for path in named if path.exists()), None)
        if beside is None:
            raise UsageError(str(dseg), "has no T1w image beside it", f"put {name}_T1w.nii.gz into its folder")
        yield beside, dseg


def _is_native(name: str) -> bool:
    """Whether labels are those of an image on its own grid, in the compartments' scheme."""
    return "_space-" not in name and ("_seg-" not in name or f"_seg-{DEEPCERES.scheme}_" in name)


def build_from_images(folder: Path, out: Path, threads: int) -> None:
    """Write a library of a user's own labelled images.

    Parameters
    ----------
    folder : Path
        Has pairs of a T1w image and a map of the scheme's labels, wherever they lie in it.
    out : Path
        The library's folder.
    threads : int
        CPUs to use.

    Raises
    ------
    UsageError
        As :func:`labelled_images`.
    BadImage
        An image cannot be processed, or a map has other labels or another grid than its image.
    """
    scheme, grid = load_scheme(DEEPCERES.scheme), DEEPCERES.grids["deform"]
    pairs = list(labelled_images(folder))
    for t1w, dseg in pairs:  # before any of them takes its minute
        check_labels(t1w, dseg, scheme)
    members = [member(t1w, dseg, grid, scheme, threads) for t1w, dseg in track(pairs, description="labelled images")]
    sources = [t1w.name.split(".")[0] for t1w, _ in pairs]
    images, labels = zip(*members, strict=True)
    write_library(out, images, labels, grid, scheme, sources=sources, licence="the images' own", made="from images")


def member(t1w: Path, dseg: Path, grid: Grid, scheme: LabelScheme, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Bring one labelled image onto the grid: brightness and channels, uint8.

    Raises
    ------
    BadImage
        The image cannot be processed, or has no label where its cerebellum is.
    """
    named = nib.load(dseg)
    clean, place = clean_t1w(t1w, threads)
    to_native = np.linalg.inv(register_to_mni(clean, threads, place).t1w_to_mni)
    image = resample(clean, grid.shape, grid.affine, to_native, order=1).get_fdata(dtype=np.float32)
    channels, best, taken = (np.zeros(grid.shape, kind) for kind in (np.uint8, np.float32, np.float32))
    for channel, index in enumerate(scheme.indices, 1):
        share = soft(named, (index,), grid, to_native)
        taken += share
        channels[share > best] = channel
        np.maximum(best, share, out=best)
    channels[best <= 1 - taken] = 0
    if not channels.any():
        raise BadImage(str(dseg), "has no label in the cerebellum of its T1w image", "look at the two in one viewer")
    white = np.percentile(image[channels > 0], 95)
    return np.rint(image * (BRIGHT / white)).clip(0, 255).astype(np.uint8), channels


def check_labels(t1w_path: Path, path: Path, scheme: LabelScheme) -> None:
    """Check that a map lies on the grid of its image and has the labels of the scheme.

    Raises
    ------
    BadImage
        It does not.
    """
    t1w, dseg = nib.load(t1w_path), nib.load(path)
    if dseg.shape != t1w.shape or not np.allclose(dseg.affine, t1w.affine, atol=1e-3):
        raise BadImage(str(path), "is not on the grid of its T1w image", "resample it with nearest neighbours")
    values = set(np.unique(np.asarray(dseg.dataobj)).astype(int).tolist())
    strange = sorted(values - {0, *scheme.indices})
    if strange or len(values) < len(scheme.indices) // 2:
        reason = f"has labels that are not those of seg-{scheme.name} ({strange[:5] or 'too few'})"
        raise BadImage(str(path), reason, "name the values as in its label table")
