"""Cases that variants are tested on, and what may be done to their images first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np
import torch
import torch.nn.functional as F
import torchio as tio
from variants import BAD_T2W, PEOPLE, PHANTOMS, SYNTHETIC, UNCHANGED, Setting

from cerebbids.imaging.resample import moved_up
from cerebbids.imaging.t2contrast import T2W_MEANS
from cerebbids.inference.fine import applied, z_scores
from cerebbids.inference.halves import on_fine_half
from cerebbids.inference.library import read_library
from cerebbids.inference.libraryfiles import open_library
from cerebbids.inference.models import read_bundle
from cerebbids.inference.prior import subject_atlas
from cerebbids.inference.segment import load_net
from cerebbids.inference.t2w import synthetic_t2w
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from cerebbids.training.cascade import UNIT
from cerebbids.training.degrade import degrade
from cerebbids.training.finecases import at_1mm
from cerebbids.training.kit import oasis_people
from cerebbids.training.painted import painted_names
from cerebbids.training.pairs import scanned
from cerebbids.training.prepare import once
from cerebbids.training.priors import build_prior, load_atlas
from cerebbids.training.run import library_folder, read_notes, run_folder
from cerebbids.training.trained import trained_net

CPU = torch.device("cpu")
VOTERS_GRID = DEEPCERES.grids["deform"]
CHANGES: dict[str, tio.Transform] = {
    "anisotropy": tio.RandomAnisotropy(),
    "bias field": tio.RandomBiasField(),
    "blur": tio.RandomBlur(),
    "deformation": tio.RandomElasticDeformation(),
    "gamma": tio.RandomGamma(),
    "ghosting": tio.RandomGhosting(),
}
"""Random changes of table 6, as strong as they are by default: several times as strong as those of the training."""


@dataclass(frozen=True)
class HeldOut:
    """A case on the fine grid that no network of a variant has seen.

    Parameters
    ----------
    id : str
    t1w, t2w : ndarray, (X, Y, Z), float32
        Tissues at fixed brightness.
    inside : ndarray of bool, (X, Y, Z)
        Cavity or brain.
    atlas : ndarray, (27, X / 2, Y / 2, Z / 2), uint8
        Shares of 255 of the votes.
    labels : ndarray, (X, Y, Z), uint8
        Channels 0..26 in the sense of ``seg-Lobules``.
    """

    id: str
    t1w: np.ndarray
    t2w: np.ndarray
    inside: np.ndarray
    atlas: np.ndarray
    labels: np.ndarray


def names_of(cases: str, setting: Setting) -> tuple[str, ...]:
    """Names of the people, or phantoms, that are tested on."""
    if cases == PHANTOMS:
        return tuple(name for name in painted_names() if name.split("_")[0] == setting.brain)
    return tuple(person.id for person in oasis_people(setting.kit) if str(person.fold) == setting.fold)


def check_unseen(setting: Setting) -> None:
    """End the program where the atlases are voted by what has seen one of the people that are tested on.

    Raises
    ------
    SystemExit
        They are.
    """
    _, seen = read_notes(run_folder(setting.work, "deform", setting.fold))
    library = open_library(library_folder(setting.work, setting.fold), VOTERS_GRID, DEEPCERES.scheme)
    tested = {f"OASIS-{name}" for name in names_of(PEOPLE, setting)}
    if leaked := tested & {*seen.people, *library.sources}:
        raise SystemExit(f"{sorted(leaked)} have been seen")


def load(name: str, setting: Setting) -> HeldOut:
    """Read a case; its atlas is voted first if nobody has needed it yet."""
    build_prior(setting.work, setting.fold, name)
    with np.load(setting.work / "fine" / f"{name}.npz") as arrays:
        t1w, t2w = (arrays[key].astype(np.float32) for key in ("t1w", "t2w"))
        labels = arrays["compartments"]
    inside = t2w > T2W_MEANS[2] / 2  # nothing is shown elsewhere, and no tissue is darker
    seen = scanned_t2w(t2w, name) if name in painted_names() else t2w
    return HeldOut(name, t1w, seen, inside, load_atlas(setting.work, setting.fold, name), labels)


def scanned_t2w(t2w: np.ndarray, name: str) -> np.ndarray:
    """T2w of a painted case with blur, noise and field of its own.

    Painted cases are stored with the T2w that their tissues have. It would tell what no scan does.
    """
    return scanned(t2w, np.random.default_rng(crc32(f"T2w of {name}".encode())))


def seen_coarsely(volume: np.ndarray) -> np.ndarray:
    """What voxels of 1 mm show of a fine volume (X, Y, Z), interpolated linearly; float32."""
    coarse = degrade(torch.from_numpy(volume.astype(np.float32))[None, None])
    return F.interpolate(coarse, scale_factor=2, mode="trilinear", align_corners=False)[0, 0].numpy()


def changed(images: str, case: HeldOut, setting: Setting) -> HeldOut:
    """Do to the images of a case what a row of a table says; what takes long is kept.

    Parameters
    ----------
    images : str
        ``UNCHANGED``, ``BAD_T2W``, ``SYNTHETIC`` or a key of ``CHANGES``.
    case : HeldOut
    setting : Setting
    """
    if images == UNCHANGED:
        return case
    if images == BAD_T2W:
        return replace(case, t2w=case.t1w)
    change: Callable[[HeldOut], HeldOut] = synthetic if images == SYNTHETIC else lambda known: at_random(images, known)
    path = setting.folder / "images" / images.replace(" ", "-") / f"{case.id}.npz"
    made = once(path, lambda: with_atlas(change(case), setting))
    t1w, t2w = (made[key].astype(np.float32) for key in ("t1w", "t2w"))
    return replace(case, t1w=t1w, t2w=t2w, atlas=made["atlas"], labels=made["labels"])


def with_atlas(case: HeldOut, setting: Setting) -> dict[str, np.ndarray]:
    """Arrays of a case with the atlas that its changed T1w gets."""
    t1w, t2w = (image.astype(np.float16) for image in (case.t1w, case.t2w))
    return {"t1w": t1w, "t2w": t2w, "labels": case.labels, "atlas": voted(case, setting)}


def voted(case: HeldOut, setting: Setting) -> np.ndarray:
    """Atlas of a case, by the registration network and the library that have not seen the fold."""
    work, fold, half = setting.work, setting.fold, CEREBELLUM_05MM.halved()
    library = read_library(library_folder(work, fold), VOTERS_GRID, DEEPCERES.scheme)
    t1w = moved_up(at_1mm(case.t1w).numpy(), half, CEREBELLUM_1MM)
    return on_fine_half(subject_atlas(trained_net(run_folder(work, "deform", fold)), library, t1w, CPU), half)


def synthetic(case: HeldOut) -> HeldOut:
    """Images as the packaged networks make them where there is only a T1w of 1 mm."""
    networks = read_bundle(None, DEEPCERES.name).networks
    superres, contrast = (load_net(networks[name], CPU) for name in ("superres", "contrast"))
    coarse = degrade(torch.from_numpy(case.t1w)[None, None])[0, 0].numpy()
    mean, spread = z_scores(coarse, at_1mm(case.inside.astype(np.float32)).numpy() > 0.5)
    t1w = (mean + spread * applied(superres, (coarse - mean) / spread, CPU)).clip(0)
    return replace(case, t1w=t1w, t2w=synthetic_t2w(contrast, t1w, case.inside, CPU))


def at_random(change: str, case: HeldOut) -> HeldOut:
    """Change both images at random, always the same way; a deformation takes the labels with it."""
    affine = CEREBELLUM_05MM.affine
    images = {
        name: tio.ScalarImage(tensor=torch.from_numpy(image / UNIT)[None], affine=affine)
        for name, image in (("t1w", case.t1w), ("t2w", case.t2w))
    }
    labels = tio.LabelMap(tensor=torch.from_numpy(case.labels)[None], affine=affine)
    with torch.random.fork_rng():
        torch.manual_seed(crc32(f"{change} of {case.id}".encode()))
        found = CHANGES[change](tio.Subject(**images, labels=labels))
    t1w, t2w = (found[name].data[0].clamp(min=0).numpy() * np.float32(UNIT) for name in images)
    return replace(case, t1w=t1w, t2w=t2w, labels=found["labels"].data[0].numpy().astype(np.uint8))
