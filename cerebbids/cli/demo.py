"""``cerebbids-demo``: the whole way on two heads that need no download."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from cerebbids.cli.run import exit_code
from cerebbids.cli.run import main as cerebbids

_ABOUT = (
    "Make a small BIDS dataset from an image that comes with SUITPy (the MNI152 head, and a deformed, noisy "
    "head made from it), segment it, and say where the reports are. Needs no network."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; none for those of this process.

    Returns
    -------
    int
        Exit code of ``cerebbids``, or that of what kept the dataset from being made.
    """
    parser = argparse.ArgumentParser("cerebbids-demo", description=_ABOUT, allow_abbrev=False)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder to write to")
    out = parser.parse_args(argv).out.absolute()
    return exit_code(lambda: _demonstrate(out))


def _demonstrate(out: Path) -> int:
    # Only now, because --help should be quick.
    from cerebbids.cli.demo_heads import make_dataset

    begin = time.monotonic()
    subjects = make_dataset(out / "bids")
    print(f"A BIDS dataset of {len(subjects)} heads is in {out / 'bids'}; now segmenting them", flush=True)
    derivatives = out / "derivatives"
    code = cerebbids(
        [str(out / "bids"), str(derivatives), "participant", "--system", "deepceres", "-w", str(out / "work")]
    )
    for page in (derivatives / f"{subject}.html" for subject in subjects):
        if page.is_file():
            print(f"Report: {page}")
    print(f"The demonstration took {time.monotonic() - begin:.0f} s.")
    return code


if __name__ == "__main__":
    sys.exit(main())
