"""Write the card of the bundle for infants, of its model.toml and of what the other benchmarks have written.

Usage: python benchmarks/infantcard.py [MODELS]

MODELS is the folder of bundles, that of the package where it is not given. Of a result that is not there yet the card
says that it was not measured.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from card import RESULTS

from cerebbids.files import write_text
from cerebbids.imaging.growth import size_at
from cerebbids.inference.models import packaged_models
from cerebbids.systems.infant import INFANT, MODELS, VALIDATED
from cerebbids.training.infanttasks import COPIES, JUDGED_AT, JUDGED_FOLDS
from cerebbids.training.recipe import RECIPES
from cerebbids.training.younger import LOOKS

OF_TEXT = 64
"""Width of the text's networks."""
CHANGED = ("steps", "seed")
"""What options of ``cerebbids-train fit`` change of a recipe."""
CARD = "README.md"
TEXT = Path(__file__).with_suffix(".md")
"""All that does not come of a bundle or a result."""
TRUST_TEXT = "Confidence, of those among them whose answers the network `confidence` has not seen:"
HEAD = ["| | mean | SD | lowest | n |", "|---|---|---|---|---|"]

DICE = {
    "CSF": "fluid, Dice, %",
    "GM": "grey matter, Dice, %",
    "WM": "white matter, Dice, %",
    "mean": "mean of the three, Dice, %",
}
TRUST = {
    "trust": "confidence, mean over labelled voxels, %",
    "right": "labelled voxels that are right, %",
    "right_of_trusted": "right ones of those with a confidence of 0.5 and above, %",
    "right_of_doubted": "right ones of the others, %",
}
"""Rows of ``folds.tsv``, and what the card calls them."""
PLACES = {
    "dice_cerebellum": "cerebellum, Dice",
    "dice_brainstem": "brainstem, Dice",
    "shown": "share of the cerebellum that the networks for tissues would be shown",
}
"""Columns of ``places.tsv`` about painted heads."""


def networks(told: Mapping[str, Any]) -> str:
    """Markdown table of the networks of a bundle.

    Parameters
    ----------
    told : mapping
        What ``model.toml`` says.
    """
    rows = ["| network | what it does | where it looks | parameters | steps |", "|---|---|---|---|---|"]
    for name in INFANT.grids:
        net = told[name]
        what, where = _role(name)
        cells = (f"`{name}`", f"{what}, {_body(net)}", where, f"{net['parameters'] / 1e6:.1f} million")
        rows.append("| " + " | ".join((*cells, str(net["training"]["steps"]))) + " |")
    return "\n".join(rows)


def _role(name: str) -> tuple[str, str]:
    cerebellum = "cerebellum and brainstem, 0.8 mm, along the image's axes"
    if name == "place":
        return "cerebrum, cerebellum and brainstem", "200 x 240 x 200 mm of the head, 2.5 mm"
    if name == "confidence":
        return "how probably each label is right, from labels and probabilities", cerebellum
    (months,) = (age for age, net in MODELS.items() if net == name)
    return f"fluid, grey and white matter at {months} months", cerebellum


def _body(net: Mapping[str, Any]) -> str:
    sizes = net["sizes"]
    if net["architecture"] == "adunet":
        return f"ADU-Net of width {sizes['width']}"
    return f"3D U-Net {'-'.join(map(str, sizes['widths']))}"


def width(told: Mapping[str, Any]) -> str:
    """How wide the networks for tissues are beside those of the text.

    Examples
    --------
    >>> width({"tissue24": {"sizes": {"width": 16}}})
    '25 % (16 instead of 64)'
    """
    channels = told[MODELS[VALIDATED]]["sizes"]["width"]
    return f"{100 * channels / OF_TEXT:.0f} % ({channels} instead of {OF_TEXT})"


def looks() -> str:
    """Markdown table of what was made of images of 24 months for younger ages."""
    rows = [
        "| age, months | contrast of white with grey matter | of fluid with grey matter | volume |",
        "|---|---|---|---|",
    ]
    for months, look in LOOKS.items():
        shares = (look.white, look.fluid, size_at(months))
        rows.append(f"| {months} | " + " | ".join(f"{100 * share:.0f} %" for share in shares) + " |")
    return "\n".join(rows)


