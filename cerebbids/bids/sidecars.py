"""What the JSON file beside every derivative says, as far as it is known before the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cerebbids.bids.names import CARVED, CEREBRUM, COMPARTMENTS, DRAWEM, TISSUES, VERMIS, sidecar_path
from cerebbids.bids.query import SourceImage
from cerebbids.data.labels import load_scheme
from cerebbids.files import as_json, write_text
from cerebbids.systems.space import SPACE

VOLATILE = frozenset({"seconds", "laps", "peak_rss_gb", "peak_gpu_gb"})
"""What the JSON files tell of time and memory: all in which two runs of an image on one machine may differ."""

OF_OLDER = {"confidence_of": "labels before their correction by hand"}
"""What the provenance of an image says beside the confidence, where somebody has corrected the labels since."""

_MNI = f"{SPACE}: ICBM 152 nonlinear symmetric average of 2009 (version a), affinely registered"
_RESOLUTION = {"Resolution": "1 mm isotropic, grid of the template"}
_FINE = {"Resolution": "0.5 mm isotropic, box around the cerebellum"}
_SUPERRES = (
    "Cerebellum of the T1w image at 0.5 mm, super-resolved by a network (superresolved in CerebBIDS; scans with voxels "
    "up to 0.6 mm are resampled instead): detail below the voxels of the scan is an estimate. "
    "Means of cerebrospinal fluid, grey and white matter are at 50, 150 and 250."
)
_T2W = "T2w image of the same session, denoised, corrected for bias, rigidly registered to the T1w image"
_OF_T2W = ("t2w", "t2w_mni")
_OF_PAIRS = ("isointense", "neonatal")
"""Systems that label T1w and T2w images together."""
_SYNTH = (
    "Cerebellum in the contrast of a T2w image, not acquired: a network changed the T1w image, whose brightness was "
    "then mapped to that of a T2w image, piecewise linearly; tissues at fixed brightness; 0 outside of the "
    "intracranial cavity, or of the brain where no cavity was segmented"
)
_LOBULES = (
    "Lobules of the cerebellum and its white matter, left and right (anatomical). White matter includes "
    "the arbor vitae; a lobule is grey matter with the thin cerebrospinal fluid between its folia."
)
_MASK = "Cerebellum: all labels of seg-Lobules, with the fluid between folia"
_CARVED = (
    "Lobules of the cerebellum and its white matter, left and right (anatomical), after the convention of DeepCERES "
    "for 0.5 mm: a lobule is grey matter without the cerebrospinal fluid between its folia, which has no label; white "
    "matter includes the arbor vitae, but not the peduncles outside of the cerebellum, which have none either."
)
_MAJORITY = f"{_CARVED} Found at 0.5 mm; a voxel has the label that fills most of it."

_VERMIS = (
    "Lobules of the hemispheres, the vermis in three parts (I-V, VI-VII, VIII-X), and white matter, left and right "
    "(anatomical). Else as seg-Lobules."
)
_ATLAS = (
    "Labels of seg-Lobules that got most votes of a library's cerebella (library in CerebBIDS), those most similar to "
    "the T1w image, each registered to it: what the lobules were named from, not a result"
)
_TISSUES = (
    "Cerebrospinal fluid, grey and white matter of an infant's cerebellum, and of the brainstem beside it, most of "
    "which is labelled as white matter, as in the labels that the network has learnt from. The mask "
    "label-CBM leaves the brainstem out, and so do the volumes."
)
_CEREBELLUM = (
    "Cerebellum with the fluid around, without the brainstem: what of seg-CerebellumTissue is counted. It "
    "stays where labels were erased by hand"
)
_TRUST = (
    "Probability, as a second network judges that has seen the labels and their probabilities alone, that the label of "
    "seg-CerebellumTissue is right; 0 where there is none"
)
_T1W_OF_INFANT = (
    "T1w image, corrected for bias inside the brain; of a cerebellum that was cut out before, as it is. Not denoised."
)
_CEREBRUM = (
    "Cerebrospinal fluid, grey and white matter of the cerebrum of an infant of about six to nine months. Cerebellum "
    "and brainstem have no label. By networks that have learnt from synthetic images alone, not validated on real "
    "infants."
)
_DRAWEM = (
    "Nine classes of a neonate's brain, as DrawEM has them: cerebrospinal fluid, cortical grey matter, white matter, "
    "what is outside of the brain, ventricles, cerebellum, deep grey matter, brainstem, hippocampus and amygdala. By "
    "networks that have learnt from synthetic images alone, not validated on real neonates."
)
_CEREBELLUM_OF_BRAIN = "Cerebellum: class 6 of seg-DrawEM9, without the fluid around"
_SHOWN = "Brain with fluid around, as far as the networks were shown it: found on the T1w image"
_T2W_OF_BRAIN = (
    "T2w image of the same session, rigidly registered to the T1w image, on its grid. Corrected for bias inside the "
    "brain where it shows a head. Not denoised."
)
_T1W_OF_BRAIN = "T1w image, corrected for bias inside the brain where it shows a head. Not denoised."
_CONFIDENCE = "Probability of the label that each voxel got, or of the background where it got none"
_T1W = {
    "deepceres": "T1w image, denoised and corrected for bias", "infant": _T1W_OF_INFANT,
    "isointense": _T1W_OF_BRAIN, "neonatal": _T1W_OF_BRAIN,
}  # fmt: skip
_MASKS = {"infant": _CEREBELLUM, "neonatal": _CEREBELLUM_OF_BRAIN}

MORPH_COLUMNS: dict[str, Any] = {
    "index": {"Description": "Value of the region in the segmentation; n/a for a sum of regions and the cavity"},
    "name": {"Description": "Name of the region"},
    "hemisphere": {
        "Description": "Anatomical side",
        "Levels": {"left": "", "right": "", "midline": "Vermis", "both": "Sum of all sides"},
    },
    "tissue": {
        "Description": "What the region consists of",
        "Levels": {"GM": "Grey matter", "WM": "White matter", "both": "Grey and white matter"},
    },
    "n_voxels": {"Description": "Number of voxels on the grid of the T1w image", "Units": "1"},
    "volume_mm3": {"Description": "Volume: voxels times the volume of one", "Units": "mm^3"},
    "icv_percent": {
        "Description": "Volume in percent of the intracranial cavity's; n/a where that is not known",
        "Units": "%",
    },
}
"""Columns of the table of volumes."""

CARVED_COLUMNS: dict[str, Any] = MORPH_COLUMNS | {
    "volume_mm3": {
        "Description": "Volume: voxels of the segmentation at 0.5 mm in the space of the T1w image, times the volume "
        "of one; that of the cavity, and no other, is that of its n_voxels",
        "Units": "mm^3",
    },
}
"""Columns of the table of volumes of the segmentation at 0.5 mm."""

TISSUE_COLUMNS: dict[str, Any] = MORPH_COLUMNS | {
    "hemisphere": {"Description": "Anatomical side", "Levels": {"both": "Sum of both sides"}},
    "tissue": MORPH_COLUMNS["tissue"]
    | {"Levels": {"CSF": "Fluid", "GM": "Grey matter", "WM": "White matter", "both": "Grey and white matter"}},
    "icv_percent": {"Description": "n/a: the intracranial cavity is not measured", "Units": "%"},
}
"""Columns of the table of volumes of tissues."""

BRAIN_COLUMNS: dict[str, Any] = TISSUE_COLUMNS | {
    "hemisphere": {"Description": "Anatomical side", "Levels": {"both": "All"}},
    "tissue": MORPH_COLUMNS["tissue"]
    | {
        "Levels": {
            "CSF": "Fluid", "GM": "Grey matter", "WM": "White matter", "both": "Grey and white matter",
            "other": "Neither brain nor its fluid",
        }
    },
}  # fmt: skip
"""Columns of the table of volumes of a brain."""

TABLES: dict[str, tuple[str, dict[str, Any]]] = {
    COMPARTMENTS: (f"Volumes of the cerebellum's regions. {_LOBULES}", MORPH_COLUMNS),
    CARVED: (f"Volumes of the cerebellum's regions. {_CARVED}", CARVED_COLUMNS),
    VERMIS: (f"Volumes of the cerebellum's regions. {_VERMIS}", MORPH_COLUMNS),
    TISSUES: (
        "Volumes of the tissues of an infant's cerebellum, without the brainstem. Cerebellum is the sum of grey and "
        "white matter; how much fluid there is depends on what was cut out with the cerebellum.",
        TISSUE_COLUMNS,
    ),
    CEREBRUM: (
        f"Volumes. Cerebrum is the sum of grey and white matter. {_CEREBRUM} Their two rows in this table have no "
        "numbers.",
        BRAIN_COLUMNS,
    ),
    DRAWEM: (
        f"Volumes. Brain is the sum of all classes but fluid, ventricles and what is outside. {_DRAWEM}", BRAIN_COLUMNS
    ),
}  # fmt: skip
"""What the table of volumes of each label scheme holds, and its columns."""

LABEL_COLUMNS: dict[str, Any] = {
    "Description": "Labels of the segmentation",
    "hemisphere": {
        "Description": "Anatomical side",
        "Levels": {"left": "", "right": "", "midline": "Vermis", "both": "All"},
    },
    "tissue": {
        "Description": "What the region consists of",
        "Levels": {"GM": "Grey matter (a lobule, where there are lobules)", "WM": "White matter", "CSF": "Fluid"}
        | {"both": "Grey and white matter", "other": "Neither brain nor its fluid"},
    },
}
"""Columns of the label tables beyond those that BIDS defines."""


def sidecar(key: str, image: SourceImage) -> dict[str, Any]:
    """Describe a derivative.

    Every file gets a complete description of its own: by BIDS' inheritance principle, a sidecar of the native
    image would otherwise describe the one in template space too.

    Parameters
    ----------
    key : str
        One of :data:`cerebbids.bids.names.DERIVATIVES`.
    image : SourceImage
        The T1w that the derivative comes from.

    Examples
    --------
    >>> from pathlib import Path
    >>> image = SourceImage(Path("/d/sub-1/anat/sub-1_T1w.nii"), "1", "sub-1/anat/sub-1_T1w.nii")
    >>> sidecar("mask", image)["SpatialReference"]
    'bids:raw:sub-1/anat/sub-1_T1w.nii'
    """
    native = {"SpatialReference": image.uri}
    template = {"SpatialReference": _MNI, **_RESOLUTION}
    fine = {"SpatialReference": _MNI, **_FINE}
    facts: dict[str, dict[str, Any]] = {
        "t1w": {"Description": _T1W[image.system], **native},
        "t1w_mni": {"Description": "T1w image, denoised, corrected for bias, in template space", **template},
        "xfm_to_mni": {"Description": "Affine that resamples the T1w image onto the template (ITK, LPS mm)"},
        "xfm_to_t1w": {"Description": "Affine that resamples the template onto the T1w image (ITK, LPS mm)"},
        "dseg": {"Description": _LOBULES, "Manual": False, **native},
        "dseg_mni": {"Description": _LOBULES, "Manual": False, **template},
        "carved": {"Description": _MAJORITY, "Manual": False, **native},
        "carved_fine": {"Description": _CARVED, "Manual": False, **native, **_FINE},
        "carved_mni": {"Description": _CARVED, "Manual": False, **fine},
        "vermis": {"Description": _VERMIS, "Manual": False, **native},
        "confidence": {"Description": _CONFIDENCE, **native},
        "probseg": {"Description": f"Probabilities. {_LOBULES}", "LabelMap": _names(COMPARTMENTS), **native},
        "atlas_mni": {"Description": _ATLAS, "Manual": False, **fine},
        **_of_one_scheme("tissues", TISSUES, _TISSUES, _TRUST, native),
        **_of_one_scheme("cerebrum", CEREBRUM, _CEREBRUM, _CONFIDENCE, native),
        **_of_one_scheme("brain", DRAWEM, _DRAWEM, _CONFIDENCE, native),
        "mask": {"Description": _MASKS.get(image.system, _MASK), "Type": "ROI", **native},
        "shown": {"Description": _SHOWN, "Type": "Brain", **native},
        "icv": {"Description": "Intracranial cavity: everything inside the skull", "Type": "ROI", **native},
        "superres": {"Description": _SUPERRES, "SyntheticImage": True, **native, **_FINE},
        "superres_mni": {"Description": _SUPERRES, "SyntheticImage": True, **fine},
        "t2w": {"Description": _T2W if image.system == "deepceres" else _T2W_OF_BRAIN, **native},
        "t2w_mni": {"Description": f"{_T2W}; means of its tissues at fixed brightness", **fine},
        "t2w_synth": {"Description": _SYNTH, "SyntheticImage": True, **native},
        "t2w_synth_mni": {"Description": _SYNTH, "SyntheticImage": True, **fine},
        "morph": _table(COMPARTMENTS),
        "carved_morph": _table(CARVED),
        "vermis_morph": _table(VERMIS),
    }
    of_both = key in _OF_T2W or (image.system in _OF_PAIRS and key not in ("t1w", "shown"))
    sources = [image.t2w_uri, image.uri] if of_both and image.t2w_uri else [image.uri]
    return {**facts[key], "Sources": sources} if key in facts else {}


def _of_one_scheme(key: str, scheme: str, text: str, trust: str, native: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the labels of a system that has one scheme, and what is beside them."""
    return {
        key: {"Description": text, "Manual": False, **native},
        f"{key}_probseg": {"Description": f"Probabilities. {text}", "LabelMap": _names(scheme), **native},
        f"{key}_confidence": {"Description": trust, **native},
        f"{key}_morph": _table(scheme),
    }


