"""Labelled people at 0.5 mm: what networks of that resolution train on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from cerebbids.imaging.brainmask import stripped_brain
from cerebbids.imaging.carving import carve
from cerebbids.imaging.resample import moved_up, resample
from cerebbids.imaging.standard import standard_t1w
from cerebbids.inference.fine import fine_t1w
from cerebbids.inference.models import read_bundle
from cerebbids.inference.segment import load_net
from cerebbids.inference.t2w import synthetic_t2w
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.training.atlas import load_template, vote
from cerebbids.training.finelabels import FINE, FineLabels, fine_labels
from cerebbids.training.kit import Person, oasis_people
from cerebbids.training.painted import LabelledFolding, load_empty_heads, load_labelled, painted_case, with_arbor
from cerebbids.training.pairs import Anatomy
from cerebbids.training.prepare import build_atlas, native_t1w, once
from cerebbids.training.sources import COBRALAB, painted_heads

CPU = torch.device("cpu")


def fine_person(
    t1w: nib.Nifti1Image, t1w_to_mni: np.ndarray, named: FineLabels, nets: Mapping[str, torch.nn.Module], threads: int
) -> dict[str, np.ndarray]:
    """Make images and labels of one person as the app would, from a clean and stripped T1w image.

    Parameters
    ----------
    t1w : Nifti1Image
    t1w_to_mni : ndarray, (4, 4)
        T1w world -> working space, mm.
    named : FineLabels
    nets : mapping
        ``superres`` and ``contrast``.
    threads : int
        CPUs to use.

    Returns
    -------
    dict
        On ``CEREBELLUM_05MM``: ``t1w``, ``t2w`` float16, tissues at fixed brightness; ``compartments`` and ``labels``
        uint8, channels before and after :func:`cerebbids.imaging.carving.carve`; ``vermis`` bool. And ``folded``,
        ``smallest`` as :class:`FineLabels` has them.
    """
    grid = CEREBELLUM_05MM
    inside = stripped_brain(t1w, t1w_to_mni)
    standard = standard_t1w(t1w, inside, t1w_to_mni, threads).image
    fine = fine_t1w(nets["superres"], grid.halved(), standard, inside, t1w_to_mni, CPU)
    mask = resample(inside, grid.shape, grid.affine, np.linalg.inv(t1w_to_mni), order=0).get_fdata() > 0
    t2w = synthetic_t2w(nets["contrast"], fine, mask, CPU)
    compartments = moved_up(named.lobules, FINE, grid)
    return {
        "t1w": fine.astype(np.float16), "t2w": t2w.astype(np.float16), "compartments": compartments,
        "labels": carve(compartments, fine, t2w, grid.spacing), "vermis": moved_up(named.vermis, FINE, grid),
        "folded": np.array(named.folded), "smallest": np.array(named.smallest),
    }  # fmt: skip


def paint(kit: Path, work: Path) -> None:
    """Make ``<work>/fine`` of all painted cases: every folding once, each in another head map."""
    heads = load_empty_heads(work, painted_heads(kit))
    for place, folding in enumerate(tqdm(load_labelled(work, COBRALAB), desc="painted cases at 0.5 mm")):
        head = heads[place % len(heads)]
        once(work / "fine" / f"{folding.name}.npz", lambda f=folding, h=head, k=place: painted_arrays(f, h, k))


def painted_arrays(folding: LabelledFolding, head: Anatomy, seed: int) -> dict[str, np.ndarray]:
    """Images and labels of one painted case, as :func:`fine_person` has them; its vermis is not known."""
    case = painted_case(folding, head, np.random.default_rng(seed))
    return {
        "t1w": case.t1w.astype(np.float16), "t2w": case.t2w.astype(np.float16),
        "compartments": with_arbor(folding.compartments, folding.folded.white), "labels": case.labels,
        "vermis": np.zeros(case.labels.shape, bool),
    }  # fmt: skip


def refine(kit: Path, work: Path, threads: int) -> pd.DataFrame:
    """Make ``<work>/fine`` of all labelled people; a row each, of how their registration folds.

    Parameters
    ----------
    kit, work : Path
        As :func:`cerebbids.training.prepare.prepare` takes and fills them. The networks ``superres`` and ``contrast``
        are the packaged ones, which have seen none of these people.
    threads : int
        CPUs to use.
    """
    template = load_template(kit)
    atlas = vote(list(build_atlas(kit, work).values()), template)
    networks = read_bundle(None, DEEPCERES.name).networks
    nets = {name: load_net(networks[name], CPU) for name in ("superres", "contrast")}
    seen = {person for name in nets for person in networks[name].training_ids}
    assert not seen & {f"OASIS-{person.id}" for person in oasis_people(kit)}

    def make(person: Person) -> dict[str, np.ndarray]:
        with np.load(work / "people" / f"{person.id}.npz") as arrays:
            t1w_to_mni = arrays["t1w_to_mni"]
        named = fine_labels(nib.load(person.t1w), nib.load(person.dseg), t1w_to_mni, atlas, template)
        return fine_person(native_t1w(person, work, threads), t1w_to_mni, named, nets, threads)

    rows = []
    for person in tqdm(oasis_people(kit), desc="people at 0.5 mm"):
        made = once(work / "fine" / f"{person.id}.npz", lambda p=person: make(p))
        rows.append({"id": person.id, **{key: float(made[key]) for key in ("folded", "smallest")}})
    paint(kit, work)
    return pd.DataFrame(rows)
