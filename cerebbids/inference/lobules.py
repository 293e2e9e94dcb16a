"""The methods that name lobules: the cascade, the quick network, the vote of a library."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import nibabel as nib
import numpy as np
import torch

from cerebbids.data.labels import load_scheme
from cerebbids.errors import SegmentationFailed
from cerebbids.imaging.t2contrast import render_t2w
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.inference.answer import MEND, Answer, check_plausible, one_cerebellum
from cerebbids.inference.cascade import Cascade, segment_cascade
from cerebbids.inference.halves import on_fine_half
from cerebbids.inference.imageside import ImageSide
from cerebbids.inference.library import Library
from cerebbids.inference.opinions import averaged, first_guess, likeness, where_likely
from cerebbids.inference.prior import subject_atlas
from cerebbids.inference.segment import crop_probabilities, crop_t1w, propagate, segment
from cerebbids.systems.deepceres import DEEPCERES, LOBULE_NETS, SIDE_NETS
from cerebbids.systems.grid import Grid


@dataclass(frozen=True)
class Tools:
    """What a method works with: networks and their grids by name, the library of voters, and the device."""

    nets: Mapping[str, torch.nn.Module]
    grids: Mapping[str, Grid]
    library: Library | None
    device: torch.device


def find_lobules(
    method: str,
    tools: Tools,
    t1w: nib.Nifti1Image,
    t1w_to_mni: np.ndarray,
    side: ImageSide,
    name: str,
    *,
    flip: bool = False,
    lap: Callable[[str], None] = lambda stage: None,
) -> Answer:
    """Name the lobules of one image.

    Parameters
    ----------
    method : str
        Key of :attr:`cerebbids.systems.system.System.methods`.
    tools : Tools
    t1w : Nifti1Image
        Clean, on its own grid.
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    side : ImageSide
        What :func:`cerebbids.inference.imageside.image_side` has made of the T1w.
    name : str
        What to call the image in an error.
    flip : bool
        Whether the cascade sees the mirror image, too.
    lap : callable
        Told the name of every stage when it has ended.

    Raises
    ------
    SegmentationFailed
        The cascade finds no cerebellum to start from, or what it or the mean answers cannot be one.
    ArithmeticError
        A network's answer is no number (:func:`cerebbids.inference.device.ask`).
    RuntimeError
        The memory of a GPU is too small (:func:`cerebbids.errors.is_out_of_memory`).
    """
    nets, grids, place = tools.nets, tools.grids, (t1w, t1w_to_mni)
    if method == "fast":
        return segment(nets["lobules"], grids["lobules"], *place, tools.device, name)
    assert tools.library is not None
    if method == "atlas":
        return propagate(nets["deform"], tools.library, grids["deform"], *place, tools.device, name)
    fine, crop = grids[LOBULE_NETS[0]], crop_t1w(t1w, grids["deform"], t1w_to_mni)
    atlas = on_fine_half(subject_atlas(nets["deform"], tools.library, crop, tools.device), fine.halved())
    lap("atlas")
    quick = on_fine_half(quick_answer(nets["lobules"], crop, tools.device), fine.halved())
    cascade = Cascade(tuple(nets[net] for net in SIDE_NETS), tuple(nets[net] for net in LOBULE_NETS))
    images = (side.t1w, shown_t2w(side))
    alone = cascade_alone(cascade, images, atlas, quick, fine, tools.device, name, flip=flip)
    return from_opinions(alone, atlas, quick, fine, name)


def cascade_alone(
    cascade: Cascade,
    images: tuple[np.ndarray, np.ndarray],
    atlas: np.ndarray,
    quick: np.ndarray,
    fine: Grid,
    device: torch.device,
    name: str,
    *,
    flip: bool = False,
) -> Answer:
    """What a cascade says that starts from an atlas and the network at 1 mm: plausible, but not cleaned.

    Parameters
    ----------
    cascade : Cascade
    images : tuple of ndarray, (X, Y, Z)
        T1w and T2w contrast on ``fine``.
    atlas, quick : ndarray, (27, X / 2, Y / 2, Z / 2), uint8
        From :func:`cerebbids.inference.halves.on_fine_half`: the votes, and what the network at 1 mm says.

    Others and errors are those of :func:`find_lobules`.
    """
    guess = torch.from_numpy(first_guess(atlas, quick)).float() / 255
    if not where_likely(guess).any():
        raise SegmentationFailed(name, "its atlas and the network at 1 mm find no cerebellum in it", MEND)
    answer = segment_cascade(cascade, *images, guess, fine, device, flip=flip)
    check_plausible(answer.probabilities, answer.grid, name)  # the mean would hide a cascade that finds nothing
    return answer


def from_opinions(alone: Answer, atlas: np.ndarray, quick: np.ndarray, fine: Grid, name: str) -> Answer:
    """Mean of a cascade's answer and the network at 1 mm, cleaned and held against the atlas.

    Parameters are those of :func:`cascade_alone`, which gives ``alone``.

    Raises
    ------
    SegmentationFailed
        The mean cannot be a cerebellum.
    """
    return held_against(averaged(alone, quick, fine), atlas, fine, name)


def held_against(answer: Answer, atlas: np.ndarray, fine: Grid, name: str) -> Answer:
    """Clean an answer, and tell how far its labels are those of the atlas; others as for :func:`from_opinions`."""
    answer, parts = one_cerebellum(answer, name), torch.from_numpy(atlas)
    votes = Answer(parts.half() / 255, fine.halved())
    return replace(answer, atlas=votes, with_atlas=likeness(answer, parts, fine))


def quick_answer(net: torch.nn.Module, crop: np.ndarray, device: torch.device) -> torch.Tensor:
    """Probabilities (27, X, Y, Z) that the network at 1 mm gives to a crop of a T1w on ``CEREBELLUM_1MM``."""
    mirror = load_scheme(DEEPCERES.scheme).mirror
    return crop_probabilities(net, crop, mirror, device)


def shown_t2w(side: ImageSide) -> np.ndarray:
    """T2w contrast as the cascade has seen it in training: nothing outside of the cavity or brain, no gaps inside."""
    filled = np.where(side.t2w > 0, side.t2w, render_t2w(side.t1w, TARGETS))
    return np.where(side.inside, filled, 0)
