"""Output folders as finished runs leave them, but for most of the figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd

from cerebbids.bids.names import CARVED, COMPARTMENTS, OF_LABELS, VERMIS, derivative_path, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.bids.sidecars import sidecar
from cerebbids.cli.pages import write_page
from cerebbids.cli.records import Record
from cerebbids.cli.references import read_references
from cerebbids.cli.reporting import recorded_images
from cerebbids.imaging.relabel import relabel
from cerebbids.imaging.vermis import with_vermis
from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.interfaces.measure import CheckSegmentation, MeasureVolumes
from cerebbids.interfaces.sink import DerivativesDataSink
from cerebbids.reports.summary import RunSummary
from tests.datasets import make_dataset
from tests.standin.predict import FACTS

RUN = RunSummary("1.0", "cerebbids /data /out participant", "Denoised.", datetime(2026, 1, 2, tzinfo=UTC), 75.0)
NAMES = {"01": "sub-01/anat/sub-01", "02": "sub-02/ses-a/anat/sub-02_ses-a_run-1"}
"""Participants, and their images in the dataset."""
CRUS_I = 6
T1W_TO_MNI = np.array([[1.1, 0.05, 0, 3], [-0.04, 0.95, 0.1, -2], [0, -0.08, 1.05, 4], [0, 0, 0, 1]])


def centred(shape: tuple[int, int, int], axes: np.ndarray) -> tuple[tuple[int, int, int], np.ndarray]:
    """A grid whose middle is the world's origin."""
    affine = np.eye(4)
    affine[:3, :3] = axes
    affine[:3, 3] = -affine[:3, :3] @ (np.array(shape) - 1) / 2
    return shape, affine


NATIVE = centred((40, 44, 36), np.array([[-2.0, 0.1, 0], [0.1, 2.0, 0.1], [0, -0.1, 2.2]]))
FINE = centred((72, 64, 64), np.eye(3))
TEMPLATE = centred((48, 48, 48), 2 * np.eye(3))


def places(grid: tuple[tuple[int, int, int], np.ndarray]) -> np.ndarray:
    """World coordinates (mm) of a grid's voxels."""
    return nib.affines.apply_affine(grid[1], np.moveaxis(np.indices(grid[0]), 0, -1))


def labelled(grid: tuple[tuple[int, int, int], np.ndarray]) -> np.ndarray:
    """Thirteen slabs of 4 mm in the two halves of a block, the left ones at negative x."""
    x, y, z = np.moveaxis(places(grid), -1, 0)
    slab = np.floor((z + 26) / 4) + 1
    inside = (abs(x) < 30) & (abs(y) < 24) & (abs(z) < 26)
    return np.where(inside, slab + 100 * (x > 0), 0).astype(np.uint8)


def finish(out: Path, work: Path, name: str, *, vermis: bool = True, stripped: bool = False) -> None:
    """Write what there is of an image whose path in its dataset is ``name`` and ``_T1w.nii.gz``."""
    relative = f"{name}_T1w.nii.gz"
    subject = name.partition("/")[0].removeprefix("sub-")
    image = SourceImage(make_dataset(work / "raw", name) / relative, subject, relative)
    made = work / image.stem
    made.mkdir()
    out.mkdir(exist_ok=True)
    files = _make_images(made, vermis=vermis, stripped=stripped)
    meta, tables = _measure(made, files)
    for key, path in (files | tables).items():
        told = {"meta_dict": meta} if key in OF_LABELS else {}
        where = {"base_directory": str(out), "source_file": str(image.path)}
        DerivativesDataSink(key, in_file=str(path), **told, **where, **sidecar(key, image)).run(cwd=str(made))
    record = Record(relative, RUN)
    record.save(out)
    write_page(out, subject, recorded_images(out, subject, [record], read_references(None, None, ())), RUN)


