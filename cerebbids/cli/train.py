"""``cerebbids-train``: from a kit of images to a model bundle, libraries of labelled images, networks for infants."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from cerebbids.cli.options import positive
from cerebbids.cli.run import exit_code
from cerebbids.errors import UsageError, is_out_of_memory, lacks_host_memory
from cerebbids.files import atomic
from cerebbids.systems.deepceres import DEEPCERES
from cerebbids.systems.infant import INFANT
from cerebbids.systems.isointense import ISOINTENSE
from cerebbids.systems.neonatal import NEONATAL
from cerebbids.systems.published import SYSTEMS
from cerebbids.training.kit import EVERYBODY, FOLDS
from cerebbids.training.recipe import RECIPES
from cerebbids.training.run import library_folder, run_folder

WHOLE = (ISOINTENSE.name, NEONATAL.name)
"""Systems for whole brains."""


def parser() -> argparse.ArgumentParser:
    """Build the command line: a command for every step, ``library``, ``infant`` and ``brain``."""
    top = argparse.ArgumentParser(prog="cerebbids-train", description=__doc__)
    steps = top.add_subparsers(dest="command", required=True)

    prepare = steps.add_parser("prepare", help="make lobule labels and everything else to train on")
    prepare.add_argument("kit", type=Path, help="folder with adult/oasis, adult/cobralab, adult/suit ...")
    prepare.add_argument("work", type=Path, help="gets the prepared data and the runs")
    prepare.add_argument("--threads", type=int, default=2)

    fit = steps.add_parser("fit", help="train one network; stops after --max-minutes, goes on with --resume")
    fit.add_argument("kit", type=Path)
    fit.add_argument("work", type=Path)
    fit.add_argument("--net", default="lobules", choices=RECIPES, help="which network (default: lobules)")
    fit.add_argument(
        "--fold", default=EVERYBODY, choices=FOLDS,
        help="fold whose people no lobules, registration or tissues are learnt from; all leaves out nobody",
    )  # fmt: skip
    fit.add_argument("--steps", type=int, help="optimiser steps of the whole run (default: the recipe's)")
    fit.add_argument("--seed", type=int, default=0)
    fit.add_argument("--max-minutes", type=float, default=1e9)
    fit.add_argument("--resume", action="store_true")
    fit.add_argument("--device", default="auto")
    fit.add_argument("--workers", type=int, default=1, help="processes that prepare examples")
    fit.add_argument("--threads", type=int, default=2, help="CPU threads of the network")

    refine = steps.add_parser("refine", help="make labelled people at 0.5 mm, when superres and contrast are trained")
    refine.add_argument("kit", type=Path)
    refine.add_argument("work", type=Path)
    refine.add_argument("--threads", type=int, default=2)

    extend = steps.add_parser("extend", help="give the people at 0.5 mm the shapes of unlabelled ones")
    extend.add_argument("kit", type=Path)
    extend.add_argument("work", type=Path)
    extend.add_argument("--fold", default=EVERYBODY, choices=FOLDS)

    exemplars = steps.add_parser("exemplars", help="make the library of generated cerebella that a bundle carries")
    exemplars.add_argument("kit", type=Path)
    exemplars.add_argument("work", type=Path)
    exemplars.add_argument("--fold", default=EVERYBODY, choices=FOLDS)

    priors = steps.add_parser("priors", help="vote the atlases that the networks of the cascade are shown in training")
    priors.add_argument("kit", type=Path)
    priors.add_argument("work", type=Path)
    priors.add_argument("--fold", default=EVERYBODY, choices=FOLDS)
    priors.add_argument("--processes", type=int, default=2, help="of one thread each")

    library = steps.add_parser("library", help="make a library of your own labelled images, for cerebbids --library")
    library.add_argument("out", type=Path, help="the library's folder")
    library.add_argument(
        "--from", dest="folder", type=Path, required=True, metavar="DIR",
        help="folder with label maps X_dseg.nii.gz (or X_seg-Lobules_dseg.nii.gz) beside their images X_T1w.nii.gz "
        "(or X_desc-preproc_T1w.nii.gz), such as corrected output of cerebbids",
    )  # fmt: skip
    library.add_argument("--threads", type=int, default=2, help="CPUs to use (default: 2)")

    infant = steps.add_parser(
        "infant", help="train networks that carry tissue labels of infants from one age to others; goes on where it was"
    )
    infant.add_argument(
        "--source", type=Path, required=True, metavar="DIR",
        help="folder with cut-out cerebella sub-*/[ses-*/]anat/*_T1w.nii.gz and labels "
        "*_seg-CerebellumTissue_dseg.nii.gz (or *_dseg.nii.gz): CSF 1, grey matter 2, white matter 3",
    )  # fmt: skip
    infant.add_argument(
        "--target", type=Path, required=True, action="append", metavar="DIR",
        help="folder of another age, without labels; again for each further age, the least like the source last",
    )  # fmt: skip
    infant.add_argument("--work", type=Path, required=True, metavar="DIR", help="gets the networks and rankings")
    infant.add_argument("--k", type=positive(int), default=10, help="how many images of an age to trust (default: 10)")
    infant.add_argument("--unweighted", action="store_true", help="let all voxels count the same in the loss")
    _add_training(infant, 64, "sgd 3 epochs of 1000 cubes an image, muon 600")

    brain = steps.add_parser(
        "brain", help="train networks for whole brains of infants on labels of your own; goes on where it was"
    )
    brain.add_argument("--system", choices=WHOLE, required=True, help="whose networks")
    brain.add_argument(
        "--source", type=Path, required=True, metavar="DIR",
        help="folder with bare brains sub-*/[ses-*/]anat/*_T1w.nii.gz, *_T2w.nii.gz on the same grid, and labels "
        "*_seg-BrainTissue_dseg.nii.gz (isointense) or *_seg-DrawEM9_dseg.nii.gz (neonatal), or *_dseg.nii.gz",
    )  # fmt: skip
    brain.add_argument("--work", type=Path, required=True, metavar="DIR", help="gets the networks")
    brain.add_argument("--age", action="store_true", help="let the network of neonates tell the age, too")
    _add_training(brain, 32, "isointense sgd 10000, neonatal sgd 3420, both muon 1200")

    export = steps.add_parser("export", help="write the runs of all networks, and the exemplars, as a model bundle")
    export.add_argument("work", type=Path)
    export.add_argument("models", type=Path, help="folder that gets a folder of the system's name")
    export.add_argument("--system", default=DEEPCERES.name, choices=SYSTEMS, help="whose (default: deepceres)")
    export.add_argument("--fold", default=EVERYBODY, choices=FOLDS)
    export.add_argument(
        "--keep", action="store_true",
        help="networks whose runs are not in WORK stay in the bundle as they are; a new bundle has packaged ones",
    )  # fmt: skip
    return top


def _add_training(command: argparse.ArgumentParser, width: int, steps: str) -> None:
    """Add how networks are trained."""
    command.add_argument(
        "--width", type=int, choices=range(4, 129, 4), default=width, metavar="N",
        help=f"of the networks, a multiple of 4 (default: {width})",
    )  # fmt: skip
    command.add_argument(
        "--optimiser", choices=["sgd", "muon"], default="sgd", help="as published, or for few steps (default: sgd)"
    )
    command.add_argument("--steps", type=positive(int), help=f"of each network (default: {steps})")
    command.add_argument("--device", default="auto")
    command.add_argument("--threads", type=positive(int), default=2, help="CPU threads of the network (default: 2)")


def fit(arguments: argparse.Namespace) -> None:
    """Train, or go on training."""
    import torch

    from cerebbids.inference.device import find_device
    from cerebbids.training import loop
    from cerebbids.training.memory import keep_freed_memory
    from cerebbids.training.tasks import TASKS

    torch.set_num_threads(arguments.threads)
    torch.backends.cudnn.benchmark = True  # every example is as large as the others
    torch.manual_seed(arguments.seed)
    keep_freed_memory()
    recipe = RECIPES[arguments.net]
    recipe = replace(recipe, steps=arguments.steps or recipe.steps, seed=arguments.seed)
    task = TASKS[arguments.net](arguments.kit, arguments.work, arguments.fold, recipe)
    done = loop.fit(
        task.net, task.examples, task.loss_of, recipe, task.seen,
        run_folder(arguments.work, arguments.net, arguments.fold),
        device=find_device(arguments.device), workers=arguments.workers,
        max_minutes=arguments.max_minutes, resume=arguments.resume,
    )  # fmt: skip
    print("done" if done else "stopped in time: go on with --resume")


def carry_labels(arguments: argparse.Namespace) -> None:
    """Train networks for infants of a user, from age to age."""
    import torch

    from cerebbids.inference.device import find_device
    from cerebbids.training.infantfolders import own_name, read_cohorts
    from cerebbids.training.infantnets import InfantTraining
    from cerebbids.training.infantruns import networks_of
    from cerebbids.training.memory import keep_freed_memory
    from cerebbids.training.transfer import transfer

    train = InfantTraining(arguments.width, arguments.steps, arguments.optimiser, find_device(arguments.device))
    source, *targets = read_cohorts(arguments.source, arguments.target)
    # Names that export would refuse are refused before hours of training.
    networks_of([own_name(folder) for folder in (arguments.source, *arguments.target)])
    if len(source.infants[0].images) > 1:
        print("T2w images are learnt from: the app shows none to networks, and export refuses these", file=sys.stderr)
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    transfer(source, targets, arguments.work, train, arguments.k, weighted=not arguments.unweighted)
    print("done")


def learn_brains(arguments: argparse.Namespace) -> None:
    """Train networks for whole brains on a user's labels."""
    import torch

    from cerebbids.inference.device import find_device
    from cerebbids.training.brainfolders import read_cases
    from cerebbids.training.memory import keep_freed_memory
    from cerebbids.training.ownbrains import train_brains

    if arguments.age and arguments.system != NEONATAL.name:
        raise UsageError("--age", f"is nothing that networks of {arguments.system} tell", "leave it out")
    device = find_device(arguments.device)
    cases = read_cases(arguments.system, arguments.source, ages=arguments.age)
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    train_brains(
        arguments.system, cases, arguments.work, width=arguments.width, steps=arguments.steps,
        method=arguments.optimiser, age=arguments.age, device=device,
    )  # fmt: skip
    print("done")


