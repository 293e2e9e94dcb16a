"""The derivatives dataset itself: what it is, what a validator should skip, what its labels mean."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cerebbids import __version__
from cerebbids.bids.sidecars import LABEL_COLUMNS
from cerebbids.data.labels import Label, load_scheme, table_path
from cerebbids.errors import UsageError
from cerebbids.files import write_text

# Without a slash at the end: the validator does not take "figures/" for a folder below a subject.
BIDSIGNORE = "*.html\nlogs\nlog\nfigures\n*_xfm.*\n*_morph.*\nseg-*.txt\n"

DESCRIPTIONS = "desc_id\tdescription\ndesc-preproc\tDenoised and corrected for bias\n"

README = """\
# Cerebellum segmentation

Made by cerebbids {version}. One `sub-<label>.html` a participant shows the results; `logs/CITATION.md`
holds the methods text and what to cite; `seg-*_dseg.tsv` says what the labels mean.

For research only: this is not a medical device and must not guide the care of anyone.
The default network weights were trained on data under CC BY-NC-SA 4.0 and CC BY-NC: no commercial use.
"""


def start_dataset(bids_dir: Path, output_dir: Path, schemes: tuple[str, ...]) -> None:
    """Write the files of the derivatives' root, so that they are there however a run ends.

    Parameters
    ----------
    bids_dir, output_dir : Path
        Raw and derivatives datasets.
    schemes : tuple of str
        Names of the label schemes that the run writes, ``Lobules`` for one.

    Raises
    ------
    UsageError
        The output folder holds the output of another program.
    """
    target = output_dir / "dataset_description.json"
    _check_ours(target)
    write_text(target, _as_json(_description(bids_dir, output_dir)))
    write_text(output_dir / ".bidsignore", BIDSIGNORE)
    write_text(output_dir / "README.md", README.format(version=__version__))
    write_text(output_dir / "descriptions.tsv", DESCRIPTIONS)
    for scheme in schemes:
        _write_labels(scheme, output_dir)


def _check_ours(description: Path) -> None:
    if not description.exists():
        return
    try:
        makers = [maker.get("Name") for maker in _read_json(description).get("GeneratedBy", [])]
    except (ValueError, AttributeError) as error:
        raise UsageError(str(description), f"cannot be read ({error})", "remove or mend it") from error
    if "cerebbids" not in makers:
        reason = f"is a dataset that {makers[0] if makers else 'something else'} made"
        raise UsageError(str(description.parent), reason, "choose a folder of its own for the output")


def _description(bids_dir: Path, output_dir: Path) -> dict[str, Any]:
    raw = _read_json(bids_dir / "dataset_description.json")
    inside = output_dir.is_relative_to(bids_dir)
    link = os.path.relpath(bids_dir, output_dir) if inside else bids_dir.as_uri()
    doi = str(raw.get("DatasetDOI", "")).removeprefix("doi:")
    return {
        "Name": "cerebbids - segmentation of the cerebellum",
        "BIDSVersion": "1.11.1",
        "DatasetType": "derivative",
        **({"License": raw["License"]} if "License" in raw else {}),
        "GeneratedBy": [{"Name": "cerebbids", "Version": __version__}],
        "SourceDatasets": [{"DOI": f"doi:{doi}"} if doi else {"URL": bids_dir.as_uri()}],
        "DatasetLinks": {"raw": link},
        "HowToAcknowledge": "See logs/CITATION.md",
    }


def _write_labels(name: str, output_dir: Path) -> None:
    labels = load_scheme(name).labels
    write_text(output_dir / f"seg-{name}_dseg.tsv", table_path(name).read_text(encoding="utf-8"))
    write_text(output_dir / f"seg-{name}_dseg.json", _as_json(LABEL_COLUMNS))
    write_text(output_dir / f"seg-{name}_FreeSurferColorLUT.txt", freesurfer_table(labels))
    write_text(output_dir / f"seg-{name}_ITKSNAP.txt", itksnap_table(labels))


def freesurfer_table(labels: tuple[Label, ...]) -> str:
    """Colour table for FreeSurfer and freeview: index, name, red, green, blue, alpha.

    Examples
    --------
    >>> print(freesurfer_table(load_scheme("Lobules").labels).splitlines()[2])
    1   Left-I-II                      140  86  75 0
    """
    rows = [f"{label.index:<3} {label.name.replace(' ', '-'):<30} {_rgb(label)} 0" for label in labels]
    return "\n".join(
        ["#No Label-Name                       R   G   B A", f"0   {'Unknown':<30}   0   0   0 0", *rows, ""]
    )


def itksnap_table(labels: tuple[Label, ...]) -> str:
    """Label descriptions for ITK-SNAP: index, red, green, blue, opacity, visibility, mesh, name.

    Examples
    --------
    >>> print(itksnap_table(load_scheme("Lobules").labels).splitlines()[1])
      1   140  86  75  1  1  1  "Left I-II"
    """
    rows = [f'{label.index:>3}   {_rgb(label)}  1  1  1  "{label.name}"' for label in labels]
    return "\n".join(['  0     0   0   0  0  0  0  "Clear Label"', *rows, ""])


def _rgb(label: Label) -> str:
    return " ".join(f"{value:>3}" for value in bytes.fromhex(label.color.removeprefix("#")))


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def _as_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