def _make_images(folder: Path, *, vermis: bool, stripped: bool) -> dict[str, Path]:
    labels, fine, near = labelled(NATIVE), labelled(FINE), places(NATIVE)
    in_mni = relabel(labels, NATIVE[1], *TEMPLATE, np.linalg.inv(T1W_TO_MNI))
    maps = {
        "t1w": (np.where(labels, 600, 100).astype(np.float32), NATIVE[1]),
        "superres": (np.where(fine, 150, 20).astype(np.float32), FINE[1]),
        "dseg": (labels, NATIVE[1]),
        "dseg_mni": (in_mni, TEMPLATE[1]),
        "carved": (np.where(abs(near[..., 1]) > 4, labels, 0).astype(np.uint8), NATIVE[1]),
        "carved_fine": (np.where(abs(places(FINE)[..., 1]) > 4, fine, 0).astype(np.uint8), FINE[1]),
        "mask": ((labels > 0).astype(np.uint8), NATIVE[1]),
        "confidence": (np.ones(NATIVE[0], np.float32), NATIVE[1]),
    }
    if vermis:
        maps["vermis"] = (with_vermis(labels, abs(near[..., 0]) < 6), NATIVE[1])
    if not stripped:
        maps["icv"] = ((abs(near) < 36).all(-1).astype(np.uint8), NATIVE[1])
    for key, (data, affine) in maps.items():
        made = nib.Nifti1Image(data, affine)
        made.set_sform(affine, 1)
        nib.save(made, folder / f"{key}.nii.gz")
    write_itk_affine(T1W_TO_MNI, folder / "xfm_to_mni.txt")
    return {**{key: folder / f"{key}.nii.gz" for key in maps}, "xfm_to_mni": folder / "xfm_to_mni.txt"}


def _measure(folder: Path, files: Mapping[str, Path]) -> tuple[dict[str, Any], dict[str, Path]]:
    """Measure as a run does: what goes into the sidecars of the labels, and files by their keys."""
    given = {key: str(path) for key, path in files.items()}
    icv = {"icv": given["icv"]} if "icv" in given else {}
    tables = {"morph": (COMPARTMENTS, {"dseg": given["dseg"]})}
    tables["carved_morph"] = (CARVED, {"dseg": given["carved"], "fine": given["carved_fine"]})
    if "vermis" in given:
        tables["vermis_morph"] = (VERMIS, {"dseg": given["vermis"]})
    found = {}
    for key, (scheme, maps) in tables.items():
        (folder / key).mkdir()
        measured = MeasureVolumes(scheme=scheme, **maps, **icv).run(cwd=str(folder / key))
        found[key] = Path(measured.outputs.out_file)
    (folder / "facts.json").write_text(json.dumps({**FACTS, "snr": 17.0}))
    labels = {key: given[key] for key in ("t1w", "dseg", "dseg_mni", "carved")}
    told = {"facts": str(folder / "facts.json"), "xfm": given["xfm_to_mni"], "known": ["Shifted."]}
    check = CheckSegmentation(**labels, **icv, **told, version="1")
    checked = check.run(cwd=str(folder)).outputs
    return checked.meta, found | {"qc": Path(checked.qc)}


def path(out: Path, subject: str, key: str) -> Path:
    """Path of a derivative of the image of a participant in `NAMES`."""
    return out / derivative_path(f"{NAMES[subject]}_T1w.nii.gz", key)


def voxels(file: Path) -> np.ndarray:
    """Voxels of an image file."""
    return np.asarray(nib.load(file).dataobj)


def sidecar_of(out: Path, subject: str, key: str) -> dict[str, Any]:
    """What the sidecar of a derivative says."""
    return json.loads(sidecar_path(path(out, subject, key)).read_text())


def contents(folder: Path) -> dict[Path, bytes]:
    """All files below a folder."""
    return {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def volume(out: Path, subject: str, key: str, name: str = "Left Crus I", column: str = "n_voxels") -> float:
    """A cell of a table of volumes."""
    return pd.read_csv(path(out, subject, key), sep="\t").set_index("name").loc[name, column]


def save(file: Path, labels: np.ndarray, affine: np.ndarray | None = None) -> None:
    """Put labels in the place of others, on their grid or on another."""
    nib.save(nib.Nifti1Image(labels, nib.load(file).affine if affine is None else affine), file)


def correct(file: Path) -> np.ndarray:
    """Call voxels on the left of the left Crus I so, too, as an editor does that saves floats; tell which."""
    labels = voxels(file).astype(np.float32)
    x, y, z = np.moveaxis(places((labels.shape, nib.load(file).affine)), -1, 0)
    added = (x < -30) & (x > -34) & (abs(y) < 10) & (abs(z + 4) < 2) & (labels == 0)
    labels[added] = CRUS_I
    save(file, labels)
    return added
