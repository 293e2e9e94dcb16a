"""Cerebella that the localiser finds in painted heads of 1 to 36 months, and in real cut-outs.

Usage: python benchmarks/infantheads.py KIT RUN OUT.tsv

RUN is the finished run of ``cerebbids-train fit KIT WORK --net place`` (``WORK/runs/place/all``). Paints one head with
skull, face and neck for every month, as a T1w image of the age, on voxels of 0.8 to 1.25 mm in any orientation: the
maps are those of training, deformations, contrasts and noise are others. So the table tells whether the network finds
its way in such heads, not how it does on brains that it has never seen; that would take a run without some maps
(all maps of people of 5 to 8 months, say, which are then painted). The 13 infants of 24 months are real, and no
network for places has seen any; of them the share of all labelled voxels in the box is told, and whether they were
taken to lie back to front of what their headers say, as all of them do. Writes a row an image
and prints a summary.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from crossvalidate import dice
from nibabel.affines import apply_affine
from tables import write_table
from tqdm import tqdm

from cerebbids.errors import SegmentationFailed
from cerebbids.inference.infant import region
from cerebbids.inference.localise import BRAINSTEM, CEREBELLUM, Place, is_cut_out, localise, localise_cut_out
from cerebbids.training.augmentation import scanner
from cerebbids.training.infantanatomy import Pose, draw_pose, tissues_on
from cerebbids.training.infantheads import nearest_map, t1w_means, textured
from cerebbids.training.infantmaps import CLASS_OF, HeadMap, load_infant_heads, volume_at
from cerebbids.training.trained import trained_net

CPU = torch.device("cpu")
Find = Callable[[torch.nn.Module, nib.Nifti1Image, str, torch.device], Place]
MONTHS = range(1, 37)
SEED = 36
"""First part of the phantoms' seeds; that of training's examples is 0."""
VIEW_MM = (200.0, 240.0, 230.0)
"""Field of view from left to right, back to front and bottom to top."""
MARGIN_MM = 10.0
"""How much more the box holds on all sides."""
NEAR_MM = 15.0
"""Brainstem that lies no further than this above or below the cerebellum is in the box; pons lies in front of it."""


@dataclass(frozen=True)
class Box:
    """A box along the axes of the world (RAS+): its lowest and highest corner, mm."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]


def native_grid(rng: np.random.Generator) -> tuple[np.ndarray, tuple[int, ...]]:
    """Affine and shape of a grid around the world's origin: axes in any order and direction, a little oblique."""
    zooms, order, signs = rng.uniform(0.8, 1.25, 3), rng.permutation(3), rng.choice((-1, 1), 3)
    axes = np.zeros((3, 3))
    axes[order, range(3)] = signs * zooms
    axes = nib.eulerangles.euler2mat(*rng.uniform(-0.15, 0.15, 3)) @ axes
    shape = tuple(round(VIEW_MM[axis] / zoom) for axis, zoom in zip(order, zooms, strict=True))
    return nib.affines.from_matvec(axes, -axes @ ((np.array(shape) - 1) / 2)), shape


def resized(pose: Pose, head: HeadMap, cm3: float) -> Pose:
    """The same pose of a brain of another volume, which a bend and the cerebellum's own size still change a little."""
    factor = (head.volume / cm3 / np.linalg.det(pose.matrix)) ** (1 / 3)
    return replace(pose, matrix=factor * pose.matrix, offset=head.centre + factor * (pose.offset - head.centre))


def phantom(heads: tuple[HeadMap, ...], month: int, cm3: float | None = None) -> tuple[nib.Nifti1Image, np.ndarray]:
    """A head of an age, of a brain of some volume or of about the given one.

    Returns
    -------
    image : Nifti1Image
    tissues : ndarray, (X, Y, Z), uint8
        Values of ``Tissue`` on the same grid.
    """
    rng = np.random.default_rng((SEED, month))
    head = nearest_map(heads, month)
    pose = draw_pose(head, (volume_at(heads, month) / head.volume) ** (1 / 3), rng, head.centre, (10.0, 10.0, 15.0))
    if cm3 is not None:
        pose = resized(pose, head, cm3)
    affine, shape = native_grid(rng)
    tissues, _ = tissues_on(head, pose, affine, shape, rng)
    painted = textured(t1w_means(month, rng)[tissues], rng)
    change = scanner()
    change.set_random_state(int(rng.integers(2**31)))
    seen = torch.as_tensor(change(torch.from_numpy(painted)[None])).clamp(min=0)[0].numpy()
    return nib.Nifti1Image(seen, affine), tissues.astype(np.uint8)


