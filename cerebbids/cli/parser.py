"""The command line, read into a :class:`cerebbids.config.RunConfig` without loading anything heavy."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from pathlib import Path

from cerebbids import __version__
from cerebbids.config import RunConfig, usable_cpus
from cerebbids.errors import UsageError

_ABOUT = "Segment the lobules of the cerebellum on every T1w image of a BIDS dataset."
_EPILOG = "For research only: not a medical device. The default weights must not be used commercially."


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of ``cerebbids``."""
    parser = argparse.ArgumentParser("cerebbids", description=_ABOUT, epilog=_EPILOG, allow_abbrev=False)
    parser.add_argument("bids_dir", type=folder, help="root of the BIDS dataset")
    parser.add_argument("output_dir", type=_absolute, help="root of the derivatives, made where it is missing")
    parser.add_argument("analysis_level", choices=["participant"], help="work on every image by itself")
    parser.add_argument("--version", action="version", version=f"cerebbids {__version__}")
    _add_choice_of_images(parser.add_argument_group("which images"))
    _add_method(parser.add_argument_group("how to label"))
    _add_resources(parser.add_argument_group("how to run"))
    return parser


def parse_args(argv: Sequence[str] | None = None) -> RunConfig:
    """Read and check the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; none for those of this process.

    Raises
    ------
    UsageError
        Folders that are in each other's way, or options that do not go together.
    SystemExit
        With code 2 when the arguments cannot be understood, with 0 after ``--help`` and ``--version``.
    """
    options = vars(build_parser().parse_args(argv))
    labels = {
        "participant_labels": bare_labels(options.pop("participant_label"), "sub-"),
        "session_labels": bare_labels(options.pop("session_label"), "ses-"),
    }
    threads = options.pop("omp_nthreads") or min(options["nprocs"], 8)
    config = RunConfig(**options, **labels, omp_nthreads=min(threads, options["nprocs"]))
    _check_folders(config)
    if config.library and config.method != "atlas":
        raise UsageError("--library", "is for --method atlas only", "add --method atlas, or leave it out")
    if config.flip and config.method != "nets":
        raise UsageError("--flip", f"is not for --method {config.method}", "leave it out")
    return config


def _check_folders(config: RunConfig) -> None:
    bids_dir, output_dir, work_dir = (path.resolve() for path in (config.bids_dir, config.output_dir, config.work_dir))
    beside = f"choose {config.bids_dir / 'derivatives' / 'cerebbids'}, say"
    if output_dir == bids_dir:
        raise UsageError(str(config.output_dir), "is the input and cannot be the output", beside)
    if bids_dir.is_relative_to(output_dir):
        raise UsageError(str(config.output_dir), "holds the input and cannot be the output", beside)
    if output_dir.is_relative_to(bids_dir) and bids_dir / "derivatives" not in output_dir.parents:
        raise UsageError(str(config.output_dir), "lies in the dataset, but not below its derivatives folder", beside)
    if work_dir.is_relative_to(bids_dir):
        raise UsageError(str(config.work_dir), "lies in the dataset", "choose a folder elsewhere with -w")
    if work_dir == output_dir:
        raise UsageError(str(config.work_dir), "is the output folder too", "choose another with -w")
    if work_dir.is_relative_to(output_dir):
        raise UsageError(str(config.work_dir), "lies in the output folder", "choose a folder elsewhere with -w")


def _add_choice_of_images(group: argparse._ArgumentGroup) -> None:
    add_participant_label(group)
    group.add_argument(
        "--session-label", "--session-id", nargs="+", action="extend", default=[], metavar="LABEL",
        help="only these sessions, with or without ses-",
    )  # fmt: skip
    group.add_argument(
        "--bids-filter-file", type=_file, metavar="FILE",
        help='JSON file of PyBIDS filters for the queries t1w and t2w: {"t1w": {"acquisition": "mprage"}}',
    )  # fmt: skip
    group.add_argument(
        "--t2w", choices=["auto", "real", "synth"], default="auto",
        help="T2w image: of the same session where it passes a check, else synthesised (auto, the default); "
        "of the same session, and images without one fail (real); always synthesised (synth)",
    )  # fmt: skip
    group.add_argument("--dry-run", action="store_true", help="show images and their outputs, and stop")


