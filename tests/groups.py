"""Output folders of many images in no time: tables, quality and sidecars without any voxel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from cerebbids.bids.found import beside_labels
from cerebbids.bids.names import CARVED, COMPARTMENTS, TISSUES, VERMIS, WHOLE, derivative_path, sidecar_path
from cerebbids.cli.records import Record
from cerebbids.config import RunConfig
from cerebbids.data.labels import load_scheme
from cerebbids.imaging.qc import quality_report
from cerebbids.imaging.volumetry import CAVITY, region_names
from tests.datasets import make_dataset
from tests.finished import RUN

MADE = {"version": "1.0.2", "model": "net 1+abc", "method": "nets"}
METRICS = {"confidence_mean": 0.9, "pieces": 1, "nets_dice": None, "at_field_edge": False}
FIVE = [f"sub-{k}/anat/sub-{k}" for k in range(1, 6)]
RUNS = [
    "sub-1/ses-a/anat/sub-1_ses-a_run-1",
    "sub-1/ses-a/anat/sub-1_ses-a_run-2",
    "sub-1/ses-b/anat/sub-1_ses-b_run-1",
]
MAPS = {"morph": ("dseg", COMPARTMENTS), "carved_morph": ("carved", CARVED), "vermis_morph": ("vermis", VERMIS)}


def folders(root: Path, *names: str) -> RunConfig:
    """A dataset with images of these names (paths without ``_T1w.nii.gz``), and its output folder."""
    raw, out = make_dataset(root / "raw"), root / "out"
    out.mkdir()
    for name in names:
        source = raw / f"{name}_T1w.nii.gz"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.touch()
    description = {"GeneratedBy": [{"Name": "cerebbids"}], "DatasetLinks": {"raw": "../raw"}}
    (out / "dataset_description.json").write_text(json.dumps(description))
    return RunConfig(raw, out, root / "work", analysis_level="group")


def labels_of(out: Path, name: str, key: str = "dseg") -> Path:
    """Path of an image's labels."""
    return out / Path(name).parent / derivative_path("sub-0_T1w.nii.gz", key).name.replace("sub-0", Path(name).name)


def put(
    out: Path,
    name: str,
    factor: float = 1.0,
    volumes: Mapping[str, float] | None = None,
    cavity: float | None = 1e6,
    made: Mapping[str, Any] = MADE,
    metrics: Mapping[str, Any] = METRICS,
    vermis: bool = True,
) -> Path:
    """Write what there is of an image whose regions have 1000, 1010, ... mm3 times a factor, but for those told."""
    labels = labels_of(out, name)
    labels.parent.mkdir(parents=True, exist_ok=True)
    for key, (of_map, scheme) in MAPS.items():
        if vermis or scheme != VERMIS:
            beside_labels(labels, of_map).touch()
            for path in (beside_labels(labels, of_map), beside_labels(labels, key)):
                sidecar_path(path).write_text(json.dumps({"CerebBIDS": dict(made)}))
            table = _table(scheme, factor, volumes or {}, cavity)
            table.to_csv(beside_labels(labels, key), sep="\t", index=False, na_rep="n/a")
    beside_labels(labels, "qc").write_text(json.dumps(quality_report(dict(metrics))))
    Record(f"{name}_T1w.nii.gz", RUN).save(out)
    return labels


def put_infant(out: Path, name: str, factor: float = 1.0) -> None:
    """Write what there is of an infant's image, whose grey and white matter have 1030 mm3 times a factor."""
    labels = labels_of(out, name, "tissues")
    labels.parent.mkdir(parents=True, exist_ok=True)
    for path in (labels, beside_labels(labels, "tissues_morph")):
        path.touch()
        sidecar_path(path).write_text(json.dumps({"CerebBIDS": MADE}))
    table = _table(TISSUES, factor, {}, None)
    table[table["name"] != CAVITY].to_csv(beside_labels(labels, "tissues_morph"), sep="\t", index=False, na_rep="n/a")
    beside_labels(labels, "tissues_qc").write_text(json.dumps(quality_report(METRICS)))
    Record(f"{name}_T1w.nii.gz", RUN).save(out)


def filled(root: Path, *names: str) -> RunConfig:
    """Folders with images of these names, each a tenth larger than the one before."""
    config = folders(root, *names)
    for k, name in enumerate(names):
        put(config.output_dir, name, 1 + k / 10)
    return config


def tell(path: Path, **facts: Any) -> None:
    """Let the sidecar of a file say more of how that was made, or something else."""
    sidecar = sidecar_path(path)
    told = json.loads(sidecar.read_text())["CerebBIDS"]
    sidecar.write_text(json.dumps({"CerebBIDS": told | facts}))


def _table(scheme: str, factor: float, volumes: Mapping[str, float], cavity: float | None) -> pd.DataFrame:
    known = {label.name: label for label in load_scheme(scheme).labels}
    rows = []
    for k, name in enumerate(region_names(load_scheme(scheme), WHOLE.get(scheme))):
        mm3 = volumes.get(name, (1000 + 10 * k) * factor)
        side = name.split(" ")[0].lower()
        rows.append(
            {
                "index": known[name].index if name in known else pd.NA,
                "name": name,
                "hemisphere": side if side in ("left", "right") else "midline" if side == "vermis" else "both",
                "tissue": known[name].tissue if name in known else "both",
                "n_voxels": round(mm3),
                "volume_mm3": mm3,
                "icv_percent": 100 * mm3 / cavity if cavity else pd.NA,
            }
        )
    whole = {"n_voxels": cavity and round(cavity), "volume_mm3": cavity, "icv_percent": cavity and 100.0}
    rows.append({"index": pd.NA, "name": CAVITY, "hemisphere": "both", "tissue": pd.NA, **whole})
    return pd.DataFrame(rows).astype({"index": "Int64", "n_voxels": "Int64"})


def read(out: Path, name: str) -> pd.DataFrame:
    """Read a table; ``n/a`` is missing, and nothing else is."""
    return pd.read_csv(out / name, sep="\t", keep_default_na=False, na_values=["n/a"])