def box_of(labels: nib.Nifti1Image) -> Box:
    """Box around the cerebellum that was found and what is near of the brainstem, with a margin."""
    classes = np.asarray(labels.dataobj)
    world = [apply_affine(labels.affine, np.argwhere(classes == value)) for value in (CEREBELLUM, BRAINSTEM)]
    low, high = world[0].min(0), world[0].max(0)
    near = world[1][(world[1][:, 2] > low[2] - NEAR_MM) & (world[1][:, 2] < high[2] + NEAR_MM)]
    both = np.concatenate((world[0], near))
    low, high = both.min(0) - MARGIN_MM, both.max(0) + MARGIN_MM
    return Box(tuple(low.tolist()), tuple(high.tolist()))


def share_inside(mask: np.ndarray, affine: np.ndarray, box: Box) -> float:
    """Share of a mask's voxels whose centres lie in a box of the world."""
    world = apply_affine(affine, np.argwhere(mask))
    return float(((world >= box.low) & (world <= box.high)).all(1).mean())


def found(
    net: torch.nn.Module, image: nib.Nifti1Image, name: str, find: Find = localise
) -> tuple[Place | None, dict[str, object]]:
    """What the network finds in an image, and a row's part about it."""
    told = {"image": name, "cut_out": is_cut_out(image)}
    try:
        place = find(net, image, name, CPU)
    except SegmentationFailed as refused:
        return None, {**told, "refused": refused.reason}
    return place, {
        **told, "refused": "", "cut": place.cut, "brain_cm3": place.brain_cm3,
        "cerebellum_cm3": place.cerebellum_cm3, "brainstem_cm3": place.brainstem_cm3,
    }  # fmt: skip


def phantom_row(net: torch.nn.Module, heads: tuple[HeadMap, ...], month: int) -> dict[str, object]:
    """Row of one painted head."""
    image, tissues = phantom(heads, month)
    truth = CLASS_OF[tissues]
    place, row = found(net, image, f"phantom_{month:02}mo")
    voxel = abs(np.linalg.det(image.affine[:3, :3])) / 1000
    row |= {"month": month, "true_brain_cm3": voxel * np.count_nonzero(truth)}
    for name, value in (("cerebellum", CEREBELLUM), ("brainstem", BRAINSTEM)):
        row[f"true_{name}_cm3"] = voxel * np.count_nonzero(truth == value)
        if place:
            row[f"dice_{name}"] = dice(np.asarray(place.labels.dataobj) == value, truth == value)
    if place:
        row["in_box"] = share_inside(truth == CEREBELLUM, image.affine, box_of(place.labels))
        shown = region(np.asarray(place.labels.dataobj), image.affine)
        row["shown"] = float(shown[truth == CEREBELLUM].mean())
    return row


def cut_out_rows(net: torch.nn.Module, kit: Path) -> list[dict[str, object]]:
    """Rows of the real cut-outs; the arrays of image and labels lie on each other, the image's header is right."""
    rows = []
    for path in tqdm(sorted((kit / "infant" / "bcp24").glob("*_T1w.nii.gz")), desc="cut-outs"):
        name = path.name.removesuffix("_T1w.nii.gz")
        stored = nib.load(path)
        image = nib.Nifti1Image(np.asarray(stored.dataobj, np.float32), stored.affine)
        place, row = found(net, image, name, localise_cut_out)
        if place:
            row["backwards"] = place.backwards
            labelled = np.asarray(nib.load(path.with_name(f"{name}_label.nii.gz")).dataobj) > 0
            row["in_box"] = share_inside(labelled, image.affine, box_of(place.labels))
        rows.append({**row, "month": 24})
    return rows


def main() -> None:
    """Write the table; print a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("kit", "run", "out"):
        parser.add_argument(name, type=Path)
    asked = parser.parse_args()
    net, heads = trained_net(asked.run), load_infant_heads(asked.kit)
    rows = [phantom_row(net, heads, month) for month in tqdm(MONTHS, desc="phantoms")]
    table = pd.DataFrame(rows + cut_out_rows(net, asked.kit))
    write_table(table, asked.out, float_format="%.4f")
    numbers = ["in_box", "shown", "dice_cerebellum", "dice_brainstem"]
    table["kind"] = np.where(table["image"].str.startswith("phantom"), "phantom", "cut-out")
    print(table.groupby("kind")[numbers].agg(["mean", "min"]).round(3).to_string())
    print(f"refused: {(table['refused'] != '').sum()} of {len(table)}")


if __name__ == "__main__":
    main()
