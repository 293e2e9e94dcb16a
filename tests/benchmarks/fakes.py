"""Labelled cases that nobody was, to train and test variants on."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import heldout
import numpy as np
import pandas as pd
import pytest
import variantcases
from heldout import HeldOut
from variants import Setting

from cerebbids.systems.grid import CEREBELLUM_1MM
from cerebbids.training import cascade, cascadecases
from cerebbids.training.finepatches import varied_places
from cerebbids.training.prepare import save_arrays

SHAPE = (96, 64, 64)
PAINTED = ("CoBrALab-1_0", "CoBrALab-5_0")


def channels() -> np.ndarray:
    """A block of thirteen layers, left and right."""
    found = np.zeros(SHAPE, np.uint8)
    found[20:76, 14:48, 6:58] = 1 + np.arange(52) // 4
    found[48:76] += np.uint8(13) * (found[48:76] > 0)
    return found


def held_out() -> HeldOut:
    """The block as a case, all grey, with an atlas that knows it."""
    labels = channels()
    grey = np.where(labels > 0, 150, 0).astype(np.float32)
    votes = np.stack([255 * (labels[::2, ::2, ::2] == k) for k in range(27)]).astype(np.uint8)
    return HeldOut("1", grey, grey, grey > 0, votes, labels)


def prepared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Setting:
    """Five people, two painted cerebella, a head, and what is guessed of all; patches of 32 voxels a side."""
    kit, work, case = folder / "kit", folder / "work", held_out()
    for part in ("oasis", "heads"):
        (kit / "adult" / part).mkdir(parents=True)
    people = pd.DataFrame({"id": list("12345"), "age": 20})
    people.to_csv(kit / "adult" / "oasis" / "participants.tsv", sep="\t", index=False)
    (kit / "adult" / "heads" / "h_T1w.nii.gz").touch()
    nothing = np.zeros(CEREBELLUM_1MM.shape, np.float16)
    save_arrays(work / "surroundings" / "h_T1w.npz", outside=nothing > 1, image=nothing)
    for name in (*people["id"], *PAINTED):
        images = {"t1w": case.t1w.astype(np.float16), "t2w": case.t2w.astype(np.float16)}
        save_arrays(work / "fine" / f"{name}.npz", **images, compartments=case.labels, vermis=np.zeros(SHAPE, bool))
        save_arrays(work / "priors" / "fold-0" / f"{name}.npz", atlas=case.atlas, quick=case.atlas)
    for module in (heldout, variantcases):
        monkeypatch.setattr(module, "painted_names", lambda: PAINTED)
    monkeypatch.setattr(cascadecases, "load_shapes", lambda *_: ())
    monkeypatch.setattr(cascade, "varied_places", partial(varied_places, side=32))
    return Setting(kit, work, "0", "CoBrALab-5", steps=2, narrower=8, workers=0)
