"""The derivatives dataset itself: what it is, what a validator should skip, what its labels mean."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from cerebbids import __version__
from cerebbids.bids.names import DERIVATIVES, derivative_path, sidecar_path
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

## Licence

Labels, masks and volumes come from the network weights {model}, which are under {licence}.
The default weights were trained on data under CC BY-NC-SA 4.0 and CC BY-NC: no commercial use.
Images and figures show the source dataset, whose terms stay with them.
"""


def start_dataset(bids_dir: Path, output_dir: Path, schemes: tuple[str, ...], *, model: str, licence: str) -> None:
    """Write the files of the derivatives' root, so that they are there however a run ends.

    Parameters
    ----------
    bids_dir, output_dir : Path
        Raw and derivatives datasets.
    schemes : tuple of str
        Names of the label schemes that the run writes, ``Lobules`` for one.
    model, licence : str
        Name with version, and licence, of the network weights.

    Raises
    ------
    UsageError
        The output folder holds the output of another program, or the dataset's description cannot be read.
    """
    target = output_dir / "dataset_description.json"
    _check_ours(target)
    write_text(target, _as_json(_description(bids_dir, output_dir, licence)))
    write_text(output_dir / ".bidsignore", BIDSIGNORE)
    write_text(output_dir / "README.md", README.format(version=__version__, model=model, licence=licence))
    write_text(output_dir / "descriptions.tsv", DESCRIPTIONS)
    for scheme in schemes:
        _write_labels(scheme, output_dir)


def _check_ours(description: Path) -> None:
    if not description.exists():
        return
    try:
        makers = [maker.get("Name") for maker in _read_description(description).get("GeneratedBy", [])]
    except (TypeError, AttributeError) as error:
        raise UsageError(str(description), f"cannot be read ({error})", "remove or mend it") from error
    if "cerebbids" not in makers:
        reason = f"is a dataset that {makers[0] if makers else 'something else'} made"
        raise UsageError(str(description.parent), reason, "choose a folder of its own for the output")


def _description(bids_dir: Path, output_dir: Path, licence: str) -> dict[str, Any]:
    raw = _read_description(bids_dir / "dataset_description.json")
    link = _relative(bids_dir.resolve(), output_dir.resolve())
    doi = str(raw.get("DatasetDOI", "")).removeprefix("doi:")
    return {
        "Name": "cerebbids - segmentation of the cerebellum",
        "BIDSVersion": "1.11.1",
        "DatasetType": "derivative",
        "License": f"Labels, masks and volumes: {licence}, as the network weights. Images: as the source dataset.",
        "GeneratedBy": [{"Name": "cerebbids", "Version": __version__}],
        **({"SourceDatasets": [{"DOI": f"doi:{doi}"}]} if doi else {}),
        **({"DatasetLinks": {"raw": link}} if link else {}),
        "HowToAcknowledge": "See logs/CITATION.md",
    }


def _relative(bids_dir: Path, output_dir: Path) -> str | None:
    """Way from the output to the input, or none if it would go by the root and so tell where on this machine."""
    common = os.path.commonpath([bids_dir, output_dir])
    return None if common == os.path.sep else Path(os.path.relpath(bids_dir, output_dir)).as_posix()


def remove_outputs(output_dir: Path, source: Path, keep: Collection[str] = ()) -> None:
    """Remove what is there of an image that has failed now, so that nobody takes an older result for current.

    Parameters
    ----------
    output_dir : Path
        Root of the derivatives.
    source : Path
        The T1w image.
    keep : collection of str
        Keys of :data:`cerebbids.bids.names.DERIVATIVES` that are current.
    """
    for key in DERIVATIVES.keys() - set(keep):
        derivative = output_dir / derivative_path(source, key)
        for path in (derivative, sidecar_path(derivative)):
            path.unlink(missing_ok=True)


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


def _read_description(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(str(path), f"cannot be read ({error})", "remove or mend it") from error
    if not isinstance(content, dict):
        raise UsageError(str(path), "is not a JSON object", "remove or mend it")
    return content


def _as_json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
