"""What became of a run: its last line and its exit code."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence

from cerebbids.bids.query import Selection, SourceImage
from cerebbids.errors import BadImage, CerebbidsError, Defect, Interrupted, Unfinished

Failures = dict[str, CerebbidsError]
"""Why images (by their stems, or by their paths where these are ambiguous), participants or pages failed."""

AGAIN = "run the same command again"
INTERRUPTED = 128 + signal.SIGINT
"""Exit code of a run that Ctrl-C has ended."""


def code_of_run(names: Sequence[str], failures: Mapping[str, CerebbidsError]) -> int:
    """Exit code of a run that came to its last line.

    Parameters
    ----------
    names : sequence of str
        Images that were to be done.
    failures : mapping
        What failed, and why.

    Returns
    -------
    int
        0 when all is done, 130 when somebody interrupted, 70 where the program is at fault, 65 when no image was fit to
        be worked on, else 1.

    Examples
    --------
    >>> empty = CerebbidsError("sub-2_T1w.nii", "is empty", "copy it again")
    >>> code_of_run(["sub-1", "sub-2"], {}), code_of_run(["sub-1", "sub-2"], {"sub-2": empty})
    (0, 1)
    """
    kinds = [type(error) for error in failures.values()]
    if Interrupted in kinds:
        return INTERRUPTED
    if Defect in kinds:
        return os.EX_SOFTWARE
    if kinds and set(kinds) == {BadImage} and set(names) <= set(failures):
        return os.EX_DATAERR
    return 1 if kinds else 0


def unfinished(image: SourceImage, end: BaseException | None, *, stopped: bool = False) -> Unfinished:
    """Say why the run ended before an image was done.

    Parameters
    ----------
    image : SourceImage
    end : BaseException or None
        What ended the run.
    stopped : bool
        Whether it ended because another image failed.
    """
    if isinstance(end, KeyboardInterrupt):
        return Interrupted(image.relative, "was interrupted", AGAIN)
    if stopped:
        return Unfinished(image.relative, "was not finished, as another image failed (--stop-on-first-crash)", AGAIN)
    reason = " ".join(f"{type(end).__name__}: {end}".split())[:200]
    return Unfinished(image.relative, f"was not finished ({reason})", AGAIN)


def last_line(names: Sequence[str], failures: Mapping[str, CerebbidsError]) -> str:
    """Sum a run up.

    Examples
    --------
    >>> last_line(["sub-1", "sub-2"], {"sub-2": CerebbidsError("sub-2_T1w.nii", "is empty", "copy it again")})
    '1 done, 1 failed: sub-2 (is empty)'
    """
    done = sum(name not in failures for name in names)
    reasons = ", ".join(f"{name} ({error.reason})" for name, error in failures.items())
    return f"{done} done, {len(failures)} failed" + (f": {reasons}" if reasons else "")


def unfit(selection: Selection) -> Failures:
    """What of a selection cannot be worked on, whatever the run."""
    return {error.subject: error for error in (*selection.missing, *(error for _, error in selection.refused))}
