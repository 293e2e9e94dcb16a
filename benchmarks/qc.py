"""Does the traffic light see what is wrong: real images as they are, and the same with simulated failures.

Usage: python benchmarks/qc.py OUT.tsv IMAGE_T1w.nii.gz ... [--method nets] [--threads 2] [--models-dir FOLDER]

Every image is cleaned and labelled as the app does it; its own labels then say where a lesion goes, which half is taken
away, and so on (``FAILURES``), and the changed image is registered and labelled again. Writes a row an image and
failure: the light, the flags, every number. Prints how many got which light, and how many were refused.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE, run
from tempfile import TemporaryDirectory

import nibabel as nib
import numpy as np
import pandas as pd
import torch
import torchio as tio
from nibabel.affines import apply_affine
from scipy import ndimage
from tqdm import tqdm

from cerebbids.errors import BadImage, CerebbidsError, SegmentationFailed, read_error
from cerebbids.imaging.antsio import with_data
from cerebbids.imaging.clean import clean_t1w
from cerebbids.imaging.plausibility import size_warnings
from cerebbids.imaging.qc import DEFINITIONS
from cerebbids.imaging.registration import register_to_mni
from cerebbids.imaging.verdict import judge
from cerebbids.imaging.xfm import write_itk_affine
from cerebbids.systems.deepceres import DEEPCERES

LESION_MM = 11.0
"""Radius of a lesion: 5.6 cm3."""
DESCENT_MM = 14.0
"""How far the lowest part of the cerebellum is pulled down."""
ATROPHY_MM = 2.0
"""Depth of the cortex that turns into fluid."""
CRUS = (6, 7)
"""Left labels of the lobules in which the lesion lies."""


def lesion(image: np.ndarray, labels: np.ndarray, affine: np.ndarray, fluid: float) -> np.ndarray:
    """Turn a ball in the left Crus into fluid; raises ValueError where there is none."""
    if not (crus := np.isin(labels, CRUS)).any():
        raise ValueError("no left Crus was found to put a lesion into")
    middle = np.argwhere(crus).mean(0)
    ball = np.linalg.norm(places(image.shape, affine) - apply_affine(affine, middle), axis=-1) < LESION_MM
    return np.where(ball & (labels > 0), fluid, image)


def half(image: np.ndarray, labels: np.ndarray, affine: np.ndarray, fluid: float) -> np.ndarray:
    """Turn all of the left side into fluid."""
    return np.where((labels > 0) & (labels < 100), fluid, image)


def atrophy(image: np.ndarray, labels: np.ndarray, affine: np.ndarray, fluid: float) -> np.ndarray:
    """Turn the outer millimetres of the cerebellum into fluid."""
    depth = ndimage.distance_transform_edt(labels > 0, np.linalg.norm(affine[:3, :3], axis=0))
    return np.where((depth > 0) & (depth <= ATROPHY_MM), fluid, image)


def descent(image: np.ndarray, labels: np.ndarray, affine: np.ndarray, fluid: float) -> np.ndarray:
    """Stretch what lies below the middle of the cerebellum downwards, near the midline most."""
    world = places(image.shape, affine)
    centre = apply_affine(affine, np.argwhere(labels > 0).mean(0))
    near = np.exp(-0.5 * ((world[..., :2] - centre[:2]) / (22.0, 28.0)) ** 2).prod(-1)
    below = np.clip((centre[2] - world[..., 2]) / 35.0, 0, 1)
    source = world + np.array([0, 0, DESCENT_MM]) * (near * below)[..., None]
    voxels = np.moveaxis(apply_affine(np.linalg.inv(affine), source), -1, 0)
    return ndimage.map_coordinates(image, voxels, order=1)


def cut(image: np.ndarray, labels: np.ndarray, affine: np.ndarray, fluid: float) -> np.ndarray:
    """Show nothing of the lowest fifth of the cerebellum and below."""
    height = places(image.shape, affine)[..., 2]
    return np.where(height < np.quantile(height[labels > 0], 0.2), 0, image)


def motion(image: np.ndarray, labels: np.ndarray, affine: np.ndarray, fluid: float) -> np.ndarray:
    """Turn and shift the head four times while it is scanned."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        moved = tio.RandomMotion(degrees=(4, 8), translation=(3, 6), num_transforms=4)
        return moved(torch.from_numpy(image)[None]).numpy()[0].clip(0)


def noise(image: np.ndarray, labels: np.ndarray, affine: np.ndarray, fluid: float) -> np.ndarray:
    """Add noise of a third of the cerebellum's brightness."""
    spread = np.median(image[labels > 0]) / 3
    noisy = image + np.random.default_rng(0).normal(0, spread, image.shape)
    return np.where(image > 0, np.abs(noisy), 0).astype(np.float32)


