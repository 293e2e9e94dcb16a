"""From a kit of images to what a network trains on: atlas, labelled people, surroundings. Every step resumes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
from tqdm import tqdm

from cerebbids.files import atomic
from cerebbids.imaging.clean import clean_t1w
from cerebbids.imaging.registration import register_to_mni
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_brain_mask
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM, HEAD_2MM
from cerebbids.training import anatomies, surroundings
from cerebbids.training.anatomies import FLUID_IDS, FOLDINGS, WHITE_IDS
from cerebbids.training.atlas import COBRALAB_BRAINS, cobralab_dseg, cobralab_in_template, load_template, mirror, vote
from cerebbids.training.factory import WHITE, label_person
from cerebbids.training.kit import Person, bare_name, head_maps, oasis_people, stripped_brains, surrounding_heads
from cerebbids.training.painted import filled_lobules


def save_arrays(path: Path, **arrays: np.ndarray) -> None:
    """Write a compressed npz, whole or not at all."""
    with atomic(path) as draft:
        np.savez_compressed(draft, **arrays)


def once(path: Path, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays stored at ``path``; make and store them first if they are not there."""
    if not path.exists():
        save_arrays(path, **make())
    with np.load(path) as arrays:
        return dict(arrays)


def build_atlas(kit: Path, work: Path) -> dict[int, np.ndarray]:
    """Bring every CoBrALab brain onto the template; brain -> (26, X, Y, Z) soft labels."""
    template = load_template(kit)
    brains = {}
    for brain in tqdm(COBRALAB_BRAINS, desc="CoBrALab brains"):
        path = work / "atlas" / f"brain{brain}.npz"
        made = once(path, lambda b=brain: {"p": cobralab_in_template(kit, b, template).astype(np.float16)})
        brains[brain] = made["p"].astype(np.float32)
    return brains


def leave_one_out(brains: dict[int, np.ndarray]) -> pd.DataFrame:
    """Dice of each CoBrALab brain's lobules with the vote of the others (channels 1-12 left, 14-25 right).

    All were driven onto the same group borders, so only the split of I-IV is a fair test.
    """

    def hard(p: np.ndarray) -> np.ndarray:
        lobules = np.r_[0:12, 13:25]
        return np.where(p[lobules].sum(0) > 0.3, lobules[p[lobules].argmax(0)] + 1, 0)

    rows = []
    for brain, own in brains.items():
        others = [p + mirror(p) for other, p in brains.items() if other != brain]
        truth, voted = hard(own), hard(sum(others) / (2 * len(others)))
        for channel in (*range(1, 13), *range(14, 26)):
            a, b = truth == channel, voted == channel
            rows.append({"brain": brain, "channel": channel, "dice": 2 * (a & b).sum() / (a.sum() + b.sum())})
    return pd.DataFrame(rows)


def native_t1w(person: Person, work: Path, threads: int) -> nib.Nifti1Image:
    """The person's T1w as the app hands it to a network, kept in ``<work>/native``."""
    path = work / "native" / f"{person.id}_T1w.nii.gz"
    if not path.exists():
        with atomic(path) as draft:
            nib.save(clean_t1w(person.t1w, threads)[0], draft)
    return nib.load(path)


def label_people(kit: Path, work: Path, brains: dict[int, np.ndarray], threads: int) -> pd.DataFrame:
    """Label every person of the kit; one row each: agreement with what the atlas was not shown, folded share."""
    template, grid = load_template(kit), CEREBELLUM_1MM
    atlas = vote(list(brains.values()), template)

    def make(person: Person) -> dict[str, np.ndarray]:
        t1w, dseg = nib.load(person.t1w), nib.load(person.dseg)
        affine = register_to_mni(t1w, threads).t1w_to_mni
        made = label_person(t1w, dseg, affine, atlas, template)
        clean = resample(native_t1w(person, work, threads), grid.shape, grid.affine, np.linalg.inv(affine)).get_fdata()
        white = np.median(clean[np.isin(made.manual, tuple(WHITE.values()))])
        return {
            "t1w": (clean / white).astype(np.float16), "manual": made.manual, "labels": made.lobules,
            "t1w_to_mni": affine, "vermis_dice": np.array(made.vermis_dice), "folded": np.array(made.folded),
        }  # fmt: skip

    rows = []
    for person in tqdm(oasis_people(kit), desc="people"):
        stored = once(work / "people" / f"{person.id}.npz", lambda p=person: make(p))
        groups = dict(zip(("dice_71", "dice_72", "dice_73"), stored["vermis_dice"], strict=True))
        rows.append({"id": person.id, "age": person.age, "fold": person.fold, **groups, "folded": stored["folded"]})
    return pd.DataFrame(rows)


