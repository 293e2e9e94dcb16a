"""From a T1w and its place in template space to labels on the T1w's own grid."""

from __future__ import annotations

import nibabel as nib
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from scipy import ndimage

from cerebbids.data.labels import load_scheme
from cerebbids.errors import ModelError, SegmentationFailed
from cerebbids.imaging.relabel import voxel_points
from cerebbids.imaging.resample import resample
from cerebbids.imaging.slabs import slabs
from cerebbids.inference.device import is_fast_in_bf16
from cerebbids.inference.inputs import network_input
from cerebbids.inference.library import Library
from cerebbids.inference.models import Network
from cerebbids.inference.prior import subject_atlas
from cerebbids.nets.build import build
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import Grid

PLAUSIBLE_CM3 = (20.0, 400.0)
"""Cerebellum volume in template space beyond which the answer is refused."""


def load_net(network: Network, device: torch.device) -> torch.nn.Module:
    """Build a bundle's network with its weights, ready on ``device``.

    Raises
    ------
    ModelError
        The weights are those of another network.
    """
    try:
        net = build(network.architecture, network.sizes)
        net.load_state_dict(load_file(network.weights))
    except (RuntimeError, TypeError) as error:
        misfit = "does not fit the network of model.toml"
        raise ModelError(str(network.weights), misfit, "install the bundle again") from error
    return net.to(device, memory_format=torch.channels_last_3d).eval()


@torch.inference_mode()
def crop_probabilities(
    net: torch.nn.Module, t1w: np.ndarray, mirror: tuple[int, ...], device: torch.device, *, low_precision: bool
) -> torch.Tensor:
    """Class probabilities on the crop: mean of the net's answers on the image and on its mirror image.

    Parameters
    ----------
    net : Module
    t1w : ndarray, (X, Y, Z)
        On a grid symmetric about x = 0.
    mirror : tuple of int
        Channel that each channel becomes when left and right are swapped.
    device : torch.device
    low_precision : bool
        bfloat16 autocast; float32 otherwise.

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32, on the CPU
    """
    image = torch.from_numpy(np.ascontiguousarray(t1w, np.float32))

    def answer(x: torch.Tensor) -> torch.Tensor:
        batch = network_input(x)[None].to(device).contiguous(memory_format=torch.channels_last_3d)
        with torch.autocast(device.type, torch.bfloat16, enabled=low_precision):
            logits = net(batch)
        return logits[0].float().softmax(0).cpu()

    mirrored = answer(image.flip(0)).flip(1)[list(mirror)]
    return (answer(image) + mirrored) / 2


def keep_largest(probabilities: torch.Tensor) -> torch.Tensor:
    """Set everything that does not touch the largest cerebellum to background (probabilities stay a partition)."""
    components, count = ndimage.label((probabilities[0] < 0.5).numpy())
    if count < 2:
        return probabilities
    largest = np.bincount(components.ravel())[1:].argmax() + 1
    stray = torch.from_numpy((components > 0) & (components != largest))
    cleaned = probabilities.clone()
    cleaned[:, stray] = 0
    cleaned[0, stray] = 1
    return cleaned


def check_plausible(probabilities: torch.Tensor, grid: Grid, name: str) -> None:
    """Refuse an answer that cannot be a cerebellum.

    Raises
    ------
    SegmentationFailed
        The volume in template space is out of bounds, or one hemisphere is hardly there.
    """
    labels = probabilities.argmax(0)
    half = (probabilities.shape[0] - 1) // 2
    left = float(((labels > 0) & (labels <= half)).sum()) * grid.spacing**3 / 1000
    right = float((labels > half).sum()) * grid.spacing**3 / 1000
    low, high = PLAUSIBLE_CM3
    if not low <= left + right <= high or min(left, right) < 0.2 * max(left, right):
        raise SegmentationFailed(
            name,
            f"the cerebellum found is implausible (left {left:.0f}, right {right:.0f} cm3 in template space)",
            "look at the image's field of view, contrast and quality",
        )


