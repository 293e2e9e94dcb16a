"""Grey and white matter of the system `deepceres`, made for adults, beside those of `infant` in the same painted heads.

Paint one head of 6, 12, 18 and 24 months each as a BIDS dataset, run both systems on it, compare::

    python benchmarks/infantsystems.py make KIT HEADS
    cerebbids HEADS DEEPCERES participant --system deepceres
    cerebbids HEADS INFANT participant --system infant
    python benchmarks/infantsystems.py dice HEADS DEEPCERES INFANT OUT.tsv

The heads are painted as in ``infantheads.py``, but with brains of about the usual volume at the age, as ``infant``
refuses much larger ones. Their maps of tissues are the exact truth (their cortex of the cerebellum is smooth, where
manual labels follow every folium). Only the network that finds the cerebellum has learnt from these maps, in other
shapes. Grey matter of ``deepceres`` is all lobules of ``seg-DeepCERES``, which leave fluid out; tissues of ``infant``
are those inside its mask of the cerebellum. Writes a row a head and system: Dice in percent, and volumes over the true
ones. A head that a system refuses has no numbers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from infantheads import phantom
from tables import write_table

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.growth import brain_cm3_at
from cerebbids.training.infantmaps import Tissue, load_infant_heads

MONTHS = (6, 12, 18, 24)
TRUTH = {"GM": Tissue.CEREBELLAR_GREY, "WM": Tissue.CEREBELLAR_WHITE}
SCHEMES = {"deepceres": "DeepCERES", "infant": "CerebellumTissue"}


def make(kit: Path, folder: Path) -> None:
    """Write the dataset; true tissues go into its ``sourcedata``."""
    heads = load_infant_heads(kit)
    (folder / "sourcedata").mkdir(parents=True, exist_ok=True)
    for month in MONTHS:
        image, tissues = phantom(heads, month, brain_cm3_at(month))
        target = folder / f"sub-{month:02}" / "anat" / f"sub-{month:02}_T1w.nii.gz"
        target.parent.mkdir(parents=True, exist_ok=True)
        nib.save(image, target)
        nib.save(nib.Nifti1Image(tissues, image.affine), truth_path(folder, month))
    (folder / "participants.tsv").write_text(
        "participant_id\tage\n" + "".join(f"sub-{month:02}\t{month}\n" for month in MONTHS)
    )
    units = {"age": {"Description": "Age", "Units": "months"}}
    (folder / "participants.json").write_text(json.dumps(units))
    description = {"Name": "Painted heads of infants", "BIDSVersion": "1.10.0"}
    (folder / "dataset_description.json").write_text(json.dumps(description))


def truth_path(folder: Path, month: int) -> Path:
    """Where the true tissues of a head are."""
    return folder / "sourcedata" / f"sub-{month:02}_dseg.nii.gz"


def answer(output: Path, system: str, month: int) -> dict[str, np.ndarray] | None:
    """Masks of the tissues that a system has labelled in the cerebellum of a head; none where it refused."""
    stem = output / f"sub-{month:02}" / "anat" / f"sub-{month:02}"
    path = Path(f"{stem}_seg-{SCHEMES[system]}_dseg.nii.gz")
    if not path.exists():
        return None
    labels, scheme = np.asarray(nib.load(path).dataobj), load_scheme(SCHEMES[system])
    if system == "infant":
        labels = labels * (np.asarray(nib.load(f"{stem}_label-CBM_mask.nii.gz").dataobj) > 0)
    return {
        tissue: np.isin(labels, [label.index for label in scheme.labels if label.tissue == tissue]) for tissue in TRUTH
    }


def row(found: dict[str, np.ndarray] | None, true: dict[str, np.ndarray]) -> dict[str, float]:
    """Dice in percent and volume over the true one, of each tissue and of both together.

    Examples
    --------
    >>> masks = {"GM": np.array([1, 1, 0, 0], bool), "WM": np.array([0, 0, 1, 0], bool)}
    >>> row({**masks, "WM": np.array([0, 0, 1, 1], bool)}, masks)["volume_WM"]
    2.0
    """
    if found is None:
        return {}
    told = {}
    for name in (*TRUTH, "both"):
        a, b = (masks["GM"] | masks["WM"] if name == "both" else masks[name] for masks in (found, true))
        told[f"dice_{name}"] = 200 * float((a & b).sum()) / float(a.sum() + b.sum())
        told[f"volume_{name}"] = float(a.sum()) / float(b.sum())
    return told


def compare(folder: Path, outputs: dict[str, Path], out: Path) -> None:
    """Write the table and print it."""
    rows = []
    for month in MONTHS:
        tissues = np.asarray(nib.load(truth_path(folder, month)).dataobj)
        true = {name: tissues == value for name, value in TRUTH.items()}
        rows += [
            {"month": month, "system": system, **row(answer(output, system, month), true)}
            for system, output in outputs.items()
        ]
    table = pd.DataFrame(rows)
    write_table(table, out)
    print(table.to_string(index=False, float_format="%.3g"))


def main(argv: list[str] | None = None) -> None:
    """Run one of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, paths in (("make", ("kit", "heads")), ("dice", ("heads", *SCHEMES, "out"))):
        own = commands.add_parser(command)
        for path in paths:
            own.add_argument(path, type=Path)
    asked = parser.parse_args(argv)
    if asked.command == "make":
        make(asked.kit, asked.heads)
    else:
        compare(asked.heads, {system: getattr(asked, system) for system in SCHEMES}, asked.out)


if __name__ == "__main__":
    main()
