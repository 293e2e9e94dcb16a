"""How good cavity, super-resolution and T2w synthesis are, on heads that their networks have not seen.

Usage: python benchmarks/imageside.py KIT WORK OUT_DIR

KIT is the folder of images and WORK what ``cerebbids-train prepare`` has made. Writes ``imageside_superres.tsv``
(one row a head and method), ``imageside_t2w.tsv`` (one row a phantom or head), ``imageside_icv.tsv`` (one row a
painted or real head) into OUT_DIR, and prints a summary.

Super-resolution: a clean scan is blurred with a Gaussian as wide (FWHM) as voxels twice as large, sampled there, and
brought back; compared with itself inside the cerebellum, in units of white matter at 250.
T2w: phantoms are label maps of heads kept for testing, whose T1w comes from the signal equation of an MPRAGE with
published relaxation times and random timing - nothing of it is in the training - and whose true T2w is known.
Cavity: the same label maps painted at random (whole, defaced, cut), against their own cavities; volumes of real heads.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from skimage.metrics import structural_similarity
from tqdm import tqdm

from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.clean import clean_t1w
from cerebbids.imaging.registration import register_to_mni
from cerebbids.imaging.resample import resample
from cerebbids.imaging.standard import scale_tissues
from cerebbids.imaging.t2contrast import T2W_MEANS, render_t2w
from cerebbids.imaging.template import template_cerebellum
from cerebbids.imaging.tissuemeans import TARGETS, TissueMeans, scale_to_means
from cerebbids.inference.answer import keep_largest
from cerebbids.inference.cavity import MIRROR
from cerebbids.inference.fine import applied, z_scores
from cerebbids.inference.imageside import image_side
from cerebbids.inference.models import read_bundle
from cerebbids.inference.segment import crop_probabilities, load_net
from cerebbids.inference.t2w import synthetic_t2w
from cerebbids.training import heads
from cerebbids.training.anatomies import around_cerebellum
from cerebbids.training.degrade import degrade
from cerebbids.training.pairs import Anatomy, upsampled

CPU = torch.device("cpu")
WHITE = TARGETS[2]
T1_MS = {"csf": 4000.0, "gm": (1200.0, 1500.0), "wm": (780.0, 920.0)}
"""T1 at 3 T (Wansapura et al. 1999; Stanisz et al. 2005), ms; proton densities are those of the T2w contrast."""
PAINTINGS = 4
"""Random paintings of every head kept for testing."""


def psnr(found: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """Peak signal-to-noise ratio inside a mask, dB; the peak is white matter."""
    return float(20 * np.log10(WHITE / np.sqrt(np.mean((found - truth)[inside] ** 2))))


def ssim(found: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """Mean structural similarity inside a mask, windows of 7 voxels."""
    _, local = structural_similarity(truth, found, data_range=WHITE, full=True)
    return float(local[inside].mean())


def upsampled_by(coarse: np.ndarray, net: torch.nn.Module, inside: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """Coarse volume at twice its resolution, by every method."""
    affine = np.diag([2.0, 2, 2, 1])
    affine[:3, 3] = 0.5
    shape = tuple(2 * n for n in coarse.shape)
    for name, order in (("trilinear", 1), ("cubic B-spline", 3)):
        yield name, resample(nib.Nifti1Image(coarse, affine), shape, np.eye(4), order=order).get_fdata(dtype=np.float32)
    mean, spread = z_scores(coarse, inside)
    yield "network", mean + spread * applied(net, (coarse - mean) / spread, CPU)


@dataclass(frozen=True)
class Head:
    """A clean T1w image with its skull, and the way from its world to the working space."""

    name: str
    clean: nib.Nifti1Image
    to_mni: np.ndarray


def full_heads(kit: Path) -> list[Head]:
    """Clean the kit's heads with their skulls."""
    found = []
    for path in tqdm(sorted((kit / "adult" / "heads").glob("*_T1w.nii.gz")), desc="heads"):
        clean, place = clean_t1w(path, 2)
        found.append(Head(path.name.split(".")[0], clean, register_to_mni(clean, 2, place).t1w_to_mni))
    return found


def super_resolution(full: list[Head], net: torch.nn.Module) -> pd.DataFrame:
    """Compare the network with interpolation."""
    rows = []
    for head in full:
        clean, to_mni = head.clean, head.to_mni
        brain = brain_mask(clean, to_mni, 0.0)
        truth = around_cerebellum(scale_tissues(clean, brain, to_mni).image, to_mni)
        placed = resample(template_cerebellum(), clean.shape, clean.affine, to_mni, order=0)
        cerebellum = around_cerebellum(placed, to_mni) > 0
        coarse = degrade(torch.from_numpy(truth)[None, None])[0, 0].numpy()
        inside = around_cerebellum(brain, to_mni)[::2, ::2, ::2] > 0
        for method, found in upsampled_by(coarse, net, inside):
            quality = {"psnr_db": psnr(found, truth, cerebellum), "ssim": ssim(found, truth, cerebellum)}
            rows.append({"head": head.name, "method": method, **quality})
    return pd.DataFrame(rows)


def mprage(t1_ms: float, density: float, inversion_ms: float, repetition_ms: float) -> float:
    """Magnitude after an inversion pulse, ``PD |1 - 2 exp(-TI/T1) + exp(-TR/T1)|``."""
    return density * abs(1 - 2 * np.exp(-inversion_ms / t1_ms) + np.exp(-repetition_ms / t1_ms))


