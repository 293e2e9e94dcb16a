"""Everything between the affine and the labels: cavity, standard brightness, 0.5 mm, and the T2w contrast."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import nibabel as nib
import numpy as np
import torch

from cerebbids.errors import CerebbidsError
from cerebbids.imaging.brainmask import brain_mask, stripped_brain
from cerebbids.imaging.resample import resample
from cerebbids.imaging.standard import scale_tissues, standard_t1w
from cerebbids.imaging.tissuemeans import BINS, TissueMeans
from cerebbids.inference.cavity import find_cavity, holds_brain
from cerebbids.inference.fine import fine_t1w
from cerebbids.inference.t2w import real_t2w, synthetic_t2w
from cerebbids.systems.grid import Grid


@dataclass(frozen=True)
class RealT2w:
    """A clean T2w scan, the way from its world to the working space (4, 4), mm, and whether no other will do."""

    image: nib.Nifti1Image
    t2w_to_mni: np.ndarray
    required: bool


@dataclass(frozen=True)
class ImageSide:
    """What the labelling networks are given, and what was found on the way.

    Parameters
    ----------
    cavity : Nifti1Image or None
        Mask on the grid of the T1w image; none of a stripped one, or when what was found cannot be a cavity.
    means : TissueMeans
        In the units of the clean T1w image, bias corrected inside the mask.
    counts : ndarray of int
        Histogram (``BINS``) of the standard T1w inside the mask.
    t1w, t2w : ndarray, (X, Y, Z), float32
        On the fine box, tissues at fixed brightness.
    inside : ndarray of bool, (X, Y, Z)
        Cavity or brain on the fine box.
    t2w_is_real : bool
    warnings : tuple of str
    """

    cavity: nib.Nifti1Image | None
    means: TissueMeans
    counts: np.ndarray
    t1w: np.ndarray
    t2w: np.ndarray
    inside: np.ndarray
    t2w_is_real: bool
    warnings: tuple[str, ...]


def image_side(
    nets: Mapping[str, torch.nn.Module],
    grids: Mapping[str, Grid],
    t1w: nib.Nifti1Image,
    t1w_to_mni: np.ndarray,
    *,
    stripped: bool,
    real: RealT2w | None,
    device: torch.device,
    threads: int,
    name: str,
    lap: Callable[[str], None],
) -> ImageSide:
    """Apply the first stages of DeepCERES (Morell-Ortega et al. 2025, section 3.8) to a clean T1w image.

    Parameters
    ----------
    nets, grids : mapping
        ``icv``, ``superres`` and ``contrast``, and where they look.
    t1w : Nifti1Image
        Denoised and bias corrected.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    stripped : bool
        Whether the image shows no skull: the brain then takes the cavity's place.
    real : RealT2w, optional
        Scan to take the T2w contrast from; made from the T1w where there is none.
    device : torch.device
    threads : int
        CPUs of what runs there.
    name : str
        What to call the image in an error.
    lap : callable
        Told the name of every stage when it has ended.

    Raises
    ------
    BadImage
        The tissues cannot be told apart.
    CerebbidsError
        A T2w scan that is required has no T2w contrast.
    """
    cavity, lost = (None, "") if stripped else _cavity(nets["icv"], grids["icv"], t1w, t1w_to_mni, device, name)
    if cavity is None:
        inside = stripped_brain(t1w, t1w_to_mni) if stripped else brain_mask(t1w, t1w_to_mni, 0.0)
    else:
        inside = cavity
    lap("cavity")
    standard = standard_t1w(t1w, inside, t1w_to_mni, threads, name)
    values = np.asarray(standard.image.dataobj)[np.asarray(inside.dataobj) > 0]
    lap("bias field and tissues")
    fine = fine_t1w(nets["superres"], grids["superres"], standard.image, inside, t1w_to_mni, device)
    lap("super-resolution")
    box = grids["contrast"]
    mask = resample(inside, box.shape, box.affine, np.linalg.inv(t1w_to_mni), order=0).get_fdata() > 0
    t2w, unused = (None, "") if real is None else _real(real, fine, mask, box, name)
    made = synthetic_t2w(nets["contrast"], fine, mask, device) if t2w is None else t2w
    lap("T2w contrast")
    counts = np.histogram(values, *BINS)[0]
    warnings = tuple(warning for warning in (lost, unused) if warning)
    return ImageSide(cavity, standard.means, counts, fine, made, mask, t2w is not None, warnings)


def _cavity(
    net: torch.nn.Module, grid: Grid, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, device: torch.device, name: str
) -> tuple[nib.Nifti1Image | None, str]:
    """Find the cavity, or a warning."""
    first = scale_tissues(t1w, brain_mask(t1w, t1w_to_mni, 0.0), t1w_to_mni, name).image
    cavity = find_cavity(net, grid, first, t1w_to_mni, device)
    if holds_brain(cavity, t1w_to_mni):
        return cavity, ""
    return None, "The intracranial cavity was not found; its volume is not given."


def _real(real: RealT2w, t1w: np.ndarray, inside: np.ndarray, grid: Grid, name: str) -> tuple[np.ndarray | None, str]:
    """Bring the T2w scan onto the box, or give a warning."""
    try:
        return real_t2w(real.image, real.t2w_to_mni, t1w, inside, grid), ""
    except ValueError as error:
        reason = f"it has {error} where the T1w shows them"
        if real.required:
            raise CerebbidsError(name, f"has a T2w image that cannot be used: {reason}", "choose --t2w auto") from error
        return None, f"The T2w image was not used, because {reason}."
