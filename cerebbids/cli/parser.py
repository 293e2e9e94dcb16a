"""The command line, read into a :class:`cerebbids.config.RunConfig` without loading anything heavy."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from cerebbids import __version__
from cerebbids.cli.configfile import read_choices
from cerebbids.cli.options import absolute, bare_labels, device, file, folder, megabytes, memory, months, positive
from cerebbids.config import RunConfig, usable_cpus
from cerebbids.errors import UsageError
from cerebbids.systems.ages import CHOICES

_ABOUT = "Segment the cerebellum on every T1w image of a BIDS dataset: its lobules, or the tissues of an infant's."
_EPILOG = "For research only: not a medical device. Most default weights must not be used commercially."


class OneLine(argparse.ArgumentParser):
    """A parser that tells in one line what it does not understand."""

    def error(self, message: str) -> NoReturn:
        """End the program with code 2."""
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of ``cerebbids``, which gives what was asked for and no default of what was not."""
    parser = OneLine(
        "cerebbids", description=_ABOUT, epilog=_EPILOG, allow_abbrev=False, argument_default=argparse.SUPPRESS
    )
    parser.add_argument("bids_dir", type=folder, help="root of the BIDS dataset")
    parser.add_argument("output_dir", type=absolute, help="root of the derivatives, made where it is missing")
    parser.add_argument(
        "analysis_level", choices=["participant", "group"],
        help="work on every image by itself (participant), or gather the tables of all that are done (group)",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"cerebbids {__version__}")
    _add_choice_of_images(parser.add_argument_group("which images"))
    _add_method(parser.add_argument_group("how to label"))
    _add_resources(parser.add_argument_group("how to run"))
    add_norms(parser.add_argument_group("what reports show"))
    _add_parts(parser.add_argument_group("only a part of it"))
    _add_ignored(parser.add_argument_group("accepted for the sake of other programs' scripts, without effect"))
    return parser


def parse_args(argv: Sequence[str] | None = None) -> RunConfig:
    """Read and check the command line, and the file of choices that it may name.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; none for those of this process.

    Raises
    ------
    UsageError
        Folders that are in each other's way, options that do not go together, or a file of choices that is none.
    SystemExit
        With code 2 when the arguments cannot be understood, with 0 after ``--help`` and ``--version``.
    """
    parser = build_parser()
    given = vars(parser.parse_args(argv))
    if path := given.pop("config_file", None):
        given = read_choices(path, parser) | given
    config = RunConfig(**_completed(given))
    _check_folders(config)
    if config.library and config.method != "atlas":
        raise UsageError("--library", "is for --method atlas only", "add --method atlas, or leave it out")
    if config.flip and config.method != "nets":
        raise UsageError("--flip", f"is not for --method {config.method}", "leave it out")
    return config


def _completed(given: dict[str, Any]) -> dict[str, Any]:
    """Add what follows from other choices, or from the environment."""
    choices = {name: value for name, value in given.items() if name != "ignored"}
    choices["participant_labels"] = bare_labels(choices.get("participant_labels", ()), "sub-")
    choices["session_labels"] = bare_labels(choices.get("session_labels", ()), "ses-")
    choices.setdefault("work_dir", Path("work").absolute())
    cpus = choices.setdefault("nprocs", usable_cpus())
    threads = choices.setdefault("omp_nthreads", min(8, cpus))
    if threads > cpus and "plugin_file" not in choices:
        print(f"--omp-nthreads: {threads} CPUs for a process; the run has {cpus}, and it gets these", file=sys.stderr)
        choices["omp_nthreads"] = cpus
    if choices.get("sloppy"):
        choices.setdefault("method", "fast")
    if models := models_of_home():
        choices.setdefault("models_dir", models)
    return choices


def models_of_home() -> Path | None:
    """Model bundles that the environment names.

    Raises
    ------
    UsageError
        It names a folder in which there are none.
    """
    home = os.environ.get("CEREBBIDS_HOME")
    if not home:
        return None
    models = Path(home).absolute() / "models"
    if not models.is_dir():
        raise UsageError("CEREBBIDS_HOME", f"names {home}, where there is no folder models", "correct or unset it")
    return models


