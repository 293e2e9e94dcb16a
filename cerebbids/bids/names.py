"""Every derivative name, in one table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from cerebbids.systems.space import SPACE

COMPARTMENTS = "Lobules"
"""Label scheme at 1 mm: lobules with the fluid between their folia."""
CARVED = "DeepCERES"
"""Label scheme at 0.5 mm: lobules without fluid and arbor vitae, white matter without peduncles."""
VERMIS = "LobulesVermis"
"""Label scheme that tells the vermis from the hemispheres; else as the compartments."""
TISSUES = "CerebellumTissue"
"""Label scheme of infants: fluid, grey and white matter of the cerebellum, and of the brainstem beside it."""
SCHEMES = (COMPARTMENTS, CARVED, VERMIS)
"""Label schemes of lobules. The first two have the same regions; volumes in one are no norms for the other."""
CEREBRUM = "BrainTissue"
"""Label scheme of isointense infants: fluid, grey and white matter of the cerebrum."""
DRAWEM = "DrawEM9"
"""Label scheme of neonates: nine classes of the brain."""
EVERY_SCHEME = (*SCHEMES, TISSUES, CEREBRUM, DRAWEM)
"""All label schemes that the program writes."""
SCHEMES_OF: Mapping[str, tuple[str, ...]] = {
    "deepceres": SCHEMES, "infant": (TISSUES,), "isointense": (CEREBRUM,), "neonatal": (DRAWEM,),
}  # fmt: skip
"""Label schemes that each system writes."""
WHOLE = {TISSUES: "Cerebellum", CEREBRUM: "Cerebrum", DRAWEM: "Brain"}
"""What the sum of grey and white matter is called in tables of volumes of schemes without sides."""
WITHOUT_LABEL = {CEREBRUM: ("Cerebellum", "Brainstem")}
"""Parts of the brain without a label in a scheme; its tables say so with rows that have no numbers."""


def _of_one_scheme(key: str, scheme: str) -> dict[str, dict[str, str]]:
    """What a system writes whose labels are of one scheme: labels, probabilities, confidence, volumes, quality."""
    seg = {"seg": scheme}
    doubt = {**seg, "desc": "confidence", "suffix": "probseg"}
    labels = {**seg, "suffix": "dseg"}
    return {
        key: labels,
        f"{key}_probseg": {**seg, "suffix": "probseg"},
        f"{key}_confidence": doubt,
        f"{key}_morph": {**seg, "suffix": "morph", "extension": ".tsv"},
        f"{key}_qc": {**seg, "suffix": "qc", "extension": ".json"},
        f"figure_{key}_dseg": {"datatype": "figures", **labels, "extension": ".svg"},
        f"figure_{key}_confidence": {"datatype": "figures", **doubt, "extension": ".svg"},
    }


DERIVATIVES: dict[str, dict[str, str]] = {
    "t1w": {"desc": "preproc", "suffix": "T1w"},
    **_of_one_scheme("tissues", TISSUES),
    **_of_one_scheme("cerebrum", CEREBRUM),
    **_of_one_scheme("brain", DRAWEM),
    "t1w_mni": {"space": SPACE, "res": "1", "desc": "preproc", "suffix": "T1w"},
    "xfm_to_mni": {"from": "T1w", "to": SPACE, "mode": "image", "suffix": "xfm", "extension": ".txt"},
    "xfm_to_t1w": {"from": SPACE, "to": "T1w", "mode": "image", "suffix": "xfm", "extension": ".txt"},
    "dseg": {"seg": COMPARTMENTS, "suffix": "dseg"},
    "dseg_mni": {"space": SPACE, "seg": COMPARTMENTS, "res": "1", "suffix": "dseg"},
    "carved": {"seg": CARVED, "suffix": "dseg"},
    "carved_fine": {"seg": CARVED, "res": "0p5mm", "suffix": "dseg"},
    "carved_mni": {"space": SPACE, "seg": CARVED, "res": "0p5mm", "suffix": "dseg"},
    "vermis": {"seg": VERMIS, "suffix": "dseg"},
    "confidence": {"seg": COMPARTMENTS, "desc": "confidence", "suffix": "probseg"},
    "probseg": {"seg": COMPARTMENTS, "suffix": "probseg"},
    "atlas_mni": {"space": SPACE, "seg": COMPARTMENTS, "res": "0p5mm", "desc": "atlas", "suffix": "dseg"},
    "mask": {"label": "CBM", "suffix": "mask"},
    "shown": {"desc": "brain", "suffix": "mask"},
    "icv": {"label": "ICV", "suffix": "mask"},
    "superres": {"res": "0p5mm", "desc": "superres", "suffix": "T1w"},
    "superres_mni": {"space": SPACE, "res": "0p5mm", "desc": "superres", "suffix": "T1w"},
    "t2w": {"space": "T1w", "desc": "preproc", "suffix": "T2w"},
    "t2w_mni": {"space": SPACE, "res": "0p5mm", "desc": "preproc", "suffix": "T2w"},
    "t2w_synth": {"desc": "synth", "suffix": "T2w"},
    "t2w_synth_mni": {"space": SPACE, "res": "0p5mm", "desc": "synth", "suffix": "T2w"},
    "morph": {"seg": COMPARTMENTS, "suffix": "morph", "extension": ".tsv"},
    "carved_morph": {"seg": CARVED, "suffix": "morph", "extension": ".tsv"},
    "vermis_morph": {"seg": VERMIS, "suffix": "morph", "extension": ".tsv"},
    "qc": {"seg": COMPARTMENTS, "suffix": "qc", "extension": ".json"},
    "report": {"seg": COMPARTMENTS, "suffix": "report", "extension": ".pdf"},
    "report_csv": {"seg": COMPARTMENTS, "suffix": "report", "extension": ".csv"},
    "carved_report": {"seg": CARVED, "suffix": "report", "extension": ".pdf"},
    "carved_report_csv": {"seg": CARVED, "suffix": "report", "extension": ".csv"},
    "snapshot": {"datatype": "figures", "seg": COMPARTMENTS, "desc": "snapshot", "suffix": "dseg", "extension": ".png"},
    "carved_snapshot": {
        "datatype": "figures",
        "seg": CARVED,
        "desc": "snapshot",
        "suffix": "dseg",
        "extension": ".png",
    },
    "figure_place": {"datatype": "figures", "label": "CBM", "suffix": "mask", "extension": ".svg"},
    "figure_shown": {"datatype": "figures", "desc": "brain", "suffix": "mask", "extension": ".svg"},
    "figure_pair": {"datatype": "figures", "desc": "pair", "suffix": "T2w", "extension": ".svg"},
    "figure_dseg": {"datatype": "figures", "seg": COMPARTMENTS, "suffix": "dseg", "extension": ".svg"},
    "figure_carved": {"datatype": "figures", "seg": CARVED, "suffix": "dseg", "extension": ".svg"},
    "figure_surface": {"datatype": "figures", "seg": CARVED, "desc": "surface", "suffix": "dseg", "extension": ".png"},
    "figure_confidence": {"datatype": "figures", "desc": "confidence", "suffix": "probseg", "extension": ".svg"},
    "figure_atlas": {"datatype": "figures", "desc": "atlas", "suffix": "dseg", "extension": ".svg"},
    "figure_t1w": {"datatype": "figures", "space": SPACE, "suffix": "T1w", "extension": ".svg"},
    "figure_icv": {"datatype": "figures", "label": "ICV", "suffix": "mask", "extension": ".svg"},
    "figure_tissues": {"datatype": "figures", "desc": "tissues", "suffix": "T1w", "extension": ".svg"},
    "figure_superres": {"datatype": "figures", "desc": "superres", "suffix": "T1w", "extension": ".svg"},
    "figure_t2w": {"datatype": "figures", "suffix": "T2w", "extension": ".svg"},
    "figure_morph": {"datatype": "figures", "seg": COMPARTMENTS, "suffix": "morph", "extension": ".svg"},
    "figure_flat": {"datatype": "figures", "seg": COMPARTMENTS, "desc": "flat", "suffix": "morph", "extension": ".svg"},
}
"""What one T1w yields: a short name, and the entities that the derivative adds to those of its source."""

_BRAINS = frozenset({"t1w", "t2w", "shown", "figure_shown", "figure_pair"})
_OF_ONE_SCHEME = {
    "infant": frozenset({"t1w", "mask", "figure_place", *_of_one_scheme("tissues", TISSUES)}),
    "isointense": _BRAINS | _of_one_scheme("cerebrum", CEREBRUM).keys(),
    "neonatal": _BRAINS | {"mask"} | _of_one_scheme("brain", DRAWEM).keys(),
}
_OF_SEVERAL = {"t1w", "t2w", "mask"}
YIELDS: Mapping[str, frozenset[str]] = {
    "deepceres": DERIVATIVES.keys() - (frozenset().union(*_OF_ONE_SCHEME.values()) - _OF_SEVERAL),
    **_OF_ONE_SCHEME,
}
"""What each system yields of a T1w, by the same short names."""
LABELS = {"deepceres": "dseg", "infant": "tissues", "isointense": "cerebrum", "neonatal": "brain"}
"""Labels of each system on the grid of the T1w, by which one knows that an image was done, and by what."""
QUALITY = {"deepceres": "qc", **{system: f"{key}_qc" for system, key in LABELS.items() if system != "deepceres"}}
"""Quality in numbers, by system."""

OPTIONAL = frozenset(
    {"icv", "figure_icv", "t2w", "t2w_mni", "t2w_synth", "t2w_synth_mni", "vermis", "vermis_morph", "probseg"}
    | {"atlas_mni", "figure_atlas", "figure_place"}
)
"""What not every T1w yields of what its system may: a stripped one has no cavity, its T2w image is either real or made,
the vermis is told by the cascade alone, no library votes on the quick network's labels, probabilities are written on
request, and a cerebellum that was cut out before needs not be found."""

SHEETS = {
    "morph": {"PDF": "report", "CSV": "report_csv"},
    "carved_morph": {"PDF": "carved_report", "CSV": "carved_report_csv"},
}
"""Sheets of a table of volumes, by its key: what they are, and their own keys."""
REPORTS = tuple(key for sheets in SHEETS.values() for key in sheets.values())
"""What is written with the page of a participant, as ages and norms are no part of an image's workflow."""
SNAPSHOTS = {"morph": "snapshot", "carved_morph": "carved_snapshot"}
"""Pictures of its labels for these sheets, by the same keys."""

