"""Groups with known centiles."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from cerebbids.norms.cohort import Sample

STRUCTURES = {"Left VI": ("left", 6000.0), "Right VI": ("right", 6300.0), "Cerebellum": ("both", 120000.0)}


def true_centiles(ages, male, levels, size=6000.0):
    """Volumes (mm3) that fall after 30 and are larger, and more spread, in men and in age; skewed to the right."""
    middle = size * (1 + 0.1 * male - 0.00012 * (ages - 30) ** 2)
    spread = 0.06 * size * np.exp(0.008 * (ages - 40)) * (1 + 0.2 * male)
    z = ndtri(np.asarray(levels, float) / 100)
    return middle[..., None] + spread[..., None] * (np.exp(0.3 * z) - 1) / 0.3


def draw(people: int, seed: int, size: float = 6000.0, span=(18.0, 85.0)) -> Sample:
    """Draw a sample of one image each."""
    rng = np.random.default_rng(seed)
    ages, male = rng.uniform(*span, people), rng.random(people) < 0.5
    levels = 100 * rng.random(people)
    values = true_centiles(ages, male, levels, size)[np.arange(people), np.arange(people)]
    names = np.array([f"sub-{k:04d}" for k in range(people)])
    return Sample("Left VI", "volume_mm3", names, ages, male, values)


def write_group(root: Path, people: int, seed: int = 0, cavity: bool = True, images: int = 1) -> tuple[Path, Path]:
    """A group's table in rows, and its participants.tsv."""
    root.mkdir(parents=True, exist_ok=True)
    sample = draw(people, seed)
    rng = np.random.default_rng(seed + 1)
    rows = ["participant_id\tsession_id\timage\tindex\tname\themisphere\ttissue\tn_voxels\tvolume_mm3\ticv_percent"]
    for name, value in zip(sample.people, sample.values, strict=True):
        for image in range(images):
            for structure, (side, size) in STRUCTURES.items():
                mm3 = value * size / 6000 * rng.lognormal(0, 0.02)
                percent = f"{100 * mm3 / 1.4e6:.4f}" if cavity else "n/a"
                key = f"{name}\tn/a\t{name}_run-{image}"
                rows.append(f"{key}\tn/a\t{structure}\t{side}\tGM\t1\t{mm3:.3f}\t{percent}")
    table = root / "group_seg-Lobules_morph.tsv"
    table.write_text("\n".join(rows) + "\n")
    told = [
        f"{name}\t{age:.3f}\t{'M' if male else 'F'}"
        for name, age, male in zip(sample.people, sample.ages, sample.male, strict=True)
    ]
    participants = root / "participants.tsv"
    participants.write_text("\n".join(["participant_id\tage\tsex", *told]) + "\n")
    (root / "participants.json").write_text(json.dumps({"age": {"Units": "years"}}))
    (root / "dataset_description.json").write_text(json.dumps({"Name": "Simulated people"}))
    return table, participants