def _check_folders(config: RunConfig) -> None:
    bids_dir, output_dir, work_dir = (path.resolve() for path in (config.bids_dir, config.output_dir, config.work_dir))
    beside = f"choose {config.bids_dir / 'derivatives' / 'cerebbids'}, say"
    if output_dir == bids_dir:
        raise UsageError(str(config.output_dir), "is the input and cannot be the output", beside)
    if bids_dir.is_relative_to(output_dir):
        raise UsageError(str(config.output_dir), "holds the input and cannot be the output", beside)
    if output_dir.is_relative_to(bids_dir) and bids_dir / "derivatives" not in output_dir.parents:
        raise UsageError(str(config.output_dir), "lies in the dataset, but not below its derivatives folder", beside)
    works = config.analysis_level == "participant" and not (config.dry_run or config.reports_only)
    if works and work_dir.is_relative_to(bids_dir):
        raise UsageError(str(config.work_dir), "lies in the dataset", "choose a folder elsewhere with -w")
    if works and work_dir == output_dir:
        raise UsageError(str(config.work_dir), "is the output folder too", "choose another with -w")
    if works and work_dir.is_relative_to(output_dir):
        raise UsageError(str(config.work_dir), "lies in the output folder", "choose a folder elsewhere with -w")
    if config.bids_database_dir and config.bids_database_dir.resolve().is_relative_to(bids_dir):
        raise UsageError(str(config.bids_database_dir), "lies in the dataset", "choose a folder elsewhere")


def add_participant_label(group: argparse._ActionsContainer) -> None:
    """Add the option that chooses participants."""
    group.add_argument(
        "--participant-label", "--participant_label", "--participant-labels", nargs="+", action="extend",
        dest="participant_labels", metavar="LABEL", help="only these participants, with or without sub-",
    )  # fmt: skip


def _add_choice_of_images(group: argparse._ArgumentGroup) -> None:
    add_participant_label(group)
    group.add_argument(
        "--session-label", "--session_label", "--session-id", nargs="+", action="extend", dest="session_labels",
        metavar="LABEL", help="only these sessions, with or without ses-",
    )  # fmt: skip
    group.add_argument(
        "--bids-filter-file", "--bids_filter_file", type=file, metavar="FILE",
        help='JSON file of PyBIDS filters for the queries t1w and t2w: {"t1w": {"acquisition": "mprage"}}',
    )  # fmt: skip
    group.add_argument(
        "--bids-database-dir", "--bids_database_dir", type=absolute, metavar="DIR",
        help="folder of a PyBIDS database of the whole dataset; made where there is none, and never renewed",
    )  # fmt: skip
    group.add_argument(
        "--t2w", choices=["auto", "real", "synth"],
        help="T2w image: of the same session where it passes a check, else synthesised (auto, the default); "
        "of the same session, and images without one fail (real); always synthesised (synth)",
    )  # fmt: skip


def _add_method(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--system", choices=list(CHOICES),
        help="what labels the images: the system for each person's age (auto, the default), or one for all; --method, "
        "--fast, --flip and --library are for deepceres alone",
    )  # fmt: skip
    group.add_argument(
        "--age-months", "--age_months", type=months, metavar="N",
        help="age of everybody in this run, in months since birth (newborns' as if born at term), in place of what "
        "participants.tsv and the tables of sessions tell",
    )  # fmt: skip
    namer = group.add_mutually_exclusive_group()
    namer.add_argument(
        "--method", choices=["nets", "fast", "atlas"],
        help="a cascade of networks at 0.5 mm and one at 1 mm name the lobules (nets, the default), the latter alone "
        "does (fast), or the most similar cerebella of a library do, registered and voting (atlas)",
    )  # fmt: skip
    namer.add_argument(
        "--fast", dest="method", action="store_const", const="fast", help="for a quick look: the same as --method fast"
    )
    mirror = group.add_mutually_exclusive_group()
    mirror.add_argument(
        "--flip", action="store_true",
        help="let the cascade see the mirror image, too, and take the mean: twice its time",
    )  # fmt: skip
    mirror.add_argument("--disable-tta", dest="flip", action="store_false", help="leave it out (the default)")
    group.add_argument(
        "--save-probabilities", action="store_true", help="write the probabilities of all labels (4D, large)"
    )
    group.add_argument(
        "--library", type=folder, metavar="DIR",
        help="library for --method atlas, as cerebbids-train library makes it (default: the bundle's)",
    )  # fmt: skip
    group.add_argument(
        "--models-dir", type=folder, metavar="DIR",
        help="model bundles (default: the folder models of $CEREBBIDS_HOME, else the packaged ones)",
    )  # fmt: skip
    group.add_argument(
        "--sloppy", action="store_true",
        help="for trying the program out only: registration is coarse, and the method fast if no other is asked for",
    )  # fmt: skip


