"""What a run would do, told before it is done."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from cerebbids.bids.choice import Chosen, choose_systems, with_system
from cerebbids.bids.names import DERIVATIVES, YIELDS, derivative_path
from cerebbids.bids.query import SourceImage, select_images
from cerebbids.cli.corrections import maps_without_hash, told_correction
from cerebbids.cli.outcome import unfit
from cerebbids.cli.preflight import bad_header, missing_t2w
from cerebbids.cli.references import known_people
from cerebbids.config import RunConfig
from cerebbids.inference.models import available_systems
from cerebbids.systems.ages import age_words
from cerebbids.systems.deepceres import DEEPCERES


def show_plan(config: RunConfig) -> int:
    """Print which images a run would take and which files it would make; return the exit code.

    Headers are read and no voxel is, so that it is quick: a truncated image, or a correction by hand that no sidecar
    tells of yet, is not seen.
    """
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    selection = select_images(config)
    people = known_people(config.bids_dir, {image.subject for image in selection.images})
    chosen, refused = choose_systems(config, selection.images, people, available_systems(config.models_dir))
    told = {image.stem: told_correction(config.output_dir, image.path) for image in selection.images}
    corrected = {name: error for name, error in told.items() if error}
    warn_of_unknown(config.output_dir, [image for image in selection.images if image.stem not in corrected])
    table = Table("image", "system", "T2w image", escape(f"outputs in {config.output_dir}"), show_lines=True)
    for each in selection.images:
        system = chosen.get(each.stem)
        image = with_system(each, system) if system else each
        t2w = image.t2w.name if image.t2w else "none"
        t2w += f" (first of {image.t2w_choice})" if image.t2w_choice > 1 else ""
        refusal = (
            refused.get(image.stem) or corrected.get(image.stem) or missing_t2w(image, config.t2w) or bad_header(image)
        )
        outputs = f"none: {refusal.reason}" if refusal else "\n".join(map(str, output_paths(image, config)))
        age = f" ({age_words(image.months)})" if image.months is not None else ""
        table.add_row(
            *map(escape, (image.relative, f"{system.system}{age}" if system else "none", t2w, outputs))
        )  # names of files are no markup
    console = Console(width=None if sys.stdout.isatty() else 240)
    console.print(table)
    lines = (*unfit(selection).values(), *refused.values(), *corrected.values(), *_warnings(chosen))
    for line in lines:
        console.print(str(line), markup=False, highlight=False, soft_wrap=True)
    return 0


def _warnings(chosen: Mapping[str, Chosen]) -> Iterator[str]:
    """What is to be said of the choice of systems, each sentence once."""
    whose = defaultdict(list)
    for name, each in chosen.items():
        for warning in each.warnings:
            whose[warning].append(name)
    for warning, names in whose.items():
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield f"{names[0]}{others}: {warning}"


def output_paths(image: SourceImage, config: RunConfig) -> list[Path]:
    """Files that an image may yield with the choices of a run, relative to the output folder."""
    if image.system != DEEPCERES.name:
        return [derivative_path(image.path, key) for key in DERIVATIVES if key in YIELDS[image.system]]
    never = set() if image.t2w else {"t2w", "t2w_mni"}
    never |= {"t2w_synth", "t2w_synth_mni"} if config.t2w == "real" else set()
    never |= set() if config.method == "nets" else {"vermis", "vermis_morph"}
    never |= {"atlas_mni", "figure_atlas"} if config.method == "fast" else set()
    never |= set() if config.save_probabilities else {"probseg"}
    return [derivative_path(image.path, key) for key in DERIVATIVES if key in YIELDS[image.system] - never]


def warn_of_unknown(output_dir: Path, images: Sequence[SourceImage]) -> None:
    """Tell of images that will be done of which nobody can say whether somebody has corrected their results by hand."""
    for image in images:
        if unknown := maps_without_hash(output_dir, image.path):
            reason = "has no hash in its sidecar, so that nobody can tell whether it was corrected by hand"
            print(f"{unknown[0]}: {reason}; a run replaces it", file=sys.stderr)
