"""Heads of all ages in one BIDS dataset: which system each gets, and how well whole brains are labelled.

Paint heads of neonates (28 to 44 postmenstrual weeks) and infants (4.8 to 9 months) as pairs of T1w and T2w images, and
of infants of 12 and 24 months as T1w images, beside the MNI152 head of adults; run all systems by age, and
``isointense`` at ages for which ``infant`` is chosen; compare::

    python benchmarks/mixedages.py make KIT WORK HEADS
    cerebbids HEADS BY_AGE participant --system auto
    cerebbids HEADS ASKED participant --system isointense --participant-label 5mo 6mo 7mo 8mo 9mo
    python benchmarks/mixedages.py dice HEADS BY_AGE ASKED OUT.tsv

The maps that heads are painted from are those of training; deformations, contrasts, noise, and all around the brain
are others. So the table tells whether the whole way works on images of this kind: it says nothing of brains that no
network has seen, or of scans. T2w images lie otherwise than T1w ones, on grids of their own, with headers that are
wrong by some millimetres and degrees. Writes a row a head, system and class: Dice, and volume over the true one (of
fluid, which around the brain has no end, inside what the networks were shown), and prints them by class; a head that a
system for whole brains was to label and did not has a row without numbers, and so have all others, of which it is told
which system labelled them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from crossvalidate import dice
from infantheads import native_grid, phantom, resized
from nibabel.affines import from_matvec
from tables import write_table
from tqdm import tqdm

from cerebbids.bids.names import CEREBRUM, DRAWEM
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.growth import brain_cm3_at
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import whole_head_template
from cerebbids.systems.ages import since_term
from cerebbids.systems.published import SYSTEMS
from cerebbids.training.augmentation import scanner
from cerebbids.training.brainlooks import draw_contrast
from cerebbids.training.brainmaps import BrainMap, isointense_brains, neonatal_brain
from cerebbids.training.infantanatomy import draw_pose, nearest_voxels, tissues_on, to_map
from cerebbids.training.infantheads import textured
from cerebbids.training.infantmaps import CLASS_OF, Tissue, load_infant_heads
from cerebbids.training.neonates import CSF, OUTSIDE, load_term_brain

NEONATES = {f"{weeks}w": float(weeks) for weeks in (28, 32, 36, 40, 44)}
"""Postmenstrual weeks by the label of the participant."""
PAIRS = {"5mo": 4.8, "6mo": 6.0, "7mo": 7.0, "8mo": 8.0, "9mo": 9.0}
"""Months of those with a T2w image; the first is too young for the system ``infant``."""
INFANTS = {"12mo": 12, "24mo": 24}
"""Months of those without."""
ADULT = {"adult": 420}
SEED = 45
"""First part of the images' seeds; no training's examples have it."""
TERM_CM3, WEEKLY_CM3 = 390.0, 22.0
"""Volume of a brain at 40 weeks, and by how much it grows in one before and after (Hueppi et al. 1998)."""
MOTION_MM, MOTION_DEGREES = 6.0, 6.0
"""How wrong the header of a T2w image is, at most."""
_BRAIN = (Tissue.FLUID, Tissue.VEIN)


def pair_of(brain: BrainMap, cm3: float, weeks: float, seed: int) -> tuple[nib.Nifti1Image, ...]:
    """Paint a head of a brain of about some volume.

    Parameters
    ----------
    brain : BrainMap
    cm3 : float
    weeks : float
        Postmenstrual age, by which the contrast goes.
    seed : int

    Returns
    -------
    t1w, t2w : Nifti1Image
        On grids of their own; the world of the T2w image is moved.
    truth : Nifti1Image
        Classes of the system, uint8, on the grid of the T1w image.
    """
    rng = np.random.default_rng((SEED, seed))
    pose = resized(draw_pose(brain.head, 1.0, rng, brain.head.centre, (10.0, 10.0, 15.0)), brain.head, cm3)
    affine, shape = native_grid(rng)
    tissues, _ = tissues_on(brain.head, pose, affine, shape, rng)
    own = brain.classes.ravel()[nearest_voxels(brain.head, to_map(brain.head, pose, affine, shape))]
    truth = np.where((CLASS_OF[tissues] > 0) | np.isin(tissues, _BRAIN), own, 0).astype(np.uint8)
    contrast = draw_contrast(weeks, rng)
    t1w, t2w = (nib.Nifti1Image(_scanned(means[tissues], rng), affine) for means in (contrast.t1w, contrast.t2w))
    other, size = native_grid(rng)
    turn = nib.eulerangles.euler2mat(*np.radians(rng.uniform(-MOTION_DEGREES, MOTION_DEGREES, 3)))
    motion = from_matvec(turn, rng.uniform(-MOTION_MM, MOTION_MM, 3))
    moved = nib.Nifti1Image(np.asarray(resample(t2w, size, other).dataobj), motion @ other)
    return t1w, moved, nib.Nifti1Image(truth, affine)


def _scanned(means: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    change = scanner()
    change.set_random_state(int(rng.integers(2**31)))
    seen = torch.as_tensor(change(torch.from_numpy(textured(means, rng))[None])).clamp(min=0)[0].numpy()
    return (1000 * seen).astype(np.float32)


def make(kit: Path, work: Path, folder: Path) -> None:
    """Write the dataset; true classes go into its ``sourcedata``."""
    term, infants = neonatal_brain(load_term_brain(kit, work)), isointense_brains(kit)
    for place, (label, weeks) in enumerate(tqdm(NEONATES.items(), desc="neonates")):
        cm3 = TERM_CM3 + WEEKLY_CM3 * (weeks - 40)
        _save(folder, label, *pair_of(term, cm3, weeks, place))
    for place, (label, months) in enumerate(tqdm(PAIRS.items(), desc="pairs of infants")):
        brain = min(infants, key=lambda each: abs(each.head.month - months))  # noqa: B023
        weeks = 40 + months / since_term(41)
        _save(folder, label, *pair_of(brain, brain_cm3_at(months), weeks, 100 + place))
    heads = load_infant_heads(kit)
    for label, month in INFANTS.items():
        _save(folder, label, phantom(heads, month, brain_cm3_at(month))[0])
    _save(folder, "adult", whole_head_template())
    rows = [(label, "n/a", weeks) for label, weeks in NEONATES.items()]
    rows += [(label, months, "n/a") for label, months in {**PAIRS, **INFANTS, **ADULT}.items()]
    people = pd.DataFrame(rows, columns=["participant_id", "age_months", "pma"])
    people["participant_id"] = "sub-" + people["participant_id"]
    people.to_csv(folder / "participants.tsv", sep="\t", index=False)
    told = {
        "age_months": {"Description": "Age at the scan", "Units": "months"},
        "pma": {"Description": "Postmenstrual age at the scan", "Units": "weeks"},
    }
    (folder / "participants.json").write_text(json.dumps(told))
    description = {"Name": "Heads of all ages, painted but for one", "BIDSVersion": "1.10.0"}
    (folder / "dataset_description.json").write_text(json.dumps(description))
    (folder / "README").write_text("No image of this dataset is a scan of a person.\n")


def _save(
    folder: Path, label: str, t1w: nib.Nifti1Image, t2w: nib.Nifti1Image | None = None,
    truth: nib.Nifti1Image | None = None,
) -> None:  # fmt: skip
    stem = folder / f"sub-{label}" / "anat" / f"sub-{label}"
    stem.parent.mkdir(parents=True, exist_ok=True)
    nib.save(t1w, f"{stem}_T1w.nii.gz")
    if t2w is not None and truth is not None:
        nib.save(t2w, f"{stem}_T2w.nii.gz")
        truth_path(folder, label).parent.mkdir(parents=True, exist_ok=True)
        nib.save(truth, truth_path(folder, label))


def truth_path(folder: Path, label: str) -> Path:
    """Where the true classes of a head are."""
    return folder / "sourcedata" / f"sub-{label}_dseg.nii.gz"


def system_of(output: Path, label: str) -> str:
    """Name of the system that has labelled a head; nothing where none has."""
    found = (name for name, each in SYSTEMS.items() if _labels(output, label, each.scheme).exists())
    return next(found, "")


def _labels(output: Path, label: str, scheme: str) -> Path:
    return output / f"sub-{label}" / "anat" / f"sub-{label}_seg-{scheme}_dseg.nii.gz"


def rows_of(folder: Path, output: Path, label: str, scheme: str) -> list[dict[str, object]]:
    """Rows of a head that a system for whole brains has labelled."""
    path = _labels(output, label, scheme)
    shown_path = path.with_name(f"sub-{label}_desc-brain_mask.nii.gz")
    found, shown, truth = (np.asarray(nib.load(each).dataobj) for each in (path, shown_path, truth_path(folder, label)))
    truth = np.where((truth == CSF) & (shown == 0), 0, truth)
    return [
        {"head": label, "class": each.name, "dice": dice(found == each.index, truth == each.index),
         "volume_ratio": float((found == each.index).sum()) / max(1, int((truth == each.index).sum()))}
        for each in load_scheme(scheme).labels if not (scheme == DRAWEM and each.index == OUTSIDE)
    ]  # fmt: skip


def compare(folder: Path, outputs: list[Path], out: Path) -> None:
    """Write the table and print a summary."""
    rows: list[dict[str, object]] = []
    for label in (*NEONATES, *PAIRS, *INFANTS, *ADULT):
        systems = {name: output for output in outputs if (name := system_of(output, label))}
        for name in systems or {"": folder}:
            scheme = SYSTEMS[name].scheme if name else ""
            whole = scheme in (DRAWEM, CEREBRUM)
            found = rows_of(folder, systems[name], label, scheme) if whole else [{"head": label}]
            rows += [{"system": name or "none", **row} for row in found]
    table = pd.DataFrame(rows, columns=["head", "system", "class", "dice", "volume_ratio"])
    write_table(table, out)
    print(table.groupby("head", sort=False)["system"].unique().map(", ".join).to_string())
    print(table.groupby(["system", "class"], sort=False)[["dice", "volume_ratio"]].agg(["mean", "std", "min", "count"]))


def main(argv: list[str] | None = None) -> None:
    """Paint, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(dest="mode", required=True)
    painting, comparing = modes.add_parser("make"), modes.add_parser("dice")
    for name in ("kit", "work", "heads"):
        painting.add_argument(name, type=Path)
    comparing.add_argument("heads", type=Path)
    comparing.add_argument("outputs", type=Path, nargs="+")
    comparing.add_argument("out", type=Path)
    asked = parser.parse_args(argv)
    if asked.mode == "make":
        make(asked.kit, asked.work, asked.heads)
    else:
        compare(asked.heads, asked.outputs, asked.out)


if __name__ == "__main__":
    main()
