"""Keep some of the folds' networks beside the tables, or put them back into a work folder.

Usage: python benchmarks/keep.py WORK [--back]

With them, ``atlas.py`` and ``registration.py`` need ``cerebbids-train prepare`` and no training, and ``cerebbids-train
extend`` and ``priors`` none of these networks; those that have seen everybody are put back from the packaged bundle.

Those for registration made ``atlas.tsv`` and ``registration.tsv``. Those for 1 mm are there for the cascade, which
starts from their answers; they are later trainings, by the same recipe, than the ones ``crossvalidation.tsv`` was made
with. Those for tissues of infants of 24 months made ``infant/folds.tsv``. Only finished runs are kept: averaged weights
in half precision. What is kept already is left as it is.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from cerebbids.errors import UsageError
from cerebbids.inference.models import packaged_models
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.infant import INFANT
from cerebbids.systems.system import System
from cerebbids.training.bundle import unpack
from cerebbids.training.kit import EVERYBODY, N_FOLDS
from cerebbids.training.run import CHECKPOINT, read_notes, run_folder
from cerebbids.training.trained import half_weights, keep_result

KEPT = Path(__file__).parent
NETS = {"deform": DEEPCERES, "lobules": DEEPCERES, "tissue24": INFANT}
"""Networks that are kept, and the systems whose bundles have those that have seen everybody."""


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
    for net, system in NETS.items():
        if arguments.back:
            unpack_everybody(arguments.work, net, system)
        for fold in map(str, range(N_FOLDS)):
            copy(*(run_folder(folder, net, fold) for folder in (arguments.work, KEPT)), back=arguments.back)


def unpack_everybody(work: Path, net: str, system: System) -> None:
    """Make a run of the packaged network, where none is begun."""
    run = run_folder(work, net, EVERYBODY)
    if not (run / CHECKPOINT).exists():
        unpack(packaged_models() / system.name, net, run)
        print("made", run)


def copy(run: Path, kept: Path, *, back: bool) -> None:
    """Copy a run to where it is kept, or back where none is begun."""
    source, target = (kept, run) if back else (run, kept)
    if back and (run / CHECKPOINT).exists():
        print(f"left {target}: there is one")
    elif is_kept(source, target):
        print(f"left {target}: unchanged")
    else:
        try:
            keep_result(source, target)
            print("made", target)
        except UsageError as reason:
            print(f"left {target}: {reason}")


if __name__ == "__main__":
    main()