def synthetic_brain(labels: np.ndarray) -> np.ndarray:
    """A plain stripped T1w (white 1, grey 0.7, fluid 0.2) of a head map, good enough to register with."""
    brain = (labels > 0) & (labels < surroundings.OUTSIDE_FROM) & (labels != surroundings.FLUID_LABEL)
    image = np.where(brain, 0.7, 0.0)
    image[brain & np.isin(labels, WHITE_IDS)] = 1.0
    image[brain & np.isin(labels, FLUID_IDS)] = 0.2
    return image.astype(np.float32)


def build_surroundings(kit: Path, work: Path, threads: int) -> None:
    """Cut the brains out of the kit's full heads and head maps, on the cerebellum grid."""
    grid = CEREBELLUM_1MM
    brain = resample(template_brain_mask(), grid.shape, grid.affine, order=0).get_fdata() > 0

    def from_head(path: Path) -> dict[str, np.ndarray]:
        t1w = nib.load(path)
        to_native = np.linalg.inv(register_to_mni(t1w, threads).t1w_to_mni)
        made = surroundings.from_head(resample(t1w, grid.shape, grid.affine, to_native).get_fdata(), brain)
        return {"outside": made.outside, "image": made.image.astype(np.float16)}

    def from_map(path: Path) -> dict[str, np.ndarray]:
        head = nib.load(path)
        labels = np.asarray(head.dataobj).astype(np.int16)
        pseudo = nib.Nifti1Image(synthetic_brain(labels), head.affine)
        to_native = np.linalg.inv(register_to_mni(pseudo, threads).t1w_to_mni)
        on_grid = resample(nib.Nifti1Image(labels, head.affine), grid.shape, grid.affine, to_native, order=0)
        made = surroundings.from_labels(np.asarray(on_grid.dataobj))
        return {"outside": made.outside, "labels": made.labels}

    sources = [(p, from_head) for p in surrounding_heads(kit)] + [(p, from_map) for p in head_maps(kit)]
    for path, make in tqdm(sources, desc="surroundings"):
        once(work / "surroundings" / f"{bare_name(path)}.npz", lambda p=path, m=make: m(p))


def build_anatomies(kit: Path, work: Path, threads: int) -> None:
    """Draw the foldings of the CoBrALab maps, place the head maps, and clean the real brains."""
    template, grid = load_template(kit, CEREBELLUM_05MM.halved()), HEAD_2MM

    def heads(path: Path) -> dict[str, np.ndarray]:
        head = nib.load(path)
        labels = nib.Nifti1Image(np.asarray(head.dataobj).astype(np.int16), head.affine)
        pseudo = nib.Nifti1Image(synthetic_brain(labels.get_fdata()), head.affine)
        t1w_to_mni = register_to_mni(pseudo, threads).t1w_to_mni
        on_grid = anatomies.head_on_grid(labels, t1w_to_mni, grid)
        return {"labels": on_grid, "t1w_to_mni": t1w_to_mni, **anatomies.head_tissues(labels, t1w_to_mni)}

    for path in tqdm(head_maps(kit), desc="head maps"):
        once(work / "heads" / f"{bare_name(path)}.npz", lambda p=path: heads(p))
    for brain in tqdm(COBRALAB_BRAINS, desc="compartments"):
        dseg = nib.load(cobralab_dseg(kit, brain))
        once(work / "folia" / f"CoBrALab-{brain}.npz", lambda d=dseg: filled_lobules(d, template))
    for brain, folding in tqdm(list(product(COBRALAB_BRAINS, range(FOLDINGS))), desc="foldings"):
        dseg = nib.load(cobralab_dseg(kit, brain))
        seed = FOLDINGS * brain + folding
        path = work / "folia" / f"CoBrALab-{brain}_{folding}.npz"
        once(path, lambda d=dseg, s=seed: anatomies.folded_cerebellum(d, template, s))
    for path in tqdm(stripped_brains(kit), desc="brains"):
        once(work / "brains" / f"{bare_name(path)}.npz", lambda p=path: anatomies.real_brain(p, threads))


def prepare(kit: Path, work: Path, threads: int) -> None:
    """Make everything that training needs below ``work``, and two tables of how the labels agree.

    Parameters
    ----------
    kit : Path
        Folder with ``adult/oasis``, ``adult/cobralab``, ``adult/suit``, ``adult/heads``, ``adult/headmaps``,
        ``adult/brains``.
    work : Path
        Gets ``atlas/``, ``native/``, ``people/``, ``surroundings/``, ``heads/``, ``folia/``, ``brains/``,
        ``labels.tsv``, ``cobralab.tsv``. What is there is not made again, whatever made it: remove it when images,
        registration or label rules have changed.
    threads : int
        CPUs to use.
    """
    brains = build_atlas(kit, work)
    leave_one_out(brains).to_csv(work / "cobralab.tsv", sep="\t", index=False, float_format="%.3f")
    label_people(kit, work, brains, threads).to_csv(work / "labels.tsv", sep="\t", index=False, float_format="%.4f")
    build_surroundings(kit, work, threads)
    build_anatomies(kit, work, threads)