def accuracy(results: Path, people: int) -> str:
    """What the cross-validation at 24 months gave, as Markdown.

    Parameters
    ----------
    results : Path
        Folder with ``folds.tsv`` and ``folds_images.tsv`` of ``infantfolds.py``.
    people : int
        How many were learnt from.
    """
    table, images = (_read(results / f"{name}.tsv") for name in ("folds", "folds_images"))
    if table is None or images is None:
        return "Not measured yet."
    table = table.set_index("measure")
    told = "" if len(images) == people else f"{len(images)} of the {people} infants were scored.\n\n"
    return told + "\n\n".join((_summed(table, DICE), TRUST_TEXT, _summed(table, TRUST)))


def _summed(table: pd.DataFrame, names: Mapping[str, str]) -> str:
    rows = [_row(names[key], *table.loc[key, ["mean", "sd", "worst", "n"]]) for key in names if key in table.index]
    return "\n".join((*HEAD, *rows)) if rows else "Not measured yet."


def _row(name: str, mean: float, sd: float, lowest: float, n: float, digits: int = 2) -> str:
    return f"| {name} | {mean:.{digits}f} | {sd:.{digits}f} | {lowest:.{digits}f} | {n:.0f} |"


def places(results: Path) -> str:
    """What the network for places found, as Markdown.

    Parameters
    ----------
    results : Path
        Folder with ``places.tsv`` of ``infantheads.py``.
    """
    table = _read(results / "places.tsv")
    if table is None:
        return "Not measured yet."
    painted = table[table["image"].str.startswith("phantom")]
    real = table.drop(painted.index)
    rows = [*HEAD, *(_described(f"painted heads: {name}", painted[key]) for key, name in PLACES.items())]
    rows.append(_described("real cut-outs: share of the labelled voxels inside the box found", real["in_box"]))
    return "\n".join((*rows, "", *_counted(painted, real)))


def _described(name: str, values: pd.Series) -> str:
    return _row(name, values.mean(), values.std(), values.min(), values.count(), digits=3)


def _counted(painted: pd.DataFrame, real: pd.DataFrame) -> Iterator[str]:
    """Images that were refused, or taken for what they are not."""
    for name, rows, cut_out in (("painted heads", painted, False), ("real cut-outs", real, True)):
        refused, mistaken = rows["refused"].notna().sum(), (rows["cut_out"].astype(bool) != cut_out).sum()
        other = "cut-outs" if not cut_out else "heads"
        yield f"Of {len(rows)} {name}, {refused} were refused and {mistaken} taken for {other}."


def _read(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path, sep="\t") if path.exists() else None


def commands(told: Mapping[str, Any]) -> str:
    """Lines of a shell that make the bundle."""
    younger = [MODELS[age] for age in sorted(MODELS, reverse=True) if age != VALIDATED]
    oldest = MODELS[VALIDATED]
    lines = [_fit(told, "place"), _fit(told, oldest), *(_fit(told, net) for net in younger)]
    lines[1] += "    # with --fold K without the infants of fold K, 0 to 4"
    lines += [_fit(told, oldest, f" --fold {fold}") for fold in JUDGED_FOLDS]
    lines += [_fit(told, "confidence"), "cerebbids-train export WORK cerebbids/data/models --system infant"]
    return "\n".join((*lines, "python benchmarks/infantcard.py"))


def _fit(told: Mapping[str, Any], net: str, more: str = "") -> str:
    training = told[net]["training"]
    other = "".join(f" --{key} {training[key]}" for key in CHANGED if training[key] != getattr(RECIPES[net], key))
    return f"cerebbids-train fit KIT WORK --net {net}{more}{other} --resume"


def card(told: Mapping[str, Any], results: Path) -> str:
    """Text of the card.

    Parameters
    ----------
    told : mapping
        What ``model.toml`` of the bundle says.
    results : Path
        Folder with the tables of ``infantfolds.py`` and ``infantheads.py``, as far as they are there.
    """
    people = len(told[MODELS[VALIDATED]]["training"]["ids"])
    return TEXT.read_text(encoding="utf-8").format(
        networks=networks(told),
        width=width(told),
        licence="CC BY-NC-SA 4.0" if told["licence"] == "CC-BY-NC-SA-4.0" else told["licence"],
        people=people,
        maps=len(told["place"]["training"]["surroundings"]),
        commands=commands(told),
        copies=COPIES,
        folds=" and ".join(map(str, JUDGED_FOLDS)),
        judged=" and ".join(map(str, JUDGED_AT)),
        looks=looks(),
        accuracy=accuracy(results, people),
        places=places(results),
    )


def main(argv: list[str] | None = None) -> None:
    """Write the card."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="?", default=packaged_models())
    folder = parser.parse_args(argv).models / INFANT.name
    told = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
    write_text(folder / CARD, card(told, RESULTS / "infant"))


if __name__ == "__main__":
    main()