def phantom(head: Anatomy, rng: np.random.Generator) -> np.ndarray:
    """T1w image of a head, of random timing and relaxation, with noise, on the fine box."""
    times = rng.uniform(850, 1050), rng.uniform(1900, 2500)
    relaxed = (T1_MS["csf"], rng.uniform(*T1_MS["gm"]), rng.uniform(*T1_MS["wm"]))
    signal = [mprage(t1, density, *times) for t1, density in zip(relaxed, (1.0, 0.82, 0.70), strict=True)]
    outside = rng.uniform(0, max(signal), int(head.outside.max()) + 1)
    outside[0] = 0
    t1w = np.tensordot(np.array(signal), head.shares, 1) + (1 - head.shares.sum(0)) * outside[head.outside]
    noise = rng.normal(0, 0.03 * max(signal), (2, *t1w.shape))
    return (1000 * np.hypot(t1w + noise[0], noise[1])).astype(np.float32)


def contrast_synthesis(work: Path, net: torch.nn.Module) -> pd.DataFrame:
    """Error of the synthetic T2w of phantoms whose T2w is known."""
    rows = []
    for number, name in enumerate(heads.HELD_OUT):
        head = upsampled(load_head(work, name))
        inside = head.shares.sum(0) > 0.5
        t1w = phantom(head, np.random.default_rng(number))
        pure = [share > 0.95 for share in head.shares]
        means = TissueMeans(*(float(np.median(t1w[tissue])) for tissue in pure))
        standard = scale_to_means(t1w, means)
        made, plain = synthetic_t2w(net, standard, inside, CPU), render_t2w(standard, TARGETS)
        truth = np.tensordot(np.array(T2W_MEANS), head.shares, 1)
        rows.append({"what": name, **tissue_medians(made, pure), "error_percent": percent(made, truth, inside)})
        rows[-1]["error_percent_without_network"] = percent(plain, truth, inside)
    return pd.DataFrame(rows)


def percent(found: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> float:
    """Mean absolute error inside a mask in percent of grey matter's brightness."""
    return float(100 * np.abs(found - truth)[inside].mean() / T2W_MEANS[1])


def tissue_medians(t2w: np.ndarray, pure: list[np.ndarray]) -> dict[str, float | bool]:
    """Median T2w brightness of the three tissues, and whether fluid is above grey and grey above white matter."""
    csf, gm, wm = (float(np.median(t2w[tissue])) for tissue in pure)
    return {"csf": csf, "gm": gm, "wm": wm, "in_order": csf > gm > wm}


def load_head(work: Path, name: str) -> Anatomy:
    """Read the tissues of a head map as ``cerebbids-train prepare`` has stored them."""
    with np.load(work / "heads" / f"{name}.npz") as arrays:
        return Anatomy(arrays["shares"], arrays["outside"])


def painted_cavities(work: Path, net: torch.nn.Module) -> pd.DataFrame:
    """Dice of the cavity on random paintings of the heads kept for testing."""
    rows = []
    for number, name in enumerate(heads.HELD_OUT):
        (labels,) = heads.load_heads(work, (name,))
        for painting in range(PAINTINGS):
            image, target = heads.painted_head(labels, np.random.default_rng((number, painting)))
            found = keep_largest(crop_probabilities(net, image, MIRROR, CPU)).argmax(0).numpy()
            dice = 2 * (found * target).sum() / (found.sum() + target.sum())
            rows.append({"head": name, "painting": painting, "dice": float(dice)})
    return pd.DataFrame(rows)


def real_heads(full: list[Head], nets: dict, grids: dict) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cavity volumes, and tissue order of the synthetic T2w, of real heads."""
    volumes, orders = [], []
    for head in tqdm(full, desc="cavities and T2w"):
        side = image_side(
            nets,
            grids,
            head.clean,
            head.to_mni,
            stripped=False,
            real=None,
            device=CPU,
            threads=2,
            name=head.name,
            lap=lambda _: None,
        )
        voxel = abs(np.linalg.det(head.clean.affine[:3, :3]))
        cm3 = float("nan") if side.cavity is None else np.count_nonzero(side.cavity.dataobj) * voxel / 1000
        volumes.append({"head": head.name, "cm3": cm3})
        pure = [(np.abs(side.t1w - target) < 15) & (side.t2w > 0) for target in TARGETS]
        orders.append({"what": head.name, **tissue_medians(side.t2w, pure)})
    return pd.DataFrame(volumes), pd.DataFrame(orders)


def main() -> None:
    """Run everything and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("kit", "work", "out_dir"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--models-dir", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(2)
    bundle = read_bundle(arguments.models_dir, "deepceres")
    nets = {name: load_net(network, CPU) for name, network in bundle.networks.items()}
    grids = {name: network.grid for name, network in bundle.networks.items()}
    full = full_heads(arguments.kit)
    volumes, orders = real_heads(full, nets, grids)
    tables = {
        "superres": super_resolution(full, nets["superres"]),
        "t2w": pd.concat([contrast_synthesis(arguments.work, nets["contrast"]), orders]),
        "icv": pd.concat([painted_cavities(arguments.work, nets["icv"]), volumes]).astype({"painting": "Int64"}),
    }
    for name, table in tables.items():
        path = arguments.out_dir / f"imageside_{name}.tsv"
        table.to_csv(path, sep="\t", index=False, float_format="%.4f", na_rep="n/a")
        print(table.to_string(), end="\n\n")


if __name__ == "__main__":
    main()
