"""What the networks' process leaves behind of an infant: tissues, their probabilities, and how far to trust them."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import torch

from cerebbids.inference.infant import InfantAnswer
from cerebbids.inference.outputs import parts_of_255, save_intensities, save_labels, save_shares


def write_tissues(folder: Path, answer: InfantAnswer, t1w: nib.Nifti1Image) -> None:
    """Write ``dseg``, ``mask``, ``shown`` (uint8), ``probseg``, ``confidence`` and ``t1w``.

    Parameters
    ----------
    folder : Path
    answer : InfantAnswer
    t1w : Nifti1Image
        Gives the grid of all of them.
    """
    tissues = answer.tissues
    labels, cerebellum = np.zeros(t1w.shape, np.uint8), np.zeros(t1w.shape, np.uint8)
    labels[tissues.part] = tissues.labels
    cerebellum[tissues.part] = answer.cerebellum & (tissues.labels > 0)
    for name, mask in (("dseg", labels), ("mask", cerebellum), ("shown", answer.shown.astype(np.uint8))):
        save_labels(mask, t1w.affine, t1w.header, folder / f"{name}.nii.gz")
    every = np.zeros((*t1w.shape, len(tissues.probabilities)), np.uint8)
    every[..., 0] = 255
    every[tissues.part] = np.moveaxis(parts_of_255(torch.from_numpy(tissues.probabilities)), 0, -1)
    save_shares(every, t1w, folder / "probseg.nii.gz")
    trust = np.zeros(t1w.shape, np.uint8)
    trust[tissues.part] = parts_of_255(torch.from_numpy(tissues.trust.astype(np.float32)))
    save_shares(trust, t1w, folder / "confidence.nii.gz")
    save_intensities(np.asarray(answer.t1w.dataobj), t1w.affine, folder / "t1w.nii.gz", t1w)
