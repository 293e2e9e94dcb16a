"""One labelled cerebellum at 0.5 mm, and what may be done to it: mirrored, deformed, seen at 1 mm."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from cerebbids.nets.displacement import doubled, warp


@dataclass(frozen=True)
class FineCase:
    """A case on ``CEREBELLUM_05MM``, tissues at fixed brightness.

    Parameters
    ----------
    id : str
    t1w, t2w : ndarray, (X, Y, Z), float32
    labels : ndarray, (X, Y, Z), uint8
        Channels 0..26 in the sense of ``seg-DeepCERES``.
    """

    id: str
    t1w: np.ndarray
    t2w: np.ndarray
    labels: np.ndarray


def load_person(work: Path, person: str) -> FineCase:
    """Read a person that ``cerebbids-train refine`` has made."""
    with np.load(Path(work) / "fine" / f"{person}.npz") as arrays:
        t1w, t2w = (arrays[key].astype(np.float32) for key in ("t1w", "t2w"))
        return FineCase(person, t1w, t2w, arrays["labels"])


def mirrored(case: FineCase, swap: np.ndarray) -> FineCase:
    """Mirror a case; ``swap`` (27,) uint8 says which channel each becomes."""
    t1w, t2w, labels = (np.ascontiguousarray(part[::-1]) for part in (case.t1w, case.t2w, case.labels))
    return FineCase(case.id, t1w, t2w, swap[labels])


def at_1mm(volume: np.ndarray) -> torch.Tensor:
    """A volume (X, Y, Z) of voxels of 0.5 mm in voxels of 1 mm, their means."""
    return F.avg_pool3d(torch.from_numpy(volume)[None, None], 2)[0, 0]


def deformed(case: FineCase, displacement: torch.Tensor) -> FineCase:
    """Pull a case through a displacement.

    Parameters
    ----------
    case : FineCase
    displacement : Tensor, (1, 3, X / 4, Y / 4, Z / 4)
        In voxels of 2 mm, as the registration network gives it.
    """
    field = doubled(doubled(displacement.float()))
    images = warp(torch.from_numpy(np.stack([case.t1w, case.t2w]))[None], field)[0].numpy()
    # Labels below 256 are exact in float32, and the nearest voxel's is taken.
    labels = warp(torch.from_numpy(case.labels.astype(np.float32))[None, None], field, "nearest")[0, 0].numpy()
    return FineCase(case.id, images[0], images[1], labels.astype(np.uint8))
