"""``cerebbids``: the BIDS-App's door."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence

from cerebbids.cli.environment import ensure_home
from cerebbids.cli.outcome import INTERRUPTED
from cerebbids.cli.parser import parse_args
from cerebbids.errors import CerebbidsError, ModelError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the BIDS-App.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; none for those of this process.

    Returns
    -------
    int
        0 when all images are done, 1 when one failed, 2 for a senseless request, 65 when no image is fit to be worked
        on, 70 when this program is at fault, 127 without the networks' weights, 130 when interrupted, 143 when ended by
        SIGTERM.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return exit_code(lambda: _run(arguments))


def exit_code(action: Callable[[], int]) -> int:
    """Do something; give its exit code, or that of its failure, of which one line tells on standard error."""
    ensure_home()
    terminated: list[int] = []

    def leave(number: int, frame: object) -> None:
        terminated.append(number)
        raise KeyboardInterrupt

    # Schedulers and containers end a program with SIGTERM: it takes its leave as after Ctrl-C.
    before = signal.signal(signal.SIGTERM, leave)
    try:
        code = _code(action)
    finally:
        signal.signal(signal.SIGTERM, before)
    return 128 + signal.SIGTERM if code == INTERRUPTED and terminated else code


def _code(action: Callable[[], int]) -> int:
    try:
        return action()
    except ModelError as error:
        print(f"cerebbids: {error}", file=sys.stderr)
        return 127
    except CerebbidsError as error:
        print(f"cerebbids: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        reason = error.strerror or type(error).__name__
        named = f"{error.filename}: {reason}" if error.filename else reason
        print(f"cerebbids: {named}; mend it and run the same command again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("cerebbids: interrupted; the same command resumes", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        traceback.print_exc()
        print(f"cerebbids: {type(error).__name__}: {error}; report this as a bug", file=sys.stderr)
        return os.EX_SOFTWARE


def _run(arguments: list[str]) -> int:
    config = parse_args(arguments)
    # Each only where it is wanted, because --help and --version should be quick.
    if config.analysis_level == "group":
        from cerebbids.cli.group import run_group

        return run_group(config)
    if config.dry_run:
        from cerebbids.cli.plan import show_plan

        return show_plan(config)
    if config.reports_only:
        from cerebbids.cli.pages import reports_only

        return reports_only(config)
    from cerebbids.cli.participant import run_participants, write_methods

    if config.boilerplate_only:
        return write_methods(config)
    return run_participants(config, command=shlex.join(["cerebbids", *arguments]))


if __name__ == "__main__":
    sys.exit(main())