def labels_on_grid(
    probabilities: torch.Tensor, grid: Grid, target_shape: tuple[int, ...], target_affine: np.ndarray,
    target_to_mni: np.ndarray, indices: tuple[int, ...],
) -> np.ndarray:  # fmt: skip
    """Bring crop probabilities onto any grid and take the most likely label of each voxel.

    They are read linearly; where the voxels to label are larger than the crop's, in as many places of each as it takes.

    Parameters
    ----------
    probabilities : Tensor, (classes, X, Y, Z)
    grid : Grid
        The crop's, in the working space.
    target_shape, target_affine
        Grid to label.
    target_to_mni : ndarray, (4, 4)
        World of the target -> working space, mm.
    indices : tuple of int
        Voxel value of each class after the background.

    Returns
    -------
    ndarray of ``target_shape``, uint8
    """
    crop_from_target = np.linalg.inv(grid.affine) @ target_to_mni @ target_affine
    values = np.array((0, *indices), np.uint8)
    labels = np.zeros(target_shape, np.uint8)
    # Outside the crop the background is certain, inside half a voxel of its face it is interpolated.
    shifted = torch.cat([probabilities[:1] - 1, probabilities[1:]])[None]
    # Between voxels that are all background there is nothing else, and nothing need be sampled.
    steps = voxel_points(crop_from_target[:3, :3]).astype(np.float32)
    reach = int(np.ceil(abs(steps).max())) + 1
    possible = torch.from_numpy(ndimage.maximum_filter(probabilities.argmax(0).numpy() > 0, 2 * reach + 1))
    size = torch.tensor([n - 1 for n in grid.shape], dtype=torch.float32)
    for slab, places in slabs(target_shape, grid.shape, crop_from_target):
        place = torch.from_numpy(places.astype(np.float32))
        near = ((place > -1) & (place < size + 1)).all(-1)
        nearest = place[near].round().clamp(torch.zeros(3), size).long()
        near[near.clone()] = possible[nearest.unbind(-1)]
        if not near.any():
            continue
        sampled = torch.zeros(len(probabilities), int(near.sum()))
        for step in steps:
            points = (2 * (place[near] + torch.from_numpy(step)) / size - 1).flip(-1)[None, None, None]
            sampled += F.grid_sample(shifted, points, align_corners=True, padding_mode="zeros")[0, :, 0, 0]
        sampled[0] += len(steps)
        part = labels[slab]
        part[near.numpy()] = values[sampled.argmax(0).numpy()]
    return labels


def confidence(probabilities: torch.Tensor) -> list[float]:
    """Mean probability of each label (background left out) over the voxels that got it; 0 for an absent label."""
    labels = probabilities.argmax(0)
    return [
        float(channel[labels == k].mean()) if bool((labels == k).any()) else 0.0
        for k, channel in enumerate(probabilities[1:], 1)
    ]


def segment(
    net: torch.nn.Module, grid: Grid, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, device: torch.device, name: str
) -> torch.Tensor:
    """Segment one image on the network's crop.

    Parameters
    ----------
    net : Module
        From :func:`load_net`.
    grid : Grid
        Where the network looks.
    t1w : Nifti1Image
        Preprocessed, native grid.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    device : torch.device
    name : str
        What to call the image in an error.

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32
        Probabilities on ``grid``.

    Raises
    ------
    SegmentationFailed
        The answer cannot be a cerebellum.
    """
    data, mirror = crop_t1w(t1w, grid, t1w_to_mni), load_scheme(DEEPCERES.scheme).mirror
    probabilities = crop_probabilities(net, data, mirror, device, low_precision=is_fast_in_bf16(device))
    return one_cerebellum(probabilities, grid, name)


def propagate(
    net: torch.nn.Module,
    library: Library,
    grid: Grid,
    t1w: nib.Nifti1Image,
    t1w_to_mni: np.ndarray,
    device: torch.device,
    name: str,
) -> torch.Tensor:
    """Segment one image by the vote of a library, without a network for lobules.

    Parameters
    ----------
    net : Module
        Registers, from :func:`load_net`.
    library : Library
        Labelled cerebella on ``grid``.

    Others, result and errors are those of :func:`segment`; the shares of the votes stand for probabilities.
    """
    atlas = subject_atlas(net, library, crop_t1w(t1w, grid, t1w_to_mni), device)
    return one_cerebellum(atlas, grid, name)


def crop_t1w(t1w: nib.Nifti1Image, grid: Grid, t1w_to_mni: np.ndarray) -> np.ndarray:
    """Bring an image linearly onto a box of the working space, float32."""
    crop = resample(t1w, grid.shape, grid.affine, np.linalg.inv(t1w_to_mni), order=1)
    return crop.get_fdata(dtype=np.float32)


def one_cerebellum(probabilities: torch.Tensor, grid: Grid, name: str) -> torch.Tensor:
    """Keep one connected cerebellum, and refuse what cannot be one (:func:`check_plausible`)."""
    probabilities = keep_largest(probabilities)
    check_plausible(probabilities, grid, name)
    return probabilities
