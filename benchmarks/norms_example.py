"""Norms of the kit's labelled adults, from images to centiles: the worked example of ``docs/norms.md``.

Usage: python benchmarks/norms_example.py KIT WORK OUT

WORK/native holds the labels that ``cascade.py`` found of the people of ``adult/oasis`` in KIT, by networks that have
not seen them. Writes into OUT what a dataset and a run of cerebbids with ``group`` have: ``participants.tsv``, tables
of volumes of every person and of the group (without the intracranial cavity, as the images are skull-stripped). Then
fits norms as ``cerebbids-norms fit`` does, and prints what they tell, in a minute of one CPU.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd

from cerebbids.bids.names import COMPARTMENTS, group_table, sidecar_path
from cerebbids.bids.people import Person
from cerebbids.cli.collect import GroupImage
from cerebbids.cli.grouptables import group_tables, table_files
from cerebbids.cli.morphfiles import read_morph
from cerebbids.cli.norms import main as norms_main
from cerebbids.data.labels import load_scheme
from cerebbids.files import as_json, write_text
from cerebbids.imaging.volumetry import lobule_volumes, write_volumes
from cerebbids.norms.lookup import place
from cerebbids.norms.table import Curve, read_norms

AGE = 22.0
"""Years, at which centiles are printed."""
WHOLE, MEASURE = "Cerebellum", "volume_mm3"


def write_people(kit: Path, out: Path) -> list[str]:
    """Write ``participants.tsv`` as BIDS has it; give the people's ids."""
    table = pd.read_csv(kit / "adult" / "oasis" / "participants.tsv", sep="\t", dtype=str)
    rows = [f"sub-{row.id}\t{row.age}\t{row.sex}" for row in table.itertuples()]
    write_text(out / "participants.tsv", "\n".join(["participant_id\tage\tsex", *rows]) + "\n")
    write_text(out / "participants.json", as_json({"age": {"Units": "years"}}))
    write_text(
        out / "dataset_description.json", as_json({"Name": "Labelled adults of the kit", "BIDSVersion": "1.9.0"})
    )
    return list(table["id"])


def write_group(ids: list[str], work: Path, out: Path) -> Path:
    """Write tables of volumes, of every person and of the group; give the path of the group's."""
    tables = group_tables([_image(one, work, out) for one in ids], out)
    name = group_table(COMPARTMENTS)
    for file, text in table_files(tables).items():
        if file in (name, sidecar_path(Path(name)).name):
            write_text(out / file, text)
    return out / name


def _image(one: str, work: Path, out: Path) -> GroupImage:
    labels = nib.load(work / "native" / f"{one}_by-nets_dseg.nii.gz")
    path = f"sub-{one}/anat/sub-{one}_T1w.nii.gz"
    volumes = out / path.replace("_T1w.nii.gz", f"_seg-{COMPARTMENTS}_morph.tsv")
    volumes.parent.mkdir(parents=True, exist_ok=True)
    write_volumes(lobule_volumes(labels, load_scheme(COMPARTMENTS)), volumes)
    return GroupImage(path, volumes={COMPARTMENTS: read_morph(volumes, COMPARTMENTS)})


def told(norms: Path) -> Iterator[str]:
    """What a fitted table tells of the whole cerebellum, in lines."""
    described = json.loads(sidecar_path(norms).read_text(encoding="utf-8"))
    yield f"people: {described['N']}, of {described['AgeRange']} years"
    found = read_norms(norms)
    for (structure, measure, sex), curve in found.curves.items():
        if (structure, measure) == (WHOLE, MEASURE):
            known = curve.ages[np.isfinite(curve.values).any(1)]
            yield f"{sex}: centiles from {known.min():.1f} to {known.max():.1f} years"
            yield f"at {AGE:g} years, cm3: " + ", ".join(_at(curve, level) for level in (10.0, 50.0, 90.0))
    for cm3 in (110.0, 130.0):
        own = place(found, WHOLE, MEASURE, 1000 * cm3, Person(AGE), COMPARTMENTS)
        yield f"{cm3:g} cm3 at {AGE:g} years: centile {own.text} of {own.n} people; {own.why}"
    table = pd.read_csv(norms.with_name(f"{norms.stem}_calibration.tsv"), sep="\t")
    shares = table[(table["structure"] == WHOLE) & (table["measure"] == MEASURE) & (table["group"] == "all")]
    for row in shares.itertuples():
        mean = described["Calibration"][f"{row.centile:g}"]["mean"]
        yield f"people not in the fit below {row.centile:g} %: {row.below_percent:g} %, over all measures {mean} %"


def _at(curve: Curve, level: float) -> str:
    """A centile and its 95 % interval."""
    k = curve.levels.index(level)
    value, low, high = (np.interp(AGE, curve.ages, part[:, k]) / 1000 for part in (curve.values, curve.low, curve.high))
    return f"{level:g} %: {value:.1f} ({low:.1f} to {high:.1f})"


def main() -> None:
    """Write all, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("kit", "work", "out"):
        parser.add_argument(name, type=Path)
    asked = parser.parse_args()
    group = write_group(write_people(asked.kit, asked.out), asked.work, asked.out)
    norms = asked.out / "norms.tsv"
    if norms_main(["fit", str(group), "--participants", str(asked.out / "participants.tsv"), str(norms)]):
        raise SystemExit(1)
    print("\n".join(told(norms)))


if __name__ == "__main__":
    main()
