"""What the cascade starts from in training: atlases, and what the network at 1 mm says.

Each atlas is voted by a library that holds nothing made of the same person. With members of its own in the library a
case's atlas would nearly be its labels, and a network would learn to trust an atlas more than any patient's deserves. A
case that is deformed takes its atlas with it (Morell-Ortega et al. 2025, section 2.4). The network at 1 mm has seen the
case, and knows its labels somewhat better than those of others.
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from cerebbids.errors import UsageError
from cerebbids.imaging.resample import moved_up
from cerebbids.inference.halves import on_fine_half
from cerebbids.inference.library import Library, read_library
from cerebbids.inference.libraryfiles import open_library
from cerebbids.inference.lobules import quick_answer
from cerebbids.inference.opinions import first_guess
from cerebbids.inference.prior import subject_atlas
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM
from cerebbids.training.data import load_cases
from cerebbids.training.finecases import at_1mm, load_person
from cerebbids.training.painted import painted_names
from cerebbids.training.prepare import save_arrays
from cerebbids.training.run import library_folder, read_notes, run_folder
from cerebbids.training.sources import people_but
from cerebbids.training.trained import check_finished, trained_net

GRID = CEREBELLUM_05MM.halved()
"""Of the atlases, and of what the network at 1 mm says."""
ASKED = ("deform", "lobules")
"""Networks whose answers are stored: one registers who votes, one answers at 1 mm."""
CPU = torch.device("cpu")


def without(library: Library, source: str) -> Library:
    """Members of a library but for those that were made of one person.

    A library has its members in the order of its sources, equally many of each.
    """
    of_one = len(library.images) // len(library.sources)
    kept = [place for place in range(len(library.images)) if library.sources[place // of_one] != source]
    others = tuple(name for name in library.sources if name != source)
    return replace(library, images=library.images[kept], labels=library.labels[kept], sources=others)


def priors_folder(work: Path, fold: str) -> Path:
    """Folder of what was voted, and answered at 1 mm, without a fold's people."""
    return Path(work) / "priors" / library_folder(work, fold).name


def build_priors(kit: Path, work: Path, fold: str, processes: int) -> None:
    """Write ``<work>/priors/<fold>/<case>.npz`` of all people but the fold's.

    Those that are there are left as they are. Each holds ``atlas`` and ``quick`` (classes, X, Y, Z) uint8, on ``GRID``:
    shares of 255 of the votes, and of what the network at 1 mm says.

    Parameters
    ----------
    kit, work : Path
        As :func:`cerebbids.training.prepare.prepare` takes and fills them.
    fold : str
        Whose registration network and generated library vote, and whose network at 1 mm is asked; none of them has seen
        the fold's people.
    processes : int
        Of one thread each: on two CPUs two of them do a fifth more than one of two threads.

    Raises
    ------
    UsageError
        As :func:`check_unseen`, and as :func:`check_whole` of what is there.
    ModelError
        The library is not there, or damaged.
    """
    cases = people_but(kit, fold)
    check_unseen(work, fold, cases)
    build = partial(build_prior, work, fold)
    with ProcessPoolExecutor(processes, get_context("spawn"), torch.set_num_threads, (1,)) as pool:
        list(tqdm(pool.map(build, cases), desc="atlases", total=len(cases)))


def check_unseen(work: Path, fold: str, people: tuple[str, ...]) -> None:
    """Refuse networks, or a library, that have seen others than the people who may be seen.

    Raises
    ------
    UsageError
        They have, or a network is not trained.
    ModelError
        The library is not there, or damaged.
    """
    folder, runs = library_folder(work, fold), [run_folder(work, net, fold) for net in ASKED]
    for run in runs:
        check_finished(run)
    library = open_library(folder, DEEPCERES.grids["deform"], DEEPCERES.scheme)
    known = {f"OASIS-{person}" for person in people}
    for place, seen in (*((run, read_notes(run)[1].people) for run in runs), (folder, library.sources)):
        if others := set(seen) - known:
            raise UsageError(str(place), f"has seen {', '.join(sorted(others))}", "make it without the fold's people")


def build_prior(work: Path, fold: str, case: str) -> None:
    """Write ``atlas`` and ``quick`` of one case, a person or a painted one (see :func:`build_priors`).

    Raises
    ------
    UsageError
        As :func:`check_whole` of what is there, or a network is not trained.
    """
    path = priors_folder(work, fold) / f"{case}.npz"
    if path.exists():
        check_whole(path)
        return
    grid = DEEPCERES.grids["deform"]
    deform, lobules = (trained_net(run_folder(work, net, fold)) for net in ASKED)
    voters = without(read_library(library_folder(work, fold), grid, DEEPCERES.scheme), f"OASIS-{case}")
    crop = seen_at_1mm(work, case)
    atlas, quick = subject_atlas(deform, voters, crop, CPU), quick_answer(lobules, crop, CPU)
    save_arrays(path, atlas=on_fine_half(atlas, GRID), quick=on_fine_half(quick, GRID))


def check_whole(path: Path) -> None:
    """Refuse a file of a version that stored atlases alone.

    Raises
    ------
    UsageError
        It is one.
    """
    with np.load(path) as arrays:
        if "quick" not in arrays:
            raise UsageError(str(path), "is of an older version", "remove it, and run cerebbids-train priors")


def seen_at_1mm(work: Path, case: str) -> np.ndarray:
    """T1w of a case on ``CEREBELLUM_1MM``: a person's as the app crops it, a painted one's from its fine image."""
    if case in painted_names():
        return moved_up(at_1mm(load_person(work, case).t1w).numpy(), GRID, CEREBELLUM_1MM)
    return load_cases(work, (case,))[0].t1w


def load_atlas(work: Path, fold: str, case: str) -> np.ndarray:
    """Read the atlas that :func:`build_priors` has written, (classes, X, Y, Z) parts of 255."""
    with np.load(priors_folder(work, fold) / f"{case}.npz") as arrays:
        return arrays["atlas"]


def load_guess(work: Path, fold: str, case: str) -> np.ndarray:
    """Read what the cascade starts from, (classes, X, Y, Z) parts of 255.

    Raises
    ------
    UsageError
        As :func:`check_whole`.
    """
    path = priors_folder(work, fold) / f"{case}.npz"
    check_whole(path)
    with np.load(path) as arrays:
        return first_guess(arrays["atlas"], arrays["quick"])