Failure = Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray]
FAILURES: dict[str, Failure] = {
    "lesion": lesion, "missing hemisphere": half, "atrophy": atrophy, "tonsil descent": descent, "cut off": cut,
    "motion": motion, "noise": noise,
}  # fmt: skip


def places(shape: tuple[int, ...], affine: np.ndarray) -> np.ndarray:
    """World coordinates (mm) of all voxels, (X, Y, Z, 3)."""
    return apply_affine(affine, np.moveaxis(np.indices(shape), 0, -1))


def labelled(t1w: nib.Nifti1Image, folder: Path, asked: argparse.Namespace) -> dict:
    """Register and label a clean image in a folder; light, flags and numbers."""
    (folder / "out").mkdir(parents=True, exist_ok=True)
    nib.save(t1w, folder / "t1w.nii")
    try:
        placed = register_to_mni(t1w, asked.threads)
    except CerebbidsError as error:
        return {"light": "refused", "flags": error.reason}
    write_itk_affine(placed.t1w_to_mni, folder / "xfm.txt")
    job = {
        "system": DEEPCERES.name, "t1w": str(folder / "t1w.nii"), "xfm": str(folder / "xfm.txt"),
        "skull_stripped": placed.skull_stripped, "t2w": None, "xfm_t2w": None, "t2w_required": False,
        "method": asked.method, "flip": False, "save_probabilities": False, "library": None,
        "models_dir": asked.models_dir, "device": "cpu", "cpu_threads": asked.threads, "out_dir": str(folder / "out"),
    }  # fmt: skip
    (folder / "job.json").write_text(json.dumps(job))
    ended = run([sys.executable, "-m", "cerebbids.cli.predict", "--spec", folder / "job.json"], stderr=PIPE, text=True)
    if ended.returncode:
        if not isinstance(refusal := read_error(ended.stderr), (BadImage, SegmentationFailed)):
            raise SystemExit(ended.stderr)
        return {"light": "refused", "flags": refusal.reason}
    images = {name: nib.load(folder / "out" / f"{name}.nii.gz") for name in ("dseg", "dseg_mni", "carved")}
    cavity = folder / "out" / "icv.nii.gz"
    icv = nib.load(cavity) if cavity.exists() else None
    facts = json.loads((folder / "out" / "predict.json").read_text())
    of_steps = (*size_warnings(placed.determinant), *facts["warnings"])
    verdict = judge(**images, t1w=t1w, icv=icv, facts=facts, t1w_to_mni=placed.t1w_to_mni, of_steps=of_steps)
    numbers = {key: value for key, value in verdict.quality.items() if key in DEFINITIONS}
    return {"light": verdict.quality["light"], "flags": " ".join(verdict.warnings), **numbers}


def rows(image: Path, asked: argparse.Namespace) -> Iterator[dict]:
    """Rows of one image: as it is, then with each failure."""
    with TemporaryDirectory() as folder:
        try:
            clean = clean_t1w(image, asked.threads)[0]
        except BadImage as error:
            yield {"image": image.name.split(".")[0], "failure": "none", "light": "refused", "flags": error.reason}
            return
        whole = Path(folder) / "whole"
        yield {"image": image.name.split(".")[0], "failure": "none", **labelled(clean, whole, asked)}
        if not (whole / "out" / "dseg.nii.gz").exists():
            return
        labels = np.asarray(nib.load(whole / "out" / "dseg.nii.gz").dataobj)
        fluid = json.loads((whole / "out" / "predict.json").read_text())["tissues"]["csf"]
        shown = np.asarray(clean.dataobj, dtype=np.float32)
        for name, failure in FAILURES.items():
            try:
                changed = with_data(clean, failure(shown, labels, clean.affine, fluid).astype(np.float32))
            except ValueError as error:
                made = {"light": "not simulated", "flags": str(error)}
            else:
                made = labelled(changed, Path(folder) / name.replace(" ", "_"), asked)
            yield {"image": image.name.split(".")[0], "failure": name, **made}


def lights(table: pd.DataFrame) -> str:
    """Markdown table of how many images of each failure got which light."""
    counts = table.groupby(["failure", "light"], sort=False).size().unstack(fill_value=0)
    shown = [light for light in ("green", "yellow", "red", "refused", "not simulated") if light in counts]
    lines = ["| | " + " | ".join(shown) + " |", "|---" * (len(shown) + 1) + "|"]
    return "\n".join(
        [*lines, *(f"| {name} | " + " | ".join(map(str, row)) + " |" for name, *row in counts[shown].itertuples())]
    )


def main() -> None:
    """Write the table, a row at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--method", default="nets", choices=DEEPCERES.methods)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--models-dir")
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    made: list[dict] = []
    for image in tqdm(asked.images, desc="images"):
        for row in rows(image, asked):
            made.append(row)
            pd.DataFrame(made).to_csv(asked.out, sep="\t", index=False)
    print(lights(pd.DataFrame(made)))


if __name__ == "__main__":
    main()
