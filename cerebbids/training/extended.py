"""More shapes than there are labelled people: the most similar one is deformed onto each unlabelled cerebellum.

Morell-Ortega et al. 2025, section 2.4, with the registration network in place of Greedy. Only the displacement is kept;
images and labels are pulled through it when an example is drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy import ndimage
from tqdm import tqdm

from cerebbids.data.labels import load_scheme
from cerebbids.errors import UsageError
from cerebbids.files import atomic
from cerebbids.imaging.resample import moved_up
from cerebbids.imaging.tissuemeans import TARGETS
from cerebbids.inference.inputs import standardise
from cerebbids.inference.prior import most_similar
from cerebbids.inference.registration import answers, half_displacements
from cerebbids.nets.displacement import doubled, jacobian_determinant, warp
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from cerebbids.training.finecases import at_1mm, load_person, mirrored
from cerebbids.training.kit import bare_name, surrounding_heads
from cerebbids.training.prepare import save_arrays
from cerebbids.training.run import read_notes, run_folder
from cerebbids.training.sources import brain_names, painted_heads, people_but
from cerebbids.training.trained import trained_net

SHAPES = "shapes.tsv"
"""Table of a fold's shapes; written last."""
FOLDED = 1e-4
"""Largest share of folded voxels of a shape that is kept."""
GAP_MM = 2.0
"""Fissures narrower than twice this belong to a painted brain."""


@dataclass(frozen=True)
class Target:
    """An unlabelled cerebellum: T1w (X, Y, Z), float32, without what is outside the brain, in voxels of 1 mm."""

    name: str
    t1w: np.ndarray


@dataclass(frozen=True)
class Shape:
    """How a labelled person, mirrored or not, gets the shape of a target.

    ``displacement`` (1, 3, X / 4, Y / 4, Z / 4) float16, voxels of 2 mm on ``CEREBELLUM_05MM``.
    """

    target: str
    person: str
    mirrored: bool
    displacement: torch.Tensor


def targets(kit: Path, work: Path) -> Iterator[Target]:
    """Brains, full heads and painted head maps of the kit, but for those that are kept for testing."""

    def stored(folder: str, name: str, *keys: str) -> tuple[np.ndarray, ...]:
        with np.load(Path(work) / folder / f"{name}.npz") as arrays:
            return tuple(arrays[key] for key in keys)

    for name in brain_names(kit):
        box = torch.from_numpy(stored("brains", name, "box")[0].astype(np.float32))
        yield Target(name, torch.nn.functional.avg_pool3d(box[None, None], 2)[0, 0].numpy())
    for name in map(bare_name, surrounding_heads(kit)):
        image, outside = stored("surroundings", name, "image", "outside")
        inside = image.astype(np.float32) * ~outside * np.float32(TARGETS[2])
        yield Target(name, moved_up(inside, CEREBELLUM_1MM, CEREBELLUM_05MM.halved()))
    for name in painted_heads(kit):
        shares = stored("heads", name, "shares")[0] / np.float32(255)
        tissue = shares[1] + shares[2] > 0.5
        brain = tissue | ndimage.binary_closing(tissue, iterations=round(GAP_MM))  # closing loses what meets the faces
        yield Target(name, np.tensordot(np.array(TARGETS, np.float32), shares, 1) * brain)


@dataclass(frozen=True)
class Candidates:
    """Labelled people and their mirror images, one after the other.

    Parameters
    ----------
    people : tuple of (str, bool)
        Person, and whether mirrored.
    images : Tensor, (M, X, Y, Z)
        Their T1w at 1 mm, standardised.
    outlines : Tensor, (M, X, Y, Z)
        Where their cerebella are.
    where : Tensor of bool, (X, Y, Z)
        Where anybody's cerebellum is. Similarity is judged there: head maps are painted without what lies around a
        brain, which would make the most shrunken one the most similar.
    """

    people: tuple[tuple[str, bool], ...]
    images: torch.Tensor
    outlines: torch.Tensor
    where: torch.Tensor


def shape_of(net: torch.nn.Module, target: Target, known: Candidates) -> tuple[Shape, dict[str, object]]:
    """Find the most similar person and register it; where steps on the pair fold too much of it, without them.

    Parameters
    ----------
    net : Module
        :class:`cerebbids.nets.deform.DeformNet`.
    target : Target
    known : Candidates

    Returns
    -------
    Shape
    dict
        What is worth a row of a table: the ``way`` of registering, mean absolute difference of brightness ``before``
        and ``after``, share of voxels that are ``folded``, ``smallest`` Jacobian determinant, all where the person's
        cerebellum comes to lie; and the share that is ``folded_with_steps``, taken or not.
    """
    image = standardise(torch.from_numpy(target.t1w))
    place = most_similar(image[known.where], known.images[:, known.where], 1)[0]
    moving, outline = (volumes[place][None, None] for volumes in (known.images, known.outlines))
    person, is_mirrored = known.people[place]
    way, half = "network and steps", half_displacements(net, image, moving, outline).half()
    row = fit(image, moving, outline, half)
    with_steps = row["folded"]
    if with_steps > FOLDED:
        way, half = "network", answers(net, image[None, None], moving).half()
        row = fit(image, moving, outline, half)
    known_as = {"target": target.name, "person": f"OASIS-{person}", "mirrored": is_mirrored, "way": way}
    return Shape(target.name, person, is_mirrored, half), {**known_as, **row, "folded_with_steps": with_steps}


