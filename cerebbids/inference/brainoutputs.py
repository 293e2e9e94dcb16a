"""What the networks' process leaves behind of a whole brain: labels, probabilities, both images, what was shown."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from cerebbids.imaging.resample import blurred, resample
from cerebbids.inference.outputs import parts_of_255, save_intensities, save_labels, save_shares
from cerebbids.inference.wholebrain import Brain


def write_brain(folder: Path, brain: Brain, t1w: nib.Nifti1Image, cerebellum: int | None) -> None:
    """Write ``dseg``, ``shown`` (uint8), ``probseg``, ``confidence``, ``t1w`` and ``t2w``; ``mask`` of the cerebellum.

    Parameters
    ----------
    folder : Path
    brain : Brain
    t1w : Nifti1Image
        Gives the grid of all of them.
    cerebellum : int or None
        Its label; none where the system does not label it, and then there is no mask.
    """
    labels = np.zeros(t1w.shape, np.uint8)
    labels[brain.part] = brain.labels
    masks = {"dseg": labels, "shown": brain.shown.astype(np.uint8)}
    if cerebellum is not None:
        masks["mask"] = (labels == cerebellum).astype(np.uint8)
    for name, mask in masks.items():
        save_labels(mask, t1w.affine, t1w.header, folder / f"{name}.nii.gz")
    every = np.zeros((*t1w.shape, len(brain.probabilities)), np.uint8)
    every[..., 0] = 255
    every[brain.part] = np.moveaxis(parts_of_255(torch.from_numpy(brain.probabilities)), 0, -1)
    save_shares(every, t1w, folder / "probseg.nii.gz")
    save_shares(every.max(-1), t1w, folder / "confidence.nii.gz")
    save_intensities(np.asarray(brain.t1w.dataobj), t1w.affine, folder / "t1w.nii.gz", t1w)
    spacing = float(np.linalg.norm(t1w.affine[:3, :3], axis=0).max())
    t2w = resample(blurred(brain.pair.t2w, spacing), t1w.shape, t1w.affine)
    save_intensities(np.asarray(t2w.dataobj), t1w.affine, folder / "t2w.nii.gz", t1w)