_ALONE = ("tissues", "cerebrum", "brain")
"""Labels of the systems that have one scheme."""
CLASS_TABLES = tuple(f"{key}_morph" for key in _ALONE)
"""Their tables of volumes."""
LABEL_MAPS = ("dseg", "dseg_mni", "carved", "carved_fine", "carved_mni", "vermis", *_ALONE)
"""Label maps, by the same keys."""
_BESIDE = tuple(f"{key}_{kind}" for key in _ALONE for kind in ("probseg", "confidence", "morph"))
_MORE = ("confidence", "probseg", "atlas_mni", "icv", "morph", "carved_morph", "vermis_morph", *_BESIDE)
OF_LABELS = (*LABEL_MAPS, "mask", "shown", *_MORE)
"""What has the provenance of the labels, and the warnings about them, in its sidecar."""

GROUP_PAGE = "group.html"
GROUP_QC = "group_qc.tsv"
GROUP_DESCS = ("wide", "widepercent", "asymmetry", "change")
"""What the group's tables of volumes have in ``desc-``, besides the long one, which has none."""

_VALUE = "([a-zA-Z0-9+]+)"
ENTITIES: list[dict[str, str]] = [
    # The source's name as it stands: no entity of it can be lost, reordered or lose its padding.
    {"name": "stem", "pattern": r"[/\\]+(sub-[^/\\]+)_[a-zA-Z0-9]+\.nii(?:\.gz)?$"},
    {"name": "subject", "pattern": rf"[/\\]+sub-{_VALUE}"},
    {"name": "session", "pattern": rf"[_/\\]+ses-{_VALUE}"},
    {"name": "datatype", "pattern": r"[/\\]+(anat|figures)[/\\]+"},
    *({"name": key, "pattern": rf"_{key}-{_VALUE}"} for key in ("space", "seg", "res", "label", "desc")),
    *({"name": key, "pattern": rf"_{key}-{_VALUE}.*xfm"} for key in ("from", "to", "mode")),
    {"name": "suffix", "pattern": r"_([a-zA-Z0-9]+)\.[^/\\]+$"},
    {"name": "extension", "pattern": r"[^./\\](\.[^/\\]+)$"},
]
"""Entities in PyBIDS' terms, for naming only."""