def fit(image: torch.Tensor, moving: torch.Tensor, outline: torch.Tensor, half: torch.Tensor) -> dict[str, float]:
    """Brightness before and after moving, and folds, where the outline comes to lie; numbers of :func:`shape_of`."""
    field = doubled(half.float())
    here = warp(outline, field, "nearest")[0, 0] > 0
    growth = jacobian_determinant(field)[0][here]
    return {
        "before": float((image - moving[0, 0]).abs()[here].mean()),
        "after": float((image - warp(moving, field)[0, 0]).abs()[here].mean()),
        "folded": float((growth <= 0).float().mean()),
        "smallest": float(growth.min()),
    }


def candidates(work: Path, people: tuple[str, ...]) -> Candidates:
    """People at 0.5 mm and their mirror images."""
    swap = np.array(load_scheme(DEEPCERES.scheme).mirror, np.uint8)
    known, images, outlines = [], [], []
    for person in people:
        case = load_person(work, person)
        for flip in (False, True):
            seen = mirrored(case, swap) if flip else case
            known.append((person, flip))
            images.append(standardise(at_1mm(seen.t1w)))
            outlines.append(at_1mm((seen.labels > 0).astype(np.float32)))
    places = torch.stack(outlines)
    return Candidates(tuple(known), torch.stack(images), places, (places > 0).any(0))


def extend(kit: Path, work: Path, fold: str) -> pd.DataFrame:
    """Write ``<work>/extended/<fold>`` with the shapes of all targets, of labelled people but the fold's.

    Parameters
    ----------
    kit, work : Path
        As :func:`cerebbids.training.finepeople.refine` fills them; the registration network of the fold is trained.
    fold : str
        Fold whose people are left out, or ``all``.

    Returns
    -------
    DataFrame
        A row a target, as :func:`shape_of` tells, and whether the shape is ``kept``: one that folds in more than
        ``FOLDED`` of its voxels is not. Also written, as ``<work>/extended/<fold>/shapes.tsv``.

    Raises
    ------
    UsageError
        The network is not trained, or has seen people of the fold.
    """
    run, folder, people = run_folder(work, "deform", fold), extended_folder(work, fold), people_but(kit, fold)
    net, (_, seen) = trained_net(run), read_notes(run)
    if others := set(seen.people) - {f"OASIS-{person}" for person in people}:
        raise UsageError(str(run), f"has seen {', '.join(sorted(others))}", "train it without the fold's people")
    known = candidates(work, people)
    (folder / SHAPES).unlink(missing_ok=True)  # says that the shapes beside it are whole, and all of one network
    rows = []
    for target in tqdm(list(targets(kit, work)), desc="shapes"):
        shape, row = shape_of(net, target, known)
        rows.append({**row, "kept": row["folded"] <= FOLDED})
        save_arrays(
            folder / f"{shape.target}.npz", displacement=shape.displacement.numpy(), person=np.array(shape.person),
            mirrored=np.array(shape.mirrored),
        )  # fmt: skip
    table = pd.DataFrame(rows)
    with atomic(folder / SHAPES) as draft:
        table.to_csv(draft, sep="\t", index=False, float_format="%.5f")
    return table


def extended_folder(work: Path, fold: str) -> Path:
    """Folder of the shapes that were made without a fold's people."""
    return Path(work) / "extended" / run_folder(work, "deform", fold).name


def load_shapes(work: Path, fold: str) -> tuple[Shape, ...]:
    """Read the shapes of a fold that are kept.

    Raises
    ------
    UsageError
        They have not been made.
    """
    folder = extended_folder(work, fold)
    if not (folder / SHAPES).exists():
        raise UsageError(str(folder), "holds no shapes", "make them with cerebbids-train extend")
    table, found = pd.read_csv(folder / SHAPES, sep="\t"), []
    for target in table["target"][table["kept"]]:
        with np.load(folder / f"{target}.npz") as arrays:
            displacement = torch.from_numpy(arrays["displacement"])
            found.append(Shape(target, str(arrays["person"]), bool(arrays["mirrored"]), displacement))
    return tuple(found)
