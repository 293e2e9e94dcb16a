"""The derivatives dataset itself: what it is, what a validator should skip, what its labels mean."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cerebbids import __version__
from cerebbids.bids.found import stems_with_labels
from cerebbids.bids.names import DERIVATIVES, derivative_path, sidecar_path
from cerebbids.bids.sidecars import LABEL_COLUMNS, provenance
from cerebbids.data.labels import Label, load_scheme, table_path
from cerebbids.errors import UsageError
from cerebbids.files import as_json, write_text

# Without a slash at the end: the validator does not take "figures/" for a folder below a subject.
BIDSIGNORE = "*.html\nlogs\nlog\nfigures\n*_xfm.*\n*_morph.*\n*_qc.*\n*_report.*\nseg-*.txt\ngroup_*\n"

DESCRIPTIONS = """\
desc_id\tdescription
desc-asymmetry\tRight side against the left
desc-atlas\tWhat the library of cerebella voted for, from which the lobules were named
desc-brain\tBrain with fluid around, as far as the networks were shown it
desc-change\tDifference between consecutive sessions of a participant
desc-confidence\tProbability of the label that each voxel got, or that it is right
desc-preproc\tCorrected for bias and denoised, as far as the system that labels it does so
desc-superres\tCerebellum at 0.5 mm, super-resolved by a network; detail below the voxels of the scan is an estimate
desc-synth\tCerebellum in the contrast of a T2w image, made from the T1w image and never acquired
desc-wide\tOne row an image, one column a region, volumes in mm3
desc-widepercent\tOne row an image, one column a region, volumes in percent of the intracranial cavity's
"""

README = """\
# Cerebellum segmentation

Made by cerebbids {version}. One `sub-<label>.html` a participant shows the results; `logs/CITATION.md`
holds the methods text and what to cite; `seg-*_dseg.tsv` says what the labels mean. `seg-Lobules` and
`seg-DeepCERES` are two conventions: hold volumes of one against nothing that was measured in the other.

For research only: this is not a medical device and must not guide the care of anyone.

## Licence

Labels, masks and volumes are under the licences of the network weights that they come from:

{licences}

The default weights were trained on data under CC BY-NC-SA 4.0 and CC BY-NC: no commercial use. Those of the system
infant must not be used commercially and should not be used for medical purposes, as the scans' licence asks.
Images and figures show the source dataset, whose terms stay with them.