def add_participant_label(group: argparse._ActionsContainer) -> None:
    """Add the option that chooses participants."""
    group.add_argument(
        "--participant-label", "--participant_label", nargs="+", action="extend", default=[], metavar="LABEL",
        help="only these participants, with or without sub-",
    )  # fmt: skip


def _add_method(group: argparse._ArgumentGroup) -> None:
    namer = group.add_mutually_exclusive_group()
    namer.add_argument(
        "--method", choices=["nets", "fast", "atlas"], default="nets",
        help="a cascade of networks at 0.5 mm and one at 1 mm name the lobules (nets, the default), the latter alone "
        "does (fast), or the most similar cerebella of a library do, registered and voting (atlas)",
    )  # fmt: skip
    namer.add_argument(
        "--fast", dest="method", action="store_const", const="fast", help="for a quick look: the same as --method fast"
    )
    group.add_argument(
        "--flip", action="store_true",
        help="let the cascade see the mirror image, too, and take the mean: twice its time",
    )  # fmt: skip
    group.add_argument(
        "--save-probabilities", action="store_true", help="write the probabilities of all labels (4D, large)"
    )
    group.add_argument(
        "--library", type=folder, metavar="DIR",
        help="library for --method atlas, as cerebbids-train library makes it (default: the bundle's)",
    )  # fmt: skip
    group.add_argument("--models-dir", type=folder, metavar="DIR", help="model bundles, not the packaged ones")


def _add_resources(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-w", "--work-dir", type=_absolute, default=Path("work").absolute(), metavar="DIR",
        help="folder of intermediate files; the same one again resumes a run (default: ./work)",
    )  # fmt: skip
    group.add_argument(
        "--nprocs",
        type=_positive(int),
        default=usable_cpus(),
        metavar="N",
        help="CPUs of the run (default: all)",
    )
    group.add_argument(
        "--omp-nthreads", type=_positive(int), metavar="N", help="CPUs of one process (default: up to 8)"
    )
    group.add_argument(
        "--mem-gb", type=_positive(float), metavar="GB", help="memory of the run (default: nine tenths of it)"
    )
    group.add_argument(
        "--device", type=_device, default="auto", metavar="{auto,cpu,cuda,cuda:N}",
        help="where the networks run (default: auto, a GPU where there is one)",
    )  # fmt: skip
    group.add_argument(
        "-v", "--verbose", dest="verbosity", action="count", default=0, help="say more; twice for everything"
    )


def bare_labels(given: Sequence[str], prefix: str) -> tuple[str, ...]:
    """Labels without their prefix, each once.

    Examples
    --------
    >>> bare_labels(["sub-01", "02", "01"], "sub-")
    ('01', '02')
    """
    return tuple(dict.fromkeys(label.removeprefix(prefix) for label in given))


def _absolute(text: str) -> Path:
    return Path(text).absolute()


def folder(text: str) -> Path:
    """Absolute path of a folder that there is, for argparse."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text}: is not a folder; check the path")
    return _absolute(text)


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise argparse.ArgumentTypeError(f"{text}: is not a file; check the path")
    return _absolute(text)


def _device(text: str) -> str:
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", text):
        raise argparse.ArgumentTypeError(f"{text}: is not a device; choose auto, cpu, cuda or cuda:N")
    return text


def _positive(kind: type):
    def number(text: str):
        value = kind(text)
        if not 0 < value < math.inf:
            raise argparse.ArgumentTypeError(f"{text}: must be a number above 0")
        return value

    number.__name__ = kind.__name__  # argparse names the type so when it cannot be read
    return number
