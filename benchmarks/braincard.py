"""Write the cards of the bundles for whole brains, of their model.toml and of what ``mixedages.py`` has written.

Usage: python benchmarks/braincard.py [MODELS]

MODELS is the folder of bundles, that of the package where it is not given. A system without a bundle gets no card. Of a
result that is not there yet the card says that it was not measured.
"""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from card import RESULTS
from infantcard import CARD, HEAD
from mixedages import NEONATES, PAIRS

from cerebbids.files import write_text
from cerebbids.inference.models import packaged_models
from cerebbids.systems.isointense import ISOINTENSE
from cerebbids.systems.neonatal import NEONATAL
from cerebbids.systems.published import SYSTEMS
from cerebbids.training.braintasks import IMAGES
from cerebbids.training.recipe import RECIPES

TEXTS = {name: Path(__file__).with_name(f"{name}card.md") for name in (ISOINTENSE.name, NEONATAL.name)}
"""All that does not come of a bundle or a result."""
ASKED = {ISOINTENSE.name: PAIRS, NEONATAL.name: NEONATES}
"""Heads that a system is asked to label."""
RESULT = RESULTS / "mixedages.tsv"
ROLES = {
    "place": ("cerebrum, cerebellum and brainstem", "200 x 240 x 200 mm of the head, 2.5 mm, T1w"),
    "place_neonates": ("cerebrum, cerebellum and brainstem", "200 x 240 x 200 mm of the head, 2.5 mm, T1w"),
    "cerebrum": ("fluid, grey and white matter", "cerebrum, 1 mm, T1w and T2w"),
    "context": ("the same, of the answer of `cerebrum` too", "the same, and a distance map a tissue"),
    "brain": ("nine classes", "brain, 1 mm, T1w and T2w"),
}
"""What a network does, and where it looks."""
BODIES = {"unet": "3D U-Net", "multistream": "multi-stream FCN", "ageunet": "residual U-Net"}


def networks(told: Mapping[str, Any], system: str) -> str:
    """Markdown table of the networks of a bundle.

    Parameters
    ----------
    told : mapping
        What ``model.toml`` says.
    system : str
    """
    rows = ["| network | what it does | where it looks | parameters | steps |", "|---|---|---|---|---|"]
    for name in SYSTEMS[system].grids:
        net, (what, where) = told[name], ROLES[name]
        body = f"{BODIES[net['architecture']]} {'-'.join(map(str, net['sizes']['widths']))}"
        cells = (f"`{name}`", f"{what}, {body}", where, f"{net['parameters'] / 1e6:.1f} million")
        rows.append("| " + " | ".join((*cells, str(net["training"]["steps"]))) + " |")
    return "\n".join(rows)


def commands(told: Mapping[str, Any], system: str) -> str:
    """Lines of a shell that make the bundle."""
    lines = []
    for name in SYSTEMS[system].grids:
        training, recipe = told[name]["training"], RECIPES[name]
        other = "".join(
            f" --{key} {training[key]}" for key in ("steps", "seed") if training[key] != getattr(recipe, key)
        )
        lines.append(f"cerebbids-train fit KIT WORK --net {name}{other} --resume")
    lines.append(f"cerebbids-train export WORK cerebbids/data/models --system {system}")
    return "\n".join((*lines, "python benchmarks/braincard.py"))


def accuracy(result: Path, system: str) -> str:
    """What painted heads gave, as Markdown: Dice of every class, and of how many heads there are labels.

    Parameters
    ----------
    result : Path
        As ``mixedages.py`` writes it.
    system : str
    """
    table = pd.read_csv(result, sep="\t") if result.exists() else pd.DataFrame(columns=["system"])
    found = table[table["system"] == system]
    if found.empty:
        return "Not measured yet."
    rows = [
        f"| {name}, Dice | {dice.mean():.3f} | {dice.std():.3f} | {dice.min():.3f} | {len(dice)} |"
        for name, dice in found.groupby("class", sort=False)["dice"]
    ]
    told = f"Labelled were {found['head'].nunique()} of {len(ASKED[system])} heads."
    return "\n".join((*HEAD, *rows, "", told))


def card(told: Mapping[str, Any], system: str, result: Path = RESULT) -> str:
    """Text of a card.

    Parameters
    ----------
    told : mapping
        What ``model.toml`` of the bundle says.
    system : str
    result : Path
        As :func:`accuracy` takes it.
    """
    return (
        TEXTS[system]
        .read_text(encoding="utf-8")
        .format(
            networks=networks(told, system),
            commands=commands(told, system),
            accuracy=accuracy(result, system),
            images=IMAGES,
        )
    )


def main(argv: list[str] | None = None) -> None:
    """Write the cards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="?", default=packaged_models())
    models = parser.parse_args(argv).models
    for system in TEXTS:
        folder = models / system
        if (folder / "model.toml").exists():
            told = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
            write_text(folder / CARD, card(told, system))


if __name__ == "__main__":
    main()
