from dataclasses import replace

import nibabel as nib
import norms_example
import numpy as np
import pandas as pd
import pytest

from cerebbids.bids.people import Person, read_people
from cerebbids.cli.norms import main
from cerebbids.data.labels import load_scheme
from cerebbids.norms import calibration, cohort, curves
from cerebbids.norms.cohort import samples
from tests.norms.simulated import draw

PEOPLE = 24


@pytest.fixture
def kit_and_work(tmp_path):
    """People whose labels have a voxel (2 mm3) for every 100 mm3 of a simulated lobule, twice as many on the right."""
    drawn, rows = draw(PEOPLE, 0, span=(20.0, 24.0)), ["id\toasis_id\tsex\tage\tnotes"]
    sample = replace(drawn, ages=np.where(np.arange(PEOPLE) % 2, drawn.ages, 22.0))
    folders = tmp_path / "kit" / "adult" / "oasis", tmp_path / "work" / "native"
    for folder in folders:
        folder.mkdir(parents=True)
    for k in range(PEOPLE):
        rows.append(f"{1000 + k}\tX\t{'M' if sample.male[k] else 'F'}\t{sample.ages[k]:.2f}\t")
        voxels = np.zeros((40, 40, 40), np.uint8)
        labels = [x.index for x in load_scheme("Lobules").labels for _ in range(int(sample.values[k] / 100))]
        labels += [label for label in labels if label > 100]
        voxels.ravel()[: len(labels)] = labels
        nib.save(nib.Nifti1Image(voxels, np.diag([-2.0, 1, 1, 1])), folders[1] / f"{1000 + k}_by-nets_dseg.nii.gz")
    (folders[0] / "participants.tsv").write_text("\n".join(rows) + "\n")
    return sample, tmp_path / "kit", tmp_path / "work"


def test_from_labels_to_norms(kit_and_work, tmp_path, monkeypatch):
    monkeypatch.setattr(curves, "BOOTSTRAPS", 2)
    monkeypatch.setattr(curves, "SHAPE_FOLDS", 2)
    monkeypatch.setattr(calibration, "FOLDS", 2)
    monkeypatch.setattr(cohort, "samples", lambda frame: samples(frame[frame["name"] == "Cerebellum"]))
    sample, kit, work = kit_and_work
    out = tmp_path / "out"
    group = norms_example.write_group(norms_example.write_people(kit, out), work, out)
    table = pd.read_csv(group, sep="\t", keep_default_na=False)
    first = table[table["participant_id"] == "sub-1000"].set_index("name")["volume_mm3"].astype(float, errors="ignore")
    voxels = int(sample.values[0] / 100)
    assert float(first["Left VI"]) == 2 * voxels and float(first["Right VI"]) == 4 * voxels
    assert first["Intracranial cavity"] == "n/a" and set(table["image"]) == {f"sub-{1000 + k}" for k in range(PEOPLE)}
    own = read_people(out / "participants.tsv").of("sub-1000")
    assert own == Person(round(float(sample.ages[0]), 2), "male" if sample.male[0] else "female")
    assert main(["fit", str(group), "--participants", str(out / "participants.tsv"), str(out / "norms.tsv")]) == 0
    lines = list(norms_example.told(out / "norms.tsv"))
    assert lines[0].startswith(f"people: {{'female': {PEOPLE - sample.male.sum()}, 'male': {sample.male.sum()}}}")
    assert lines[1].startswith("both: centiles from 2") and len(lines) == 10
    low, middle, high = (float(part.split(": ")[1].split(" ")[0]) for part in lines[2].split("cm3: ")[1].split(", "))
    assert low < middle < high and middle == pytest.approx(78 * np.median(sample.values) / 100 / 1000, rel=0.2)
