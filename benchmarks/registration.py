"""The registration network beside ANTs' SyN and a direct optimiser, on pairs of people that it has not seen.

Usage: python benchmarks/registration.py KIT WORK OUT.tsv [--fold K]

Every person of the fold is the fixed side of one pair and the moving side of another. All see the same crops at
1 mm, affinely in template space, and the images alone; where they count, SyN and the optimiser are told by the fixed
person's outline, the network's steps by the moving one's. Compared: Dice of the label factory's lobules after moving
(they are no manual truth), the share of voxels near the cerebellum where the field folds, and seconds, all in one run
on the same CPUs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ants
import nibabel as nib
import numpy as np
import pandas as pd
import torch
from atlas import GRID, LOBULES, fold_registration
from crossvalidate import dice
from scipy import ndimage
from tqdm import tqdm

from cerebbids.imaging.antsio import limit_threads, to_ants
from cerebbids.inference.inputs import standardise
from cerebbids.inference.registration import answers, half_displacements
from cerebbids.nets.displacement import doubled, jacobian_determinant, warp
from cerebbids.training.alignment import NEAR
from cerebbids.training.augmentation import Case
from cerebbids.training.data import load_cases
from cerebbids.training.deformable import Pair, register
from cerebbids.training.kit import oasis_people
from cerebbids.training.memory import keep_freed_memory

STIFFNESS = 2.0
"""Of the direct optimiser, as in the label factory."""


@dataclass(frozen=True)
class Outlines:
    """Where images count (X, Y, Z): ``near`` the fixed cerebellum, and the ``moving`` cerebellum itself."""

    near: torch.Tensor
    moving: torch.Tensor


Method = Callable[[torch.Tensor, torch.Tensor, Outlines], torch.Tensor]
"""Fixed and moving image (X, Y, Z) -> displacement (1, 3, X, Y, Z), voxels."""


def by_network(net: torch.nn.Module, fixed: torch.Tensor, moving: torch.Tensor, outlines: Outlines) -> torch.Tensor:
    """Register with the network alone."""
    return doubled(answers(net, fixed[None, None], moving[None, None]))


def by_network_and_steps(
    net: torch.nn.Module, fixed: torch.Tensor, moving: torch.Tensor, outlines: Outlines
) -> torch.Tensor:
    """Register as the app does: the network, and then some steps on the pair."""
    return doubled(half_displacements(net, fixed, moving[None, None], outlines.moving[None, None]))


def by_syn(fixed: torch.Tensor, moving: torch.Tensor, outlines: Outlines) -> torch.Tensor:
    """Register with ANTs: SyN, cross-correlation in cubes of 5 voxels; in larger ones a pair takes longer still."""
    still, mover = (to_ants(nib.Nifti1Image(image.numpy(), GRID.affine)) for image in (fixed, moving))
    mask = to_ants(nib.Nifti1Image(outlines.near.numpy().astype(np.float32), GRID.affine))
    found = ants.registration(
        still, mover, "SyNOnly", initial_transform="identity", mask=mask, syn_metric="CC", syn_sampling=2,
        reg_iterations=(60, 40, 20), random_seed=1,
    )  # fmt: skip
    field = next(path for path in found["fwdtransforms"] if path.endswith(".nii.gz"))
    world = np.asarray(nib.load(field).dataobj).squeeze()  # LPS mm
    return torch.from_numpy(np.moveaxis(world * (-1, -1, 1) / GRID.spacing, -1, 0)[None].astype(np.float32))


def by_optimiser(fixed: torch.Tensor, moving: torch.Tensor, outlines: Outlines) -> torch.Tensor:
    """Register with the label factory's optimiser, by local correlation alone."""
    nothing = torch.zeros(1, 1, *fixed.shape)
    images = (image[None, None] for image in (fixed, moving, outlines.near))
    return register(Pair(nothing, nothing, *images), stiffness=STIFFNESS)


def scored(method: Method, fixed: Case, moving: Case) -> dict[str, float]:
    """Register one pair and look at what came out."""
    still, mover = (standardise(torch.from_numpy(case.t1w)) for case in (fixed, moving))
    near = torch.from_numpy(ndimage.binary_dilation(fixed.labels > 0, iterations=NEAR)).float()
    named = torch.from_numpy(moving.labels.astype(np.float32))
    began = time.monotonic()
    displacement = method(still, mover, Outlines(near, named))
    seconds = time.monotonic() - began
    moved = warp(named[None, None], displacement, "nearest")[0, 0].numpy().astype(int)
    growth = jacobian_determinant(displacement)[0][near > 0]
    overlap = np.mean([dice(moved == channel, fixed.labels == channel) for channel in LOBULES])
    return {
        "lobules": float(overlap), "whole": dice(moved > 0, fixed.labels > 0),
        "folded": float((growth <= 0).float().mean()), "smallest": float(growth.min()), "seconds": seconds,
    }  # fmt: skip


def main() -> None:
    """Compare the methods on one fold's people; write a row a pair and method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kit", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--fold", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    limit_threads(arguments.threads)
    keep_freed_memory()
    people = [p for p in oasis_people(arguments.kit) if p.fold == arguments.fold]
    net = fold_registration(arguments.work, arguments.fold, people)
    cases = load_cases(arguments.work, tuple(p.id for p in people))

    methods: dict[str, Method] = {
        "affine": lambda fixed, *_: torch.zeros(1, 3, *fixed.shape),
        "network": partial(by_network, net), "network and steps": partial(by_network_and_steps, net),
        "optimiser": by_optimiser, "SyN": by_syn,
    }  # fmt: skip
    rows = []
    scored(methods["network and steps"], *cases[:2])  # memory is asked for by the first call; it is not timed
    for fixed, moving in tqdm(list(zip(cases, (*cases[1:], cases[0]), strict=True)), desc="pairs"):
        for name, method in methods.items():
            pair = {"fixed": f"OASIS-{fixed.id}", "moving": f"OASIS-{moving.id}", "method": name}
            rows.append({**pair, **scored(method, fixed, moving)})
    table = pd.DataFrame(rows)
    table.to_csv(arguments.out, sep="\t", index=False, float_format="%.5f")
    print(table.groupby("method", sort=False).mean(numeric_only=True).round(4).to_string())


if __name__ == "__main__":
    main()
