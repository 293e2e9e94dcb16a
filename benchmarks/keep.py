"""Keep the registration networks of the folds beside the tables that were made with them, or put them back.

Usage: python benchmarks/keep.py WORK [--back]

With them, ``atlas.py`` and ``registration.py`` need ``cerebbids-train prepare`` and no training, and ``cerebbids-train
extend`` and ``priors`` none of this network; the one that has seen everybody is put back from the packaged bundle. Only
finished runs are kept: averaged weights in half precision. What is kept already is left as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from cerebbids.errors import UsageError
from cerebbids.inference.models import packaged_models
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.training.bundle import unpack
from cerebbids.training.kit import EVERYBODY, N_FOLDS
from cerebbids.training.run import CHECKPOINT, read_notes, run_folder
from cerebbids.training.trained import half_weights, keep_result

KEPT = Path(__file__).parent
NET = "deform"


def is_kept(run: Path, kept: Path) -> bool:
    """Whether a run's weights and notes are those that are kept."""
    if not all((folder / CHECKPOINT).exists() for folder in (run, kept)) or read_notes(run) != read_notes(kept):
        return False
    new, old = half_weights(run), half_weights(kept)
    return new.keys() == old.keys() and all(torch.equal(value, old[key]) for key, value in new.items())


def main() -> None:
    """Copy one way or the other, and tell which."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("work", type=Path)
    parser.add_argument("--back", action="store_true", help="from here to the work folder, where none is begun")
    arguments = parser.parse_args()
    everybody = run_folder(arguments.work, NET, EVERYBODY)
    if arguments.back and not (everybody / CHECKPOINT).exists():
        unpack(packaged_models() / DEEPCERES.name, NET, everybody)
        print("made", everybody)
    for fold in map(str, range(N_FOLDS)):
        run, kept = (run_folder(folder, NET, fold) for folder in (arguments.work, KEPT))
        source, target = (kept, run) if arguments.back else (run, kept)
        if arguments.back and (run / CHECKPOINT).exists():
            print(f"left {target}: there is one")
            continue
        if is_kept(source, target):
            print(f"left {target}: unchanged")
            continue
        try:
            keep_result(source, target)
            print("made", target)
        except UsageError as reason:
            print(f"left {target}: {reason}")


if __name__ == "__main__":
    main()
