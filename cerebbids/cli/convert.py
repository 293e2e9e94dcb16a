"""``cerebbids-convert``: volumes and label maps of other tools, to and from those of this program."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from cerebbids.cli.options import absolute, file
from cerebbids.cli.run import exit_code
from cerebbids.errors import UsageError

_TOOLS = ("deepceres", "ceres", "cerebnet", "acapulco", "maget", "ants")  # mapping.TOOLS, which loads more than --help
_OTHER_IMAGES = {".mgz": "mri_convert", ".mgh": "mri_convert", ".mnc": "mnc2nii"}
_ABOUT = (
    "Write a table of volumes (or a label map, .nii or .nii.gz) of another tool as this program does (--from), or one "
    "of this program as the other tool does (--to). Regions are renamed and added up, never divided; what has no "
    "counterpart is left out and told."
)


def main(argv: Sequence[str] | None = None) -> int:
    """Convert one file.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; none for those of this process.

    Returns
    -------
    int
        0 when it is written, 2 for what cannot be converted, 1 when the system cannot read or write.
    """
    parser = argparse.ArgumentParser("cerebbids-convert", description=_ABOUT, allow_abbrev=False)
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument("--from", dest="source_tool", choices=_TOOLS, help="tool that IN is of; OUT is this program's")
    way.add_argument("--to", dest="target_tool", choices=_TOOLS, help="tool that OUT is for; IN is this program's")
    parser.add_argument("source", type=file, metavar="IN", help="file to read")
    parser.add_argument(
        "target", type=absolute, metavar="OUT",
        help="file to write. The seg- of this program's file (IN or OUT) tells the label scheme: "
        "sub-01_seg-LobulesVermis_morph.tsv, say; an OUT without one gets the one that is nearest to the tool",
    )  # fmt: skip
    options = parser.parse_args(argv)
    return exit_code(lambda: _convert(options))


def _convert(options: argparse.Namespace) -> int:
    # Only now, because --help should be quick.
    from cerebbids.interchange.labelmaps import relabel_file
    from cerebbids.interchange.tables import from_tool, to_tool

    source, target, back = options.source, options.target, options.target_tool is not None
    tool = options.target_tool or options.source_tool
    _check_paths(source, target)
    if not back and not _is_map(target) and target.suffix != ".tsv":  # the sidecar is named after it
        raise UsageError(str(target), "has another ending than .tsv", "name it sub-01_seg-Lobules_morph.tsv, say")
    scheme = _scheme(source if back else target, tool, needed=back)
    if _is_map(source):
        told = relabel_file(source, target, tool, scheme, back=back)
    else:
        told = (to_tool if back else from_tool)(source, target, tool, scheme)
    for line in told:
        print(f"{target.name}: {line}", file=sys.stderr)
    print(f"{target}: seg-{scheme} {'to' if back else 'from'} {tool}")
    return 0


def _is_map(path: Path) -> bool:
    return path.name.lower().endswith((".nii", ".nii.gz"))


def _check_paths(source: Path, target: Path) -> None:
    if source.resolve() == target.resolve():
        raise UsageError(str(target), "is both input and output", "choose another output")
    for path in (source, target):
        if path.suffix.lower() in _OTHER_IMAGES:
            mend = f"convert {'it' if path == source else 'the output'} with {_OTHER_IMAGES[path.suffix.lower()]}"
            raise UsageError(str(path), "is an image, but not NIfTI, which is all that is read and written here", mend)
    if _is_map(source) != _is_map(target):
        kind = "a label map" if _is_map(source) else "a table"
        raise UsageError(str(target), f"is not of the kind of the input, {kind}", "choose another ending")


def _scheme(ours: Path, tool: str, *, needed: bool) -> str:
    from cerebbids.interchange.mapping import TOOLS

    named = re.search(r"_seg-([a-zA-Z0-9]+)", ours.name)
    schemes = TOOLS[tool].schemes
    can = " or ".join(f"seg-{scheme}" for scheme in schemes)
    if named is None and needed:  # names of regions are the same in all schemes, what they cover is not
        raise UsageError(str(ours), "does not tell its label scheme", f"have its name hold {can}, whichever it is")
    if named is None:
        return schemes[0]
    if named[1] not in schemes:
        raise UsageError(str(ours), f"is named seg-{named[1]}; {tool}'s regions are those of {can}", "name it so")
    return named[1]


if __name__ == "__main__":
    sys.exit(main())
