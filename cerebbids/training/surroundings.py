"""What lies around a brain: skull, scalp, neck and meninges to put around skull-stripped training images.

Labelled brains come stripped, patients' images mostly do not. A stripped brain is set into the head of somebody
else, real or painted from a label map, so that the network learns to ignore what is outside the brain.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

FLUID_LABEL = 24
"""FreeSurfer id of cerebrospinal fluid in the head maps."""
OUTSIDE_FROM = 500
"""Head-map ids from here on lie outside the brain; 0 is air."""
PATCH = 10
"""Voxels from one random value to the next in the pattern of venous blood."""


@dataclass(frozen=True)
class Surroundings:
    """A head without its brain, on the cerebellum grid.

    ``outside`` (X, Y, Z) bool: where there is something other than brain. Exactly one of ``image`` (float32, white
    matter near 1) and ``labels`` (int16 ids to paint) is there.
    """

    outside: np.ndarray
    image: np.ndarray | None = None
    labels: np.ndarray | None = None


def from_head(t1w: np.ndarray, brain: np.ndarray) -> Surroundings:
    """Make surroundings of a real head.

    Parameters
    ----------
    t1w : ndarray, (X, Y, Z)
        Full head on the cerebellum grid.
    brain : ndarray of bool, (X, Y, Z)
        Roughly its brain; a rim of 2 voxels more is taken away, so that no cerebellum stays behind unlabelled.
    """
    removed = ndimage.binary_dilation(brain, iterations=2)
    white = np.percentile(t1w[brain], 90)
    return Surroundings(outside=~removed, image=(t1w / white).astype(np.float32))


def from_labels(labels: np.ndarray) -> Surroundings:
    """Make surroundings of a whole-head label map (FreeSurfer ids, 0 air, from 500 outside the brain)."""
    outside = (labels == 0) | (labels == FLUID_LABEL) | (labels >= OUTSIDE_FROM)
    return Surroundings(outside=outside, labels=labels.astype(np.int16))


def paint(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Paint a label map: a random grey value and texture per label (Billot et al. 2023), air black."""
    ids, place = np.unique(labels, return_inverse=True)
    means, spreads = rng.uniform(0.05, 1.5, ids.size), rng.uniform(0.01, 0.15, ids.size)
    means[ids == 0], spreads[ids == 0] = 0, 0.01
    means[ids == FLUID_LABEL] = rng.uniform(0.05, 0.4)
    place = place.reshape(labels.shape)
    texture = rng.standard_normal(labels.shape, np.float32)
    painted = means[place] + spreads[place] * texture
    return ndimage.gaussian_filter(painted, rng.uniform(0.4, 0.9)).clip(0).astype(np.float32)


def embed(brain: np.ndarray, around: Surroundings, rng: np.random.Generator) -> np.ndarray:
    """Set a stripped brain into somebody else's head.

    Parameters
    ----------
    brain : ndarray, (X, Y, Z)
        Stripped T1w, white matter near 1, zero outside.
    around : Surroundings
    rng : numpy.random.Generator

    Returns
    -------
    ndarray, (X, Y, Z), float32
        Brain where there is brain, the other head outside, fluid in the gap between the two, and blood here and there.
    """
    beyond = beyond_brain(around, rng)
    rim = ndimage.gaussian_filter((brain > 0.05).astype(np.float32), 0.6)
    return (rim * brain + (1 - rim) * beyond).clip(0).astype(np.float32)


def beyond_brain(around: Surroundings, rng: np.random.Generator) -> np.ndarray:
    """What :func:`embed` shows outside of a brain (X, Y, Z): the other head, fluid where its brain was, and blood."""
    other = around.image if around.labels is None else paint(around.labels, rng)
    shape = around.outside.shape
    fluid = rng.uniform(0.08, 0.35) + 0.03 * rng.standard_normal(shape, np.float32)
    beyond = np.where(around.outside, other * rng.uniform(0.7, 1.3), fluid)
    return np.where(patches(shape, rng), rng.uniform(0.3, 1.1) + fluid - fluid.mean(), beyond).astype(np.float32)


def patches(shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Smooth patches, some centimetres long, that fill up to half of a volume (bool).

    Venous sinuses touch the cerebellum and look like its cortex, and neither stripped brains nor their rims show any:
    without such patches a network calls the ends of the transverse sinuses Crus I.
    """
    coarse = rng.standard_normal([max(2, n // PATCH) for n in shape], np.float32)
    field = F.interpolate(torch.from_numpy(coarse)[None, None], shape, mode="trilinear", align_corners=True)[
        0, 0
    ].numpy()
    return field > np.quantile(field[::3, ::3, ::3], 1 - rng.uniform(0, 0.5))


def load_surroundings(work: Path, names: tuple[str, ...]) -> tuple[Surroundings, ...]:
    """Read the prepared surroundings ``names`` from ``<work>/surroundings``."""
    found = []
    for name in names:
        with np.load(Path(work) / "surroundings" / f"{name}.npz") as arrays:
            outside = arrays["outside"]
            if "labels" in arrays:
                found.append(Surroundings(outside, labels=arrays["labels"]))
            else:
                found.append(Surroundings(outside, image=arrays["image"].astype(np.float32)))
    return tuple(found)
