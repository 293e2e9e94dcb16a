"""``singularity.def``, with its arguments filled in, as spython reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spython.main.parse.parsers import get_parser

DEFINITION = Path(__file__).parents[2] / "singularity.def"


def default_arguments() -> dict[str, str]:
    """What the definition takes where the command line tells nothing else."""
    (section,) = re.findall(r"^%arguments\n((?:[ \t]+\S.*\n)+)", DEFINITION.read_text(encoding="utf-8"), re.M)
    return dict(line.strip().split("=", 1) for line in section.splitlines())


def fill(arguments: Mapping[str, str]) -> str:
    """Text of the definition with its arguments filled in."""
    text = DEFINITION.read_text(encoding="utf-8")
    for name, value in (default_arguments() | dict(arguments)).items():
        text = text.replace("{{ " + name + " }}", value)
    return text


def read_recipe(folder: Path, image: str) -> Any:
    """Recipe of an image in a registry, as spython reads it, which knows no other way; a copy goes into a folder."""
    filled = folder / "filled.def"
    filled.write_text(fill({"bootstrap": "docker", "image": image}), encoding="utf-8")
    (recipe,) = get_parser("singularity")(str(filled)).recipe.values()
    return recipe


def section(name: str) -> str:
    """Lines of a section of the definition, as a shell takes them."""
    (lines,) = re.findall(rf"^%{name}\n((?:(?:[ \t]+\S.*)?\n)+)", DEFINITION.read_text(encoding="utf-8"), re.M)
    return lines