_ANAT = "sub-{subject}[/ses-{session}]/{datatype<anat>|anat}/{stem}"
_IMAGE = "{extension<.nii.gz>|.nii.gz}"
PATTERNS: tuple[str, ...] = (
    f"{_ANAT}[_space-{{space}}]_seg-{{seg}}[_res-{{res}}][_desc-{{desc}}]_{{suffix<dseg>}}{_IMAGE}",
    f"{_ANAT}_seg-{{seg}}[_desc-{{desc}}]_{{suffix<probseg>}}{_IMAGE}",
    f"{_ANAT}[_space-{{space}}][_res-{{res}}][_label-{{label}}][_desc-{{desc}}]_{{suffix<mask>}}{_IMAGE}",
    f"{_ANAT}[_space-{{space}}][_res-{{res}}]_desc-{{desc}}_{{suffix<T1w|T2w>}}{_IMAGE}",
    f"{_ANAT}_from-{{from}}_to-{{to}}_mode-{{mode}}_{{suffix<xfm>}}{{extension<.txt>}}",
    f"{_ANAT}_seg-{{seg}}_{{suffix<morph>}}{{extension<.tsv>}}",
    f"{_ANAT}_seg-{{seg}}_{{suffix<qc>}}{{extension<.json>}}",
    f"{_ANAT}_seg-{{seg}}_{{suffix<report>}}{{extension<.pdf|.csv>}}",
    "sub-{subject}/{datatype<figures>}/{stem}[_space-{space}][_seg-{seg}][_label-{label}][_desc-{desc}]_{suffix}{extension<.svg|.png>}",
)
"""Paths in PyBIDS' terms, with the entities in the order that BIDS asks for."""


