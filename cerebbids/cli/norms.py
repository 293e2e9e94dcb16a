"""``cerebbids-norms``: centiles by age and sex from a group's volumes."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cerebbids import __version__
from cerebbids.cli.options import absolute, file
from cerebbids.cli.run import exit_code
from cerebbids.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cerebbids.norms.calibration import Calibration
    from cerebbids.norms.cohort import Sample
    from cerebbids.norms.table import Curve

_ABOUT = "Make tables of norms of your own."
_METHOD = (
    "Restricted regression quantiles (He 1997): median regression on a natural cubic spline of age and on sex (where "
    "curves tell it), scale by median regression of the logarithm of residuals, quantiles of the residuals of people "
    "not in the fit, divided by the scale; 95 % intervals by resampling people; calibration by ten-fold "
    "cross-validation over people"
)
_SEED = 0


def build_parser() -> argparse.ArgumentParser:
    """Make the parser of ``cerebbids-norms``."""
    parser = argparse.ArgumentParser("cerebbids-norms", description=_ABOUT, allow_abbrev=False)
    steps = parser.add_subparsers(dest="command", required=True)
    fit = steps.add_parser("fit", help="fit smooth centiles by age and sex", allow_abbrev=False)
    fit.add_argument(
        "group", type=file, metavar="GROUP", help="group_seg-<scheme>_morph.tsv, as cerebbids ... group writes it"
    )
    fit.add_argument(
        "--participants", type=file, required=True, metavar="FILE",
        help="participants.tsv of the dataset, with ages and sexes; sub-*/sub-*_sessions.tsv beside it are read, too",
    )  # fmt: skip
    fit.add_argument(
        "out", type=absolute, metavar="OUT",
        help="table of norms to write (.tsv); its sidecar and its calibration (_calibration.tsv, .svg) go beside it",
    )  # fmt: skip
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Fit norms.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; none for those of this process.

    Returns
    -------
    int
        0 when they are written, 2 for what makes none.
    """
    options = build_parser().parse_args(argv)
    return exit_code(lambda: _fit(options.group, options.participants, options.out))


def _fit(group: Path, participants: Path, out: Path) -> int:
    # Only now, because --help should be quick.
    from cerebbids.bids.people import read_people, told_once
    from cerebbids.norms.cohort import read_volumes, red_images, samples, scheme_of, with_people
    from cerebbids.norms.curves import usable
    from cerebbids.norms.table import Norms, write_norms

    if out.suffix != ".tsv":
        raise UsageError(str(out), "has another ending than .tsv", "name it norms.tsv, say")
    scheme = scheme_of(group)
    people = read_people(participants)
    _say(participants, *people.warnings)
    frame, left_out = with_people(read_volumes(group), people)
    if left_out:
        _say(group, f"{len(left_out)} images are not used ({told_once(left_out.values())})")
    if red := red_images(group) & set(frame["image"]):
        _say(group, f"{len(red)} images have a red light and are used; failed segmentations spoil outer centiles")
    chosen, whys = [], []
    for sample in samples(frame):
        kept, why = usable(sample)
        whys += [f"{sample.structure} {sample.measure}: {why}"] if why else []
        chosen += [] if why else [kept]
    if not chosen:
        raise UsageError(str(group), f"makes no norms ({whys[0] if whys else 'nobody is left'})", "give more people")
    if whys:
        _say(group, f"{len(whys)} measures have no norms ({whys[0]}, for one)")
    if pooled := sum(sample.pooled for sample in chosen):
        _say(group, f"{pooled} measures have one curve for both sexes, as people are few")
    curves, calibration = _fitted(chosen)
    most = max(chosen, key=lambda sample: sample.count())
    n = {sex: most.count(male) for sex, male in (("female", False), ("male", True))}
    write_norms(Norms(scheme, _source(participants), curves), out, _described(n, calibration, most))
    _write_calibration(calibration, out)
    print(f"{out}: {len(chosen)} measures, {n['female']} female and {n['male']} male people")
    return 0


def _fitted(
    chosen: Sequence[Sample],
) -> tuple[dict[tuple[str, str, str], Curve], list[Calibration]]:
    from cerebbids.cli.progress import empty_bar
    from cerebbids.norms.calibration import cross_validated
    from cerebbids.norms.curves import curves_of

    curves, calibration = {}, []
    with empty_bar(transient=True) as bar:
        task = bar.add_task("fitting", total=len(chosen))
        for sample in chosen:
            bar.update(task, description=f"{sample.structure} {sample.measure}", refresh=True)
            for sex, curve in curves_of(sample, _SEED).items():
                curves[sample.structure, sample.measure, sex] = curve
            calibration += cross_validated(sample, _SEED)
            bar.advance(task)
    return curves, calibration


def _described(n: Mapping[str, int], calibration: Sequence[Calibration], most: Sample) -> dict[str, object]:
    from cerebbids.norms.calibration import summary

    return {
        "Description": "Centiles by age and sex, of people who need not be like those whom they are held against",
        "N": dict(n),
        "AgeRange": [round(float(most.ages.min()), 4), round(float(most.ages.max()), 4)],
        "Method": _METHOD,
        "Calibration": {
            "Description": "Percent of people not in the fit who lie below each centile, over all measures",
            **summary(calibration),
        },
        "CerebBIDS": {"version": __version__, "seed": _SEED},
    }


def _write_calibration(calibration: Sequence[Calibration], out: Path) -> None:
    from cerebbids.bids.names import sidecar_path
    from cerebbids.files import as_json, write_text
    from cerebbids.norms.plot import draw_calibration

    rows = ["structure\tmeasure\tgroup\tn\tcentile\tbelow_percent"]
    for one in calibration:
        rows.append(f"{one.structure}\t{one.measure}\t{one.group}\t{one.n}\t{one.level:g}\t{one.below:.2f}")
    table = out.with_name(f"{out.stem}_calibration.tsv")
    write_text(table, "\n".join(rows) + "\n")
    columns = {
        "group": {"Description": "All people, those of one sex, or thirds by age"},
        "n": {"Description": "People of the group"},
        "centile": {"Description": "Centile of the norms", "Units": "%"},
        "below_percent": {"Description": "Values of people not in the fit that lie below it", "Units": "%"},
    }
    write_text(sidecar_path(table), as_json({"Description": "Calibration by cross-validation over people", **columns}))
    draw_calibration(calibration, table.with_suffix(".svg"))


def _source(participants: Path) -> str:
    """Name of the dataset that the people are of."""
    try:
        name = json.loads((participants.parent / "dataset_description.json").read_text(encoding="utf-8-sig"))["Name"]
    except (OSError, ValueError, KeyError, TypeError):
        name = participants.parent.name
    return str(name)


def _say(path: Path, *lines: str) -> None:
    for line in lines:
        print(f"{path.name}: {line}" if not line.startswith(path.name) else line, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
