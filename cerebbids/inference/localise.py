"""Where the cerebellum of an infant's image is, whatever its contrast: found by a network, without a template."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
import torch
from nibabel.affines import apply_affine
from scipy import ndimage

from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.resample import blurred, resample
from cerebbids.imaging.shares import largest_share
from cerebbids.inference.device import ask
from cerebbids.systems.grid import Grid

SHAPE, SPACING = (80, 96, 80), 2.5
"""Voxels along the world's axes, and their edge (mm), of what the network is shown: 200 x 240 x 200 mm."""
CEREBRUM, CEREBELLUM, BRAINSTEM = 1, 2, 3
"""Classes of the network beside 0, outside; the labels of :attr:`Place.labels`."""
PLAUSIBLE_CM3 = (15.0, 200.0)
"""Volume of a cerebellum of 1 to 36 months, with room: 40 to 118 cm3 in the label maps of the kit."""
MEND = "look at the image's field of view, contrast and quality"
TRIFLE_MM2 = 100.0
"""Area of a cerebellum at a face of the image up to which it does not count as cut."""
HEAD_MM = 150.0
"""What lies so far below the top of the bright mass is neck, and does not count for its middle."""
BRIGHT, FAINT = 0.2, 0.05
"""Shares of the bright end from which a voxel belongs to the bright mass, and to what is there at all."""
CUT_OUT_CM3 = 250.0
"""What shows less is no brain: cut-outs of the kit have 117 to 184 cm3, brains of a month 350 and more."""
EMPTY = 0.5
"""Share of voxels that are exactly 0 in an image of which something was cut out."""

CLEARLY = 0.004
"""Difference of certainty that speaks against a header. Of the 13 real cut-outs, all of them back to front, the least
is 0.010."""


@dataclass(frozen=True)
class Place:
    """Where a cerebellum was found.

    Parameters
    ----------
    labels : Nifti1Image
        uint8 on the image's own grid: 1 cerebrum, 2 cerebellum, in one piece, 3 brainstem.
    brain_cm3, cerebellum_cm3, brainstem_cm3 : float
        Volumes; that of the brain is cerebrum with its ventricles, cerebellum and brainstem, without fluid around.
    cut : bool
        Whether the image ends within the cerebellum.
    certainty : float
        Mean probability of the classes of what is found.
    backwards : bool
        Whether front and back are not where the header says.
    """

    labels: nib.Nifti1Image
    brain_cm3: float
    cerebellum_cm3: float
    brainstem_cm3: float
    cut: bool
    certainty: float
    backwards: bool = False


def is_cut_out(image: nib.Nifti1Image) -> bool:
    """Whether an image shows a cerebellum that was cut out: exact zeros elsewhere, and too little for a brain.

    Parameters
    ----------
    image : Nifti1Image
        3D.

    Examples
    --------
    >>> data = np.zeros((90, 90, 90), np.float32)
    >>> data[20:70, 20:70, 20:70] = 7
    >>> is_cut_out(nib.Nifti1Image(data, np.eye(4))), is_cut_out(nib.Nifti1Image(data, np.diag([2, 2, 2, 1])))
    (True, False)
    """
    return is_emptied(image) and int(np.count_nonzero(image.dataobj)) * _voxel_cm3(image) < CUT_OUT_CM3


def is_emptied(image: nib.Nifti1Image) -> bool:
    """Whether most voxels are exactly 0, as where something was cut out of a head."""
    return int(np.count_nonzero(image.dataobj)) < (1 - EMPTY) * math.prod(image.shape)


def place_input(image: np.ndarray) -> torch.Tensor:
    """Bring an image to the scale that the network knows: 0 is nothing, 1 its bright end.

    The bright end is the 98th percentile of what is there at all, so that neither the share of air nor a wild voxel
    sets the scale.

    Parameters
    ----------
    image : ndarray, (X, Y, Z)
        Not negative, in any units.

    Returns
    -------
    Tensor, (1, X, Y, Z), float32
    """
    shown = image[image > FAINT * _top(image)]
    if not shown.size:
        return torch.zeros(1, *image.shape)
    return torch.from_numpy((image / np.percentile(shown, 98)).clip(0, 2).astype(np.float32))[None]


def grid_around(centre: np.ndarray) -> Grid:
    """The network's grid around a point of the world, mm."""
    x, y, z = (float(c) - SPACING * (n - 1) / 2 for c, n in zip(centre, SHAPE, strict=True))
    return Grid((x, y, z), SHAPE, SPACING)


def bright_centre(image: nib.Nifti1Image) -> np.ndarray:
    """Middle (world, mm) of what is bright in an image, of the uppermost 150 mm of it."""
    step = tuple(max(1, int(SPACING / zoom)) for zoom in _zooms(image))
    data = np.asarray(image.dataobj)[:: step[0], :: step[1], :: step[2]]
    found = np.argwhere(data > BRIGHT * _top(data)) * step
    if not len(found):
        return apply_affine(image.affine, (np.array(image.shape) - 1) / 2)
    world = apply_affine(image.affine, found)
    return world[world[:, 2] > np.percentile(world[:, 2], 99.5) - HEAD_MM].mean(0)


