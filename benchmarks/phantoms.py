"""Simulated cerebella with exact truth: the packaged bundle's three methods on painted lobule maps.

Usage: python benchmarks/phantoms.py WORK OUT.tsv [--threads 2]

The painted cases of ``cerebbids-train refine`` have folia, fluid and both contrasts, most of them a head; their labels
are exact, and no network for lobules has seen their images. They are other people's lobules by other rules: five brains
that CoBrALab labelled, of which the packaged labels are a vote. Every case is labelled on the 0.5 mm grid, from its T1w
at 1 mm and, by the cascade, from the images at 0.5 mm: the stored T1w, and the stored T2w with blur, noise and a field
of its own, without which it would show the tissues as they were painted. Writes a row a case and method, with the
traffic light that the networks' own numbers give, and prints means.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from crossvalidate import dice
from heldout import scanned_t2w
from tqdm import tqdm

from cerebbids.imaging.carving import N_SIDE
from cerebbids.imaging.qc import light_of
from cerebbids.imaging.qcnumbers import told_by_networks
from cerebbids.inference.answer import Answer, confidence, one_cerebellum
from cerebbids.inference.cascade import Cascade
from cerebbids.inference.halves import on_fine_half
from cerebbids.inference.library import Library, read_library
from cerebbids.inference.lobules import cascade_alone, from_opinions, quick_answer
from cerebbids.inference.models import read_bundle
from cerebbids.inference.prior import subject_atlas
from cerebbids.inference.segment import labels_on_grid, load_net
from cerebbids.systems.deepceres import DEEPCERES, LOBULE_NETS, SIDE_NETS
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from cerebbids.training.painted import painted_names
from cerebbids.training.priors import seen_at_1mm

CPU = torch.device("cpu")
CHANNELS = tuple(range(1, 2 * N_SIDE + 1))
WHITE = (N_SIDE, 2 * N_SIDE)


def answers(work: Path, name: str, nets: dict[str, torch.nn.Module], library: Library) -> Iterator[tuple[str, Answer]]:
    """Answer of every method to one painted case."""
    with np.load(work / "fine" / f"{name}.npz") as arrays:
        t1w, t2w = (arrays[key].astype(np.float32) for key in ("t1w", "t2w"))
    crop = seen_at_1mm(work, name)
    atlas, quick = subject_atlas(nets["deform"], library, crop, CPU), quick_answer(nets["lobules"], crop, CPU)
    yield "atlas", one_cerebellum(Answer(atlas, CEREBELLUM_1MM), name)
    yield "fast", one_cerebellum(Answer(quick, CEREBELLUM_1MM), name)
    cascade = Cascade(tuple(nets[net] for net in SIDE_NETS), tuple(nets[net] for net in LOBULE_NETS))
    opinions = [on_fine_half(shares, CEREBELLUM_05MM.halved()) for shares in (atlas, quick)]
    alone = cascade_alone(cascade, (t1w, scanned_t2w(t2w, name)), *opinions, CEREBELLUM_05MM, CPU, name)
    yield "nets", from_opinions(alone, *opinions, CEREBELLUM_05MM, name)


def light(answer: Answer) -> str:
    """Traffic light of what the networks tell of an answer; the app's looks at the image and the labels, too."""
    sure = dict(enumerate(confidence(answer.probabilities)))
    return light_of(told_by_networks({"confidence": sure, **answer.agreements}))[0]


def score(answer: Answer, truth: np.ndarray) -> dict[str, float | str]:
    """Dice of an answer on the grid of the truth; its volume in parts of the true one; its light."""
    grid = CEREBELLUM_05MM
    found = labels_on_grid(answer.probabilities, answer.grid, grid.shape, grid.affine, np.eye(4), CHANNELS)
    lobules = [dice(found == k, truth == k) for k in CHANNELS if k not in WHITE]
    return {
        "whole": dice(found > 0, truth > 0),
        "left": dice((found > 0) & (found <= N_SIDE), (truth > 0) & (truth <= N_SIDE)),
        "right": dice(found > N_SIDE, truth > N_SIDE),
        "white": dice(np.isin(found, WHITE), np.isin(truth, WHITE)),
        "lobules": float(np.mean(lobules)),
        "volume_ratio": float((found > 0).sum() / (truth > 0).sum()),
        "light": light(answer),
    }


def main() -> None:
    """Write the table, a case at a time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    bundle = read_bundle(None, DEEPCERES.name)
    nets = {name: load_net(network, CPU) for name, network in bundle.needed("nets").items()}
    library = read_library(bundle.library, DEEPCERES.grids["deform"], bundle.scheme)
    rows = []
    for name in tqdm(painted_names()):
        with np.load(asked.work / "fine" / f"{name}.npz") as arrays:
            truth = arrays["compartments"]
        for method, answer in answers(asked.work, name, nets, library):
            rows.append({"case": name, "method": method, **score(answer, truth)})
        pd.DataFrame(rows).to_csv(asked.out, sep="\t", index=False, float_format="%.4f")
    print(pd.DataFrame(rows).groupby("method").mean(numeric_only=True).round(3).to_string())


if __name__ == "__main__":
    main()
