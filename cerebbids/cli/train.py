"""``cerebbids-train``: from a kit of images to a model bundle, in three steps that all resume."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from cerebbids.cli.run import exit_code
from cerebbids.training.kit import N_FOLDS
from cerebbids.training.recipe import DEEPCERES

EVERYBODY = "all"
FOLDS = (EVERYBODY, *map(str, range(N_FOLDS)))


def parser() -> argparse.ArgumentParser:
    """Build the command line: ``prepare``, ``fit``, ``export``."""
    top = argparse.ArgumentParser(prog="cerebbids-train", description=__doc__)
    steps = top.add_subparsers(dest="command", required=True)

    prepare = steps.add_parser("prepare", help="make lobule labels and everything else to train on")
    prepare.add_argument("kit", type=Path, help="folder with adult/oasis, adult/cobralab, adult/suit ...")
    prepare.add_argument("work", type=Path, help="gets the prepared data and the runs")
    prepare.add_argument("--threads", type=int, default=2)

    fit = steps.add_parser("fit", help="train one network; stops after --max-minutes, goes on with --resume")
    fit.add_argument("kit", type=Path)
    fit.add_argument("work", type=Path)
    fit.add_argument("--fold", default=EVERYBODY, choices=FOLDS, help="fold to leave out; all trains on everybody")
    fit.add_argument("--steps", type=int, default=DEEPCERES.steps, help="optimiser steps of the whole run")
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--max-minutes", type=float, default=1e9)
    fit.add_argument("--resume", action="store_true")
    fit.add_argument("--device", default="auto")
    fit.add_argument("--workers", type=int, default=1, help="processes that prepare examples")
    fit.add_argument("--threads", type=int, default=2, help="CPU threads of the network")

    export = steps.add_parser("export", help="write a run as a model bundle")
    export.add_argument("work", type=Path)
    export.add_argument("models", type=Path, help="folder that gets deepceres/")
    export.add_argument("--fold", default=EVERYBODY, choices=FOLDS)
    return top


def run_folder(work: Path, fold: str) -> Path:
    """Folder of a run: ``runs/all`` or ``runs/fold-0``.

    Examples
    --------
    >>> run_folder(Path("w"), "2").as_posix(), run_folder(Path("w"), "all").as_posix()
    ('w/runs/fold-2', 'w/runs/all')
    """
    return work / "runs" / (fold if fold == EVERYBODY else f"fold-{fold}")


def training_ids(kit: Path, fold: str) -> tuple[str, ...]:
    """People a run may see: everybody, or all but the fold's."""
    from cerebbids.training.kit import oasis_people

    return tuple(p.id for p in oasis_people(kit) if fold == EVERYBODY or p.fold != int(fold))


def fit(arguments: argparse.Namespace) -> None:
    """Train, or go on training."""
    import torch

    from cerebbids.data.labels import load_scheme
    from cerebbids.inference.device import find_device
    from cerebbids.nets.unet import UNet
    from cerebbids.training import loop
    from cerebbids.training.atlas import COBRALAB_BRAINS
    from cerebbids.training.data import Examples, class_shares, load_cases
    from cerebbids.training.kit import surrounding_names
    from cerebbids.training.memory import keep_freed_memory
    from cerebbids.training.run import Seen
    from cerebbids.training.surroundings import load_surroundings

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(arguments.seed)
    keep_freed_memory()
    recipe = replace(DEEPCERES, steps=arguments.steps, seed=arguments.seed)
    scheme = load_scheme(recipe.scheme)
    people, heads = training_ids(arguments.kit, arguments.fold), surrounding_names(arguments.kit)
    cases = load_cases(arguments.work, people)
    examples = Examples(cases, load_surroundings(arguments.work, heads), scheme.mirror, recipe)
    net = UNet(recipe.channels_in, len(scheme.labels) + 1, recipe.widths)
    loop.start_from_shares(net, class_shares(cases, len(scheme.labels) + 1))
    atlas = tuple(f"CoBrALab-{brain}" for brain in COBRALAB_BRAINS)
    seen = Seen(tuple(f"OASIS-{person}" for person in people), heads, atlas)
    done = loop.fit(
        net, examples, recipe, seen, run_folder(arguments.work, arguments.fold),
        device=find_device(arguments.device), workers=arguments.workers,
        max_minutes=arguments.max_minutes, resume=arguments.resume,
    )  # fmt: skip
    print("done" if done else "stopped in time: go on with --resume")


def main(argv: list[str] | None = None) -> int:
    """Run one step; return the exit code, as :func:`cerebbids.cli.run.exit_code`."""
    arguments = parser().parse_args(argv)
    return exit_code(lambda: _run(arguments))


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "prepare":
        import torch

        from cerebbids.training.prepare import prepare

        torch.set_num_threads(arguments.threads)
        prepare(arguments.kit, arguments.work, arguments.threads)
    elif arguments.command == "fit":
        fit(arguments)
    else:
        from cerebbids.training.bundle import export

        export(run_folder(arguments.work, arguments.fold), arguments.models)
    return 0


if __name__ == "__main__":
    sys.exit(main())