def localise(
    net: torch.nn.Module, image: nib.Nifti1Image, name: str, device: torch.device,
    plausible_cm3: tuple[float, float] = PLAUSIBLE_CM3,
) -> Place:  # fmt: skip
    """Find the cerebellum of an infant.

    The network looks twice: around the middle of what is bright, then around the brain that it has found.

    Parameters
    ----------
    net : Module
        On ``device``: (N, 1, X, Y, Z) -> logits (N, 4, X, Y, Z).
    image : Nifti1Image
        3D, not negative; any orientation and voxel size.
    name : str
        For the message.
    device : torch.device
    plausible_cm3 : tuple of float
        Least and largest volume of a cerebellum.

    Raises
    ------
    SegmentationFailed
        There is no cerebellum, or its volume is out of bounds.
    """
    smooth = blurred(image, SPACING)
    centre = bright_centre(image)
    for _ in range(2):
        grid = grid_around(centre)
        probabilities = _answer(net, smooth, grid, device)
        classes = probabilities.argmax(0)
        if not (classes == CEREBELLUM).any():
            raise SegmentationFailed(name, "no cerebellum is found in it", MEND)
        centre = apply_affine(grid.affine, np.argwhere(classes > 0).mean(0))
    labels = _on_image(probabilities, grid, image)
    volumes = np.bincount(labels.ravel(), minlength=4) * _voxel_cm3(image)
    cerebellum, brainstem = float(volumes[CEREBELLUM]), float(volumes[BRAINSTEM])
    low, high = plausible_cm3
    if not low <= cerebellum <= high:
        raise SegmentationFailed(name, f"the cerebellum found is implausible ({cerebellum:.0f} cm3)", MEND)
    brain = float(np.count_nonzero(classes)) * SPACING**3 / 1000
    cut = _touches(labels == CEREBELLUM, _zooms(image))
    certainty = float(probabilities.max(0)[classes > 0].mean())
    return Place(with_data(image, labels), brain, cerebellum, brainstem, cut, certainty)


def localise_cut_out(net: torch.nn.Module, image: nib.Nifti1Image, name: str, device: torch.device) -> Place:
    """Find the cerebellum in what was cut out of a head, as its header says it lies or back to front.

    Headers of cut-outs are not seldom wrong, and nothing around them shows it. Of both ways the one is taken of which
    the network is more certain, against the header only where it is clearly so. Left and right cannot be told from each
    other in this manner.

    Parameters and errors are those of :func:`localise`.
    """
    turned = nib.Nifti1Image(image.dataobj, np.diag([1.0, -1.0, 1.0, 1.0]) @ image.affine)
    places = [_found(net, each, name, device) for each in (image, turned)]
    found = [place for place in places if isinstance(place, Place)]
    if not found:
        raise next(place for place in places if isinstance(place, SegmentationFailed))
    best = max(found, key=lambda place: place.certainty)
    header = places[0]
    if isinstance(header, Place) and best.certainty < header.certainty + CLEARLY:
        return header
    return replace(best, labels=with_data(image, np.asarray(best.labels.dataobj)), backwards=True)


def _found(net: torch.nn.Module, image: nib.Nifti1Image, name: str, device: torch.device) -> Place | SegmentationFailed:
    try:
        return localise(net, image, name, device)
    except SegmentationFailed as refusal:
        return refusal


def _answer(net: torch.nn.Module, image: nib.Nifti1Image, grid: Grid, device: torch.device) -> np.ndarray:
    """Probabilities (4, X, Y, Z) float32 on a grid: mean of the image's and of its mirror image's."""
    data = np.asarray(resample(image, grid.shape, grid.affine).dataobj)
    shown = place_input(data)[None].to(device)
    answers = (ask(net, shown), ask(net, shown.flip(2)).flip(2))
    return (sum(answer.softmax(1) for answer in answers) / 2)[0].cpu().numpy()


def _on_image(probabilities: np.ndarray, grid: Grid, image: nib.Nifti1Image) -> np.ndarray:
    """Labels (uint8, image's grid) of the likeliest class between the grid's voxels; one piece of cerebellum."""
    coarse = np.argwhere(probabilities.argmax(0) > 0)
    corners = np.array(np.meshgrid(*zip(coarse.min(0) - 1, coarse.max(0) + 1, strict=True))).reshape(3, -1).T
    voxels = apply_affine(np.linalg.inv(image.affine) @ grid.affine, corners)
    first = np.floor(voxels.min(0)).astype(int).clip(0)
    last = np.minimum(np.ceil(voxels.max(0)).astype(int) + 1, image.shape)
    labels = np.zeros(image.shape, np.uint8)
    if (last <= first).any():
        return labels
    region = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    affine = image.affine @ nib.affines.from_matvec(np.eye(3), first)
    here = (resample(nib.Nifti1Image(channel, grid.affine), last - first, affine) for channel in probabilities)
    found, _ = largest_share(enumerate(np.asarray(share.dataobj) for share in here))
    pieces, _ = ndimage.label(found == CEREBELLUM)
    sizes = np.bincount(pieces.ravel())[1:]
    if len(sizes):
        found[(pieces > 0) & (pieces != sizes.argmax() + 1)] = 0
    labels[region] = found
    return labels


def _touches(cerebellum: np.ndarray, zooms: np.ndarray) -> bool:
    """Whether a mask has more than a trifle in a plane so near to a face that the network's voxels reach it."""
    for axis, zoom in enumerate(zooms):
        depth = min(int(np.ceil(SPACING / zoom)), cerebellum.shape[axis] - 1)
        area = np.prod(zooms) / zoom
        if any(cerebellum.take(place, axis).sum() * area > TRIFLE_MM2 for place in (depth, -1 - depth)):
            return True
    return False


def _top(image: np.ndarray) -> float:
    """Bright end of an image: the 99.9th percentile of what is above 0."""
    positive = image[image > 0]
    return float(np.percentile(positive, 99.9)) if positive.size else 0.0


def _zooms(image: nib.Nifti1Image) -> np.ndarray:
    return np.linalg.norm(image.affine[:3, :3], axis=0)


def _voxel_cm3(image: nib.Nifti1Image) -> float:
    return float(abs(np.linalg.det(image.affine[:3, :3]))) / 1000
