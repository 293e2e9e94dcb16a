"""``cerebbids``: the BIDS-App's door."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Sequence

from cerebbids.cli.parser import parse_args
from cerebbids.errors import CerebbidsError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the BIDS-App.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; none for those of this process.

    Returns
    -------
    int
        0 when all images are done, 1 when one failed, 2 for a senseless request, 130 when interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return exit_code(lambda: _run(arguments))


def exit_code(action: Callable[[], int]) -> int:
    """Do something; give its exit code, or that of its failure, of which one line tells on standard error."""
    # Schedulers and containers end a program with SIGTERM: it takes its leave as after Ctrl-C.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return action()
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
        return 130
    finally:
        signal.signal(signal.SIGTERM, before)


def _run(arguments: list[str]) -> int:
    config = parse_args(arguments)
    # Only now, because --help and --version should be quick.
    from cerebbids.cli.participant import run_participants, show_plan

    if config.dry_run:
        return show_plan(config)
    return run_participants(config, command=shlex.join(["cerebbids", *arguments]))


if __name__ == "__main__":
    sys.exit(main())
