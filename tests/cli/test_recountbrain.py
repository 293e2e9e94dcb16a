"""Classes of a neonate's brain that somebody has corrected, on a small grid."""

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from cerebbids.bids.names import LABELS, OF_LABELS, YIELDS, derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import sidecar
from cerebbids.cli.run import main as run
from cerebbids.cli.tables import main
from cerebbids.imaging.labelmaps import labels_sha256
from cerebbids.interfaces.brain import BrainFigures
from cerebbids.interfaces.classes import CheckClasses, MeasureClasses
from cerebbids.interfaces.sink import DerivativesDataSink
from tests.datasets import make_dataset
from tests.finished import save, voxels

ZOOMS = (2.0, 2.0, 3.0)
SHAPE = (30, 32, 20)
NAME = "sub-01/anat/sub-01_T1w.nii.gz"
FACTS = {
    "warnings": ["Said by the networks' process."], "skull_stripped": True, "t2w_skull_stripped": True,
    "brain_cm3": 300.0, "months": -0.5,
    "probability_mean": 0.93, "doubtful_share": 0.01, "t2w_correlation": 0.9, "t2w_sharpness": 0.2, "t2w_coverage": 1.0,
}  # fmt: skip
CEREBELLUM = np.s_[10:20, 6:14, 3:8]


def classes() -> np.ndarray:
    labels = np.zeros(SHAPE, np.uint8)
    labels[4:26, 4:28, 2:18] = 1
    labels[5:25, 5:27, 3:17] = 2
    labels[7:23, 7:25, 9:15] = 3
    labels[CEREBELLUM] = 6
    for place, value in enumerate((4, 5, 7, 8, 9)):
        labels[9 + place, 16:20, 10:12] = value
    return labels


def finish(tmp_path: Path, system: str, labels: np.ndarray) -> Path:
    """Write what a run leaves of an infant; return the output folder."""
    raw, folder, found = make_dataset(tmp_path / "raw", "sub-01/anat/sub-01"), tmp_path / "work", {}
    (tmp_path / "out").mkdir()
    image = SourceImage(raw / NAME, "01", NAME, system=system)
    folder.mkdir()
    key = LABELS[system]
    shares = (255 * (np.arange(10) == labels[..., None])).astype(np.uint8)
    maps = {
        "t1w": labels * 100.0, "t2w": 900 - labels * 90.0, key: labels, "mask": (labels == 6).astype(np.uint8),
        "shown": (labels > 0).astype(np.uint8), f"{key}_probseg": shares, f"{key}_confidence": shares.max(-1),
    }  # fmt: skip
    for each, data in maps.items():
        made = nib.Nifti1Image(data.astype(np.float32) if each in ("t1w", "t2w") else data, np.diag([*ZOOMS, 1]))
        made.set_sform(made.affine, 1)
        if each in (f"{key}_probseg", f"{key}_confidence"):
            made.header.set_slope_inter(1 / 255, 0)
        if each in YIELDS[system]:
            found[each] = folder / f"{each}.nii.gz"
            nib.save(made, found[each])
    (folder / "facts.json").write_text(json.dumps(FACTS))
    given = {"dseg": str(found[key]), "system": system}
    checked = CheckClasses(**given, facts=str(folder / "facts.json"), version="1").run(cwd=str(folder)).outputs
    found[f"{key}_qc"] = Path(checked.qc)
    found[f"{key}_morph"] = Path(MeasureClasses(**given).run(cwd=str(folder)).outputs.out_file)
    seen = {each: str(found[each]) for each in ("t1w", "t2w", "shown")}
    drawn = BrainFigures(**given, **seen, confidence=str(found[f"{key}_confidence"])).run(cwd=str(folder)).outputs
    figures = {"dseg": f"{key}_dseg", "confidence": f"{key}_confidence", "shown": "shown", "pair": "pair"}
    found |= {f"figure_{name}": Path(getattr(drawn, output)) for output, name in figures.items()}
    assert found.keys() == YIELDS[system]
    for each, file in found.items():
        told = {"meta_dict": checked.meta} if each in OF_LABELS else {}
        where = {"base_directory": str(tmp_path / "out"), "source_file": str(image.path)}
        DerivativesDataSink(each, in_file=str(file), **told, **where, **sidecar(each, image)).run(cwd=str(folder))
    return tmp_path / "out"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Output folder with what a run leaves of a neonate."""
    return finish(tmp_path, "neonatal", classes())


def path(out: Path, key: str) -> Path:
    return out / derivative_path(NAME, key)


def volumes(out: Path) -> dict[str, float]:
    return pd.read_csv(path(out, "brain_morph"), sep="\t", index_col="name")["n_voxels"].to_dict()


def test_volumes_mask_quality_and_page_follow_a_correction(out):
    first = volumes(out)
    assert first["Cerebellum"] == 400 and first["Brain"] == np.isin(classes(), (2, 3, 6, 7, 8, 9)).sum()
    labels = classes()
    labels[10:12, 6:14, 3:8] = 2
    save(path(out, "brain"), labels)
    assert main([str(out)]) == 0
    assert volumes(out)["Cerebellum"] == 320 == voxels(path(out, "mask")).sum()
    told = json.loads(sidecar_path(path(out, "brain")).read_text())["CerebBIDS"]
    assert told["corrected"] and told["labels_sha256"] == labels_sha256(labels)
    assert not json.loads(sidecar_path(path(out, "shown")).read_text())["CerebBIDS"].get("from_corrected")
    page = (out / "sub-01.html").read_text()
    assert "Of the labels before their correction by hand" in page and "Deep grey matter" in page
    save(path(out, "brain"), classes())
    assert main([str(out)]) == 0 and volumes(out) == first


def test_group_has_tables_of_brains(out):
    assert run([str(out.parent / "raw"), str(out), "group"]) == 0
    long = pd.read_csv(out / "group_seg-DrawEM9_morph.tsv", sep="\t", index_col="name")
    assert long.loc["Cerebellum", "n_voxels"] == 400 and long.index[-1] == "Brain"
    wide = pd.read_csv(out / "group_seg-DrawEM9_desc-wide_morph.tsv", sep="\t")
    assert wide.loc[0, "cerebellum"] == 400 * np.prod(ZOOMS) and "brain" in wide
    quality = json.loads((out / "group_qc.json").read_text())
    assert quality["brain_pieces"]["Description"].startswith("pieces of grey and white matter")
    assert "Cerebellum of neonates, cm³" in (out / "group.html").read_text()


def test_page_shows_every_figure_and_says_what_the_networks_said(out):
    assert main([str(out)]) == 0
    page = (out / "sub-01.html").read_text()
    for key in ("brain_dseg", "brain_confidence", "shown", "pair"):
        assert path(out, f"figure_{key}").name in page
    assert "Said by the networks&#39; process." in page and "a brain, 300 cm3 of brain" in page


def test_a_corrected_cerebrum_has_no_mask_and_rows_of_what_has_no_label(tmp_path: Path):
    labels = np.where(classes() > 3, 2, classes()).astype(np.uint8)
    folder = finish(tmp_path, "isointense", labels)
    labels[CEREBELLUM] = 3
    save(path(folder, "cerebrum"), labels)
    assert main([str(folder)]) == 0
    table = pd.read_csv(path(folder, "cerebrum_morph"), sep="\t", index_col="name")
    assert table.loc["White matter", "n_voxels"] == (labels == 3).sum() and not path(folder, "mask").exists()
    assert table.loc[["Cerebellum", "Brainstem"], "n_voxels"].isna().all()
    assert table.loc["Cerebrum", "n_voxels"] == (labels > 1).sum()