def stem(source: Path | str) -> str:
    """Name of an image without suffix and extension, which starts the name of its derivatives.

    Examples
    --------
    >>> stem("/data/sub-01/ses-a/anat/sub-01_ses-a_run-01_T1w.nii.gz")
    'sub-01_ses-a_run-01'
    """
    return Path(source).name.rsplit("_", 1)[0]


def session_of(name: str) -> str:
    """Session in a file's name; nothing where it is in none.

    Examples
    --------
    >>> session_of("sub-01_ses-a_T1w.nii.gz"), session_of("sub-01_T1w.nii.gz")
    ('ses-a', '')
    """
    found = re.search(f"_(ses-{_VALUE})", name)
    return found[1] if found else ""


def sidecar_path(derivative: Path) -> Path:
    """Path of the JSON file beside a derivative.

    Examples
    --------
    >>> print(sidecar_path(Path("sub-01_desc-preproc_T1w.nii.gz")))
    sub-01_desc-preproc_T1w.json
    """
    return derivative.with_name(f"{derivative.name.split('.')[0]}.json")


def derivative_path(source: Path | str, key: str) -> Path:
    """Path of a derivative, relative to the output folder.

    Parameters
    ----------
    source : Path or str
        The T1w image, in a BIDS dataset.
    key : str
        One of `DERIVATIVES`.

    Examples
    --------
    >>> print(derivative_path("/data/sub-01/ses-a/anat/sub-01_ses-a_run-01_T1w.nii.gz", "dseg"))
    sub-01/ses-a/anat/sub-01_ses-a_run-01_seg-Lobules_dseg.nii.gz
    >>> print(derivative_path("/data/sub-01/ses-a/anat/sub-01_ses-a_run-01_T1w.nii.gz", "figure_dseg"))
    sub-01/figures/sub-01_ses-a_run-01_seg-Lobules_dseg.svg
    """
    from bids.layout.writing import build_path

    name = stem(source)
    entities = {
        "stem": name,
        "subject": re.match(f"sub-{_VALUE}", name).group(1),  # type: ignore[union-attr]
        "session": (re.findall(f"_ses-{_VALUE}", name) or [None])[0],
        "extension": ".nii.gz",
    }
    return Path(build_path({**entities, **DERIVATIVES[key]}, PATTERNS))


def group_table(scheme: str, desc: str = "") -> str:
    """Name of a table of volumes of all images, at the root of the output folder.

    Parameters
    ----------
    scheme : str
        One of `SCHEMES`.
    desc : str
        One of `GROUP_DESCS`; the long table where it is not given.

    Examples
    --------
    >>> group_table("Lobules"), group_table("Lobules", "wide")
    ('group_seg-Lobules_morph.tsv', 'group_seg-Lobules_desc-wide_morph.tsv')
    """
    return f"group_seg-{scheme}{f'_desc-{desc}' if desc else ''}_morph.tsv"