def _names(scheme: str) -> list[str]:
    return ["background", *(label.abbreviation for label in load_scheme(scheme).labels)]


def _table(scheme: str) -> dict[str, Any]:
    text, columns = TABLES[scheme]
    return {"Description": text, **columns}


def provenance(derivative: Path) -> dict[str, Any]:
    """Read what the JSON file beside a derivative says of how it was made; nothing where there is no such file.

    Raises
    ------
    ValueError
        The file does not say it in the way that this program writes it.
    """
    return read_sidecar(derivative).get("CerebBIDS", {})


def read_sidecar(derivative: Path) -> dict[str, Any]:
    """Read the JSON file beside a derivative, which tells the provenance as ``CerebBIDS``; nothing where there is none.

    Raises
    ------
    ValueError
        The file does not say it in the way that this program writes it.
    """
    path = sidecar_path(derivative)
    try:
        content = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        return {**content, "CerebBIDS": dict(content.get("CerebBIDS", {}))} if content != {} else {}
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"{path.name} cannot be read ({error})") from error


def write_provenance(derivative: Path, content: Mapping[str, Any], told: Mapping[str, Any]) -> None:
    """Write the JSON file beside a derivative with another provenance; what comes of a correction counts as manual.

    Parameters
    ----------
    derivative : Path
    content : dict
        What the file says, as :func:`read_sidecar` reads it.
    told : dict
        What it is to say as ``CerebBIDS``.
    """
    by_hand = told.get("corrected") or told.get("from_corrected")
    manual = {"Manual": True} if by_hand and "Manual" in content else {}
    write_text(sidecar_path(derivative), as_json({**content, **manual, "CerebBIDS": told}))
