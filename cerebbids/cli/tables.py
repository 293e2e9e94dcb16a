"""``cerebbids-tables``: tables, quality, figures and pages again, after label maps were corrected by hand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cerebbids.cli.options import bare_labels, folder
from cerebbids.cli.parser import OneLine, add_norms, add_participant_label
from cerebbids.cli.records import forget_half
from cerebbids.cli.run import exit_code
from cerebbids.errors import BadImage, CerebbidsError, Unfinished, UsageError

if TYPE_CHECKING:
    from rich.progress import Progress

    from cerebbids.cli.recount import Recounted

_ABOUT = (
    "Make tables, quality, figures and pages of a finished output folder again, from its label maps as they are now. "
    "Correct a seg-*_dseg.nii.gz in an editor, save it in place, and run this."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Count again.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; none for those of this process.

    Returns
    -------
    int
        0 when all images are done, 1 when one failed, 2 for a senseless request, 130 when interrupted.
    """
    parser = OneLine("cerebbids-tables", description=_ABOUT, allow_abbrev=False)
    parser.add_argument("output_dir", type=folder, help="output folder of cerebbids")
    add_participant_label(parser)
    add_norms(parser)
    options = parser.parse_args(argv)
    participants = bare_labels(options.participant_labels or (), "sub-")
    return exit_code(lambda: _run(options.output_dir, participants, options.norms))


def _run(output_dir: Path, participants: Sequence[str], norms: Path | None) -> int:
    # Only now, because --help should be quick.
    from cerebbids.bids.dataset import source_dataset
    from cerebbids.cli.outcome import last_line
    from cerebbids.cli.pages import write_pages
    from cerebbids.cli.progress import empty_bar
    from cerebbids.cli.references import read_references

    failures: dict[str, CerebbidsError] = {}
    names = _with_labels(output_dir, participants, failures)
    subjects = sorted({name.split("_")[0].removeprefix("sub-") for name in names})
    references = read_references(norms, source_dataset(output_dir), subjects)
    with empty_bar() as bar:
        task = bar.add_task("counting", total=len(names))
        for name in names:
            bar.update(task, description=name, refresh=True)
            _count(output_dir, name, failures, bar)
            bar.advance(task)
        bar.refresh()
    failures |= write_pages(output_dir, subjects, references)
    for error in failures.values():
        print(error, file=sys.stderr)
    print(last_line(names, failures))
    return 1 if failures else 0


def _with_labels(output_dir: Path, participants: Sequence[str], failures: dict[str, CerebbidsError]) -> tuple[str, ...]:
    """Images that there are labels of, by their stems; chosen participants without any fail."""
    from cerebbids.bids.found import stems_with_labels

    found = {
        subject: [name for name, _ in stems_with_labels(output_dir, subject)] for subject in participants or ("*",)
    }
    if not participants and not found["*"]:
        reason = "has no labels of cerebbids"
        raise UsageError(str(output_dir), reason, "give the output folder of a run that is done")
    for subject in (subject for subject, names in found.items() if not names):
        reason = f"has no labels in {output_dir}"
        failures[f"sub-{subject}"] = BadImage(f"sub-{subject}", reason, "check the label, or run cerebbids first")
    return tuple(sorted(name for names in found.values() for name in names))


def _recount(output_dir: Path, name: str) -> Recounted:
    """Count an image again as its system wants it."""
    from cerebbids.bids.names import LABELS, derivative_path
    from cerebbids.cli.recount import recount
    from cerebbids.cli.recountbrain import recount_brain
    from cerebbids.cli.recountinfant import recount_infant

    made = {key: output_dir / derivative_path(f"{name}_T1w.nii.gz", key) for key in LABELS.values()}
    system = next((system for system, key in LABELS.items() if made[key].exists()), "deepceres")
    if system == "deepceres":
        return recount(output_dir, name)
    return recount_infant(output_dir, name) if system == "infant" else recount_brain(output_dir, name, system)


def _count(output_dir: Path, name: str, failures: dict[str, CerebbidsError], bar: Progress) -> None:
    """Count one image again; one that fails does not keep the others from being done."""
    try:
        found = _recount(output_dir, name)
    except CerebbidsError as error:
        failures[name] = error
    except OSError as error:
        reason = f"cannot be read or written ({error.strerror})"
        failures[name] = Unfinished(str(error.filename or name), reason, "mend it and run the same command again")
    else:
        forget_half(output_dir, name.split("_")[0].removeprefix("sub-"), name)
        changed = f", changed by hand: {', '.join(found.changed)}" if found.changed else ""
        reason = "there is no hash in their sidecars to tell by"
        unknown = f", taken for unchanged, as {reason}: {', '.join(found.unknown)}" if found.unknown else ""
        bar.console.print(f"{name}: done{changed}{unknown}", highlight=False, markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
