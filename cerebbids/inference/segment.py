"""From a T1w and its place in template space to labels on the T1w's own grid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from scipy import ndimage

from cerebbids.data.labels import load_scheme
from cerebbids.errors import ModelError
from cerebbids.imaging.relabel import voxel_points
from cerebbids.imaging.resample import resample
from cerebbids.imaging.slabs import slabs
from cerebbids.inference.answer import Answer, most_likely, one_cerebellum
from cerebbids.inference.device import ask
from cerebbids.inference.inputs import network_input
from cerebbids.inference.library import Library
from cerebbids.inference.models import Network
from cerebbids.inference.prior import subject_atlas
from cerebbids.nets.build import build
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import Grid


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
    net: torch.nn.Module, t1w: np.ndarray, mirror: tuple[int, ...], device: torch.device
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

    Returns
    -------
    Tensor, (classes, X, Y, Z), float32, on the CPU
    """
    image = torch.from_numpy(np.ascontiguousarray(t1w, np.float32))

    def answer(x: torch.Tensor) -> torch.Tensor:
        batch = network_input(x)[None].to(device).contiguous(memory_format=torch.channels_last_3d)
        return ask(net, batch)[0].softmax(0).cpu()

    mirrored = answer(image.flip(0)).flip(1)[list(mirror)]
    return (answer(image) + mirrored) / 2


@dataclass(frozen=True)
class Readings:
    """Probabilities read on a part of another grid: planes ``slab`` of its first axis, voxels ``where`` in them.

    ``shares``: (classes, N), float32, sums to 1.
    """

    slab: slice
    where: np.ndarray
    shares: torch.Tensor


def readings(
    probabilities: torch.Tensor, sought: torch.Tensor, grid: Grid, target_shape: tuple[int, ...],
    target_affine: np.ndarray, target_to_mni: np.ndarray,
) -> Iterator[Readings]:  # fmt: skip
    """Read crop probabilities on any grid around what is sought in the crop, a few planes at a time.

    They are read linearly; where the voxels to label are larger than the crop's, in as many places of each as it takes.

    Parameters
    ----------
    probabilities : Tensor, (classes, X, Y, Z)
        Background first.
    sought : Tensor of bool, (X, Y, Z)
        Voxels of the crop around which to read. Elsewhere, for whoever reads, there is background alone.
    grid : Grid
        The crop's, in the working space.
    target_shape, target_affine
        Grid to read on.
    target_to_mni : ndarray, (4, 4)
        World of the target -> working space, mm.
    """
    crop_from_target = np.linalg.inv(grid.affine) @ target_to_mni @ target_affine
    steps = voxel_points(crop_from_target[:3, :3]).astype(np.float32)
    reach = int(np.ceil(abs(steps).max())) + 1
    possible = torch.from_numpy(ndimage.maximum_filter(sought.numpy(), 2 * reach + 1))
    size = torch.tensor([n - 1 for n in grid.shape], dtype=torch.float32)
    for slab, places in slabs(target_shape, grid.shape, crop_from_target):
        place = torch.from_numpy(places.astype(np.float32))
        near = ((place > -1) & (place < size + 1)).all(-1)
        nearest = place[near].round().clamp(torch.zeros(3), size).long()
        near[near.clone()] = possible[nearest.unbind(-1)]
        if near.any():
            yield Readings(slab, near.numpy(), _sampled(probabilities, place[near], steps))


def _sampled(probabilities: torch.Tensor, places: torch.Tensor, steps: np.ndarray) -> torch.Tensor:
    """Probabilities (classes, N) at places (N, 3) in voxels, mean over some steps from each.

    Outside the crop the background is certain, inside half a voxel of its face it is interpolated.
    """
    margin, last = float(abs(steps).max()), torch.tensor(probabilities.shape[1:]) - 1
    low = (places.amin(0) - margin).floor().long().clamp(min=0).minimum((last - 1).clamp(min=0))
    high = ((places.amax(0) + margin).ceil().long() + 1).clamp(min=1).minimum(last)
    box = (slice(None), *(slice(int(a), int(b) + 1) for a, b in zip(low, high, strict=True)))
    part = probabilities[box].to(torch.float32, copy=True)  # of the whole crop it would take a gigabyte
    part[0] -= 1
    size = (high - low).clamp(min=1)
    sampled = torch.zeros(len(part), len(places))
    for step in steps:
        points = (2 * (places + torch.from_numpy(step) - low) / size - 1).flip(-1)[None, None, None]
        sampled += F.grid_sample(part[None], points, align_corners=True, padding_mode="zeros")[0, :, 0, 0]
    sampled /= len(steps)
    sampled[0] += 1
    return sampled


def labels_on_grid(
    probabilities: torch.Tensor, grid: Grid, target_shape: tuple[int, ...], target_affine: np.ndarray,
    target_to_mni: np.ndarray, indices: tuple[int, ...],
) -> np.ndarray:  # fmt: skip
    """Bring crop probabilities onto any grid and take the most likely label of each voxel.

    Parameters
    ----------
    probabilities, grid, target_shape, target_affine, target_to_mni
        As :func:`readings` takes them.
    indices : tuple of int
        Voxel value of each class after the background.

    Returns
    -------
    ndarray of ``target_shape``, uint8
    """
    values = np.array((0, *indices), np.uint8)
    labels = np.zeros(target_shape, np.uint8)
    labelled = most_likely(probabilities) > 0  # between voxels that are background no label is the most likely
    for read in readings(probabilities, labelled, grid, target_shape, target_affine, target_to_mni):
        labels[read.slab][read.where] = values[most_likely(read.shares).numpy()]
    return labels


def segment(
    net: torch.nn.Module, grid: Grid, t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, device: torch.device, name: str
) -> Answer:
    """Segment one image by the network for 1 mm.

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

    Raises
    ------
    SegmentationFailed
        The answer cannot be a cerebellum.
    """
    data, mirror = crop_t1w(t1w, grid, t1w_to_mni), load_scheme(DEEPCERES.scheme).mirror
    probabilities = crop_probabilities(net, data, mirror, device)
    return one_cerebellum(Answer(probabilities, grid), name)


def propagate(
    net: torch.nn.Module,
    library: Library,
    grid: Grid,
    t1w: nib.Nifti1Image,
    t1w_to_mni: np.ndarray,
    device: torch.device,
    name: str,
) -> Answer:
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
    votes = Answer(atlas, grid)
    return replace(one_cerebellum(votes, name), atlas=votes)


def crop_t1w(t1w: nib.Nifti1Image, grid: Grid, t1w_to_mni: np.ndarray) -> np.ndarray:
    """Bring an image linearly onto a box of the working space, float32."""
    crop = resample(t1w, grid.shape, grid.affine, np.linalg.inv(t1w_to_mni), order=1)
    return crop.get_fdata(dtype=np.float32)