Every run of cerebbids writes this file anew.
"""

_HARMLESS = {"log", "logs", "lost+found"}
"""What an output folder may hold before the first run: schedulers write there, and discs have it."""


def start_dataset(bids_dir: Path, output_dir: Path, schemes: tuple[str, ...], *, models: Mapping[str, str]) -> None:
    """Write the files of the derivatives' root, so that they are there however a run ends.

    Parameters
    ----------
    bids_dir, output_dir : Path
        Raw and derivatives datasets.
    schemes : tuple of str
        Names of the label schemes that the run writes, ``Lobules`` for one.
    models : mapping
        Licences of the network weights, by the titles of their bundles.

    Raises
    ------
    UsageError
        The output folder holds something else or the results of another dataset, or a description cannot be read.
    """
    older = _older_description(output_dir)
    _check_same_source(older, bids_dir, output_dir)
    licences = {**_licences(output_dir), **models}
    kept = {key: value for key, value in older.items() if key != "SourceDatasets"}  # a DOI may have come or gone
    description = kept | _description(bids_dir, output_dir, licences)
    write_text(output_dir / "dataset_description.json", as_json(description))
    write_text(output_dir / ".bidsignore", BIDSIGNORE)
    listed = "\n".join(f"- {name}: {terms}" for name, terms in sorted(licences.items()))
    write_text(output_dir / "README.md", README.format(version=__version__, licences=listed))
    write_text(output_dir / "descriptions.tsv", DESCRIPTIONS)
    for scheme in schemes:
        _write_labels(scheme, output_dir)


def _older_description(output_dir: Path) -> dict[str, Any]:
    """Read the description that an earlier run wrote; a folder in which there was none has to be empty."""
    # Another job may just be starting in this folder: it writes its description before anything else.
    found = sorted(path.name for path in output_dir.glob("*") if _is_something(path.name))
    path = output_dir / "dataset_description.json"
    if not path.exists():
        if found:
            reason = f"is not empty (it holds {found[0]}) and has no output of cerebbids"
            raise UsageError(str(output_dir), reason, "choose an empty folder, or one of an earlier run")
        return {}
    description = _read_description(path)
    try:
        makers = [maker.get("Name") for maker in description.get("GeneratedBy", [])]
    except (TypeError, AttributeError) as error:
        raise UsageError(str(path), f"cannot be read ({error})", "remove or mend it") from error
    if "cerebbids" not in makers:
        reason = f"is a dataset that {makers[0] if makers else 'something else'} made"
        raise UsageError(str(output_dir), reason, "choose a folder of its own for the output")
    return description


def _check_same_source(older: Mapping[str, Any], bids_dir: Path, output_dir: Path) -> None:
    """Refuse to mix people of two datasets; where the link leads nowhere, something has moved."""
    before = _source(older, output_dir)
    if before and not before.samefile(bids_dir):
        reason = f"holds results of another dataset ({before.resolve()})"
        raise UsageError(str(output_dir), reason, "choose a folder of its own for each dataset")


def source_dataset(output_dir: Path) -> Path | None:
    """Dataset that an output folder has results of; none where its description does not tell, or it is not there."""
    with suppress(UsageError, OSError):
        return _source(_read_description(output_dir / "dataset_description.json"), output_dir)
    return None


def _source(description: Mapping[str, Any], output_dir: Path) -> Path | None:
    """Folder that the link in a description leads to, where that is a dataset."""
    links = description.get("DatasetLinks")
    link = str(links.get("raw", "")) if isinstance(links, dict) else ""
    folder = _linked(link, output_dir.resolve())
    return folder if link and (folder / "dataset_description.json").exists() else None


def _is_something(name: str) -> bool:
    return name == ".bidsignore" or not name.startswith(".") and name not in _HARMLESS


def _licences(output_dir: Path) -> dict[str, str]:
    """Licences of the weights that made the labels in the output folder, by the weights' names."""
    licences = {}
    for _, labels in stems_with_labels(output_dir):
        with suppress(ValueError):  # the participant's page tells of it
            made = provenance(labels)
            if "model" in made:
                licences[str(made["model"])] = str(made.get("weights_licence", "unknown"))
    return licences


def _description(bids_dir: Path, output_dir: Path, licences: Mapping[str, str]) -> dict[str, Any]:
    raw = _read_description(bids_dir / "dataset_description.json")
    doi = re.sub(r"^(doi:|https?://(dx\.)?doi\.org/)", "", str(raw.get("DatasetDOI", "")).strip(), flags=re.I)
    terms = ", ".join(sorted(set(licences.values())))
    return {
        "Name": "cerebbids - segmentation of the cerebellum",
        "BIDSVersion": "1.11.1",
        "DatasetType": "derivative",
        "License": f"Labels, masks and volumes: {terms}, as the network weights. Images: as the source dataset.",
        "GeneratedBy": [{"Name": "cerebbids", "Version": __version__, **_container()}],
        **({"SourceDatasets": [{"DOI": f"doi:{doi}"}]} if doi else {}),
        "DatasetLinks": {"raw": _link(bids_dir.resolve(), output_dir.resolve())},
        "HowToAcknowledge": "See logs/CITATION.md",
    }


def _container() -> dict[str, dict[str, str]]:
    """What the program runs in, where that is the project's own image, which names itself in its environment."""
    tag = os.environ.get("CEREBBIDS_DOCKER_TAG")
    kind = "singularity" if {"APPTAINER_NAME", "SINGULARITY_NAME"} & os.environ.keys() else "docker"
    return {"Container": {"Type": kind, "Tag": tag}} if tag else {}


def _link(bids_dir: Path, output_dir: Path) -> str:
    """Say where the input lies, seen from the output: all sidecars cite its images by this link.

    Below a common folder the two can move together, and the way tells nothing of this machine. Where only the root
    is common (``/data`` and ``/out`` of a container), a relative way would be none that stays true.
    """
    if os.path.commonpath([bids_dir, output_dir]) == os.path.sep:
        return bids_dir.as_uri()
    return Path(os.path.relpath(bids_dir, output_dir)).as_posix()


def _linked(link: str, output_dir: Path) -> Path:
    """Folder that a link of :func:`_link` leads to."""
    return Path(unquote(urlsplit(link).path)) if link.startswith("file:") else output_dir / link


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
    write_text(output_dir / f"seg-{name}_dseg.json", as_json(LABEL_COLUMNS))
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