def main(argv: list[str] | None = None) -> int:
    """Run one step; return the exit code, as :func:`cerebbids.cli.run.exit_code`."""
    arguments = parser().parse_args(argv)
    return exit_code(lambda: _run_with_packages(arguments))


def _run_with_packages(arguments: argparse.Namespace) -> int:
    try:
        return _run(arguments)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("cerebbids"):
            raise
        reason = f"needs the package {error.name}"
        raise UsageError("cerebbids-train", reason, "install the packages of cerebbids[train]") from error
    except (RuntimeError, MemoryError) as error:
        if not (is_out_of_memory(error) or lacks_host_memory(error)):
            raise
        mend = "take a thinner network (--width), fewer images, or --device cpu; what was trained so far is kept"
        raise UsageError("cerebbids-train", "needs more memory than there is", mend) from error


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "prepare":
        import torch

        from cerebbids.training.prepare import prepare

        torch.set_num_threads(arguments.threads)
        prepare(arguments.kit, arguments.work, arguments.threads)
    elif arguments.command == "fit":
        fit(arguments)
    elif arguments.command == "refine":
        import torch

        from cerebbids.training.finepeople import refine

        torch.set_num_threads(arguments.threads)
        table = refine(arguments.kit, arguments.work, arguments.threads)
        with atomic(arguments.work / "fine.tsv") as draft:
            table.to_csv(draft, sep="\t", index=False, float_format="%.5f")
    elif arguments.command == "extend":
        from cerebbids.training.extended import extend

        extend(arguments.kit, arguments.work, arguments.fold)
    elif arguments.command == "exemplars":
        from cerebbids.training.generated import build_exemplars

        build_exemplars(arguments.kit, arguments.work, arguments.fold)
    elif arguments.command == "priors":
        from cerebbids.training.priors import build_priors

        build_priors(arguments.kit, arguments.work, arguments.fold, arguments.processes)
    elif arguments.command == "library":
        from cerebbids.training.ownlibrary import build_from_images

        build_from_images(arguments.folder, arguments.out, arguments.threads)
    elif arguments.command == "infant":
        carry_labels(arguments)
    elif arguments.command == "brain":
        learn_brains(arguments)
    else:
        from cerebbids.training.bundle import export, export_networks
        from cerebbids.training.infantruns import infant_runs

        system = SYSTEMS[arguments.system]
        runs = {net: run_folder(arguments.work, net, arguments.fold) for net in system.grids}
        if system is INFANT:
            runs |= infant_runs(arguments.work)
        if system is not DEEPCERES:
            export_networks(system, runs, arguments.models, arguments.keep)
            return 0
        export(runs, library_folder(arguments.work, arguments.fold), arguments.models, arguments.keep)
    return 0


if __name__ == "__main__":
    sys.exit(main())