def _add_resources(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-w", "--work-dir", type=absolute, metavar="DIR",
        help="folder of intermediate files; the same one again resumes a run (default: ./work)",
    )  # fmt: skip
    group.add_argument(
        "--clean-workdir", action="store_true", help="first remove the intermediate files that there are"
    )
    group.add_argument(
        "--rm-workdir-on-success", action="store_true", help="remove the intermediate files of every image that is done"
    )
    cpus = positive(int)
    group.add_argument(
        "--nprocs", "--nthreads", "--n-cpus", "--n_cpus", type=cpus, metavar="N",
        help="CPUs of the run (default: all that the scheduler granted)",
    )  # fmt: skip
    group.add_argument(
        "--omp-nthreads", "--omp_nthreads", type=cpus, metavar="N", help="CPUs of one process (default: up to 8)"
    )
    sizes = group.add_mutually_exclusive_group()
    sizes.add_argument(
        "--mem-gb", "--mem_gb", type=positive(float), metavar="GB",
        help="memory of the run (default: nine tenths of what the scheduler granted)",
    )  # fmt: skip
    sizes.add_argument("--mem-mb", "--mem_mb", type=megabytes, dest="mem_gb", metavar="MB", help="the same in MB")
    sizes.add_argument(
        "--mem", type=memory, dest="mem_gb", metavar="SIZE", help="the same with a unit, as 8G; without one in MB"
    )
    group.add_argument(
        "--device", type=device, metavar="{auto,cpu,cuda,cuda:N}",
        help="where the networks run (default: auto, a GPU where there is one)",
    )  # fmt: skip
    group.add_argument(
        "--n-gpu-procs", type=cpus, metavar="N", help="how many images may be on the GPU at once (default: 1)"
    )
    group.add_argument(
        "--use-plugin", "--nipype-plugin-file", type=file, dest="plugin_file", metavar="FILE",
        help="YAML file with a nipype plugin and its plugin_args, to run on a cluster",
    )  # fmt: skip
    group.add_argument("--stop-on-first-crash", action="store_true", help="end the run when the first image fails")
    group.add_argument(
        "--config-file", type=file, metavar="FILE",
        help="choices as a run keeps them (sub-*/log/*/cerebbids.toml); what is on the command line comes first",
    )  # fmt: skip
    group.add_argument("-v", "--verbose", dest="verbosity", action="count", help="say more; twice for everything")


def add_norms(group: argparse._ActionsContainer) -> None:
    """Add the option that names norms."""
    group.add_argument(
        "--norms", type=file, metavar="FILE",
        help="table of norms to hold volumes against, as cerebbids-norms fit writes it; ages and sexes are those of "
        "participants.tsv and of the tables of sessions (default: none, and no bounds are shown)",
    )  # fmt: skip


def _add_parts(group: argparse._ArgumentGroup) -> None:
    part = group.add_mutually_exclusive_group()
    part.add_argument("--dry-run", action="store_true", help="show images and their outputs, and stop")
    part.add_argument("--reports-only", action="store_true", help="write the reports of what is there, and stop")
    part.add_argument(
        "--boilerplate-only", "--boilerplate_only", "--boilerplate", action="store_true",
        help="write the methods text, and stop",
    )  # fmt: skip


def _add_ignored(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--random-seed", dest="ignored", type=int, metavar="N", help="no step draws random numbers")
    validation = ("--skip-bids-validation", "--skip_bids_validation", "--skip_bids_validator")
    for options, reason in (
        (validation, "what is needed of the dataset is always checked, and nothing else"),
        (("--notrack",), "nothing is ever reported to anyone"),
        (("--md-only-boilerplate",), "the methods text is Markdown"),
    ):
        group.add_argument(*options, dest="ignored", action="store_true", help=reason)
