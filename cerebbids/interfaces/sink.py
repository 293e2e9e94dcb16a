"""Where results get their BIDS names and leave the working folder."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from bids.layout import Config
from nipype.interfaces.base import Directory, File, InputMultiObject, OutputMultiObject, isdefined
from niworkflows.interfaces.bids import PrepareDerivative

from cerebbids.bids.names import DERIVATIVES, ENTITIES, LABEL_MAPS, OPTIONAL, PATTERNS, derivative_path, sidecar_path
from cerebbids.files import as_json, atomic
from cerebbids.imaging.labelmaps import labels_sha256
from cerebbids.systems.space import SPACE


def _entity_names() -> Iterator[str]:
    """Entities that PyBIDS finds in a source's name as well: niworkflows would append those it does not know."""
    yield from (entity["name"] for entity in ENTITIES)
    for config in ("bids", "derivatives"):
        yield from Config.load(config).entities


class _SinkInputSpec(PrepareDerivative.input_spec):
    in_file = InputMultiObject(File(exists=True), desc="what to write; may be missing where the key is optional")
    base_directory = Directory(exists=True, mandatory=True, desc="root of the derivatives")


class _SinkOutputSpec(PrepareDerivative.output_spec):
    out_file = OutputMultiObject(File(exists=True), desc="files in the derivatives")


def _no_type() -> None:
    """Keep the data type of the file."""


def _write(source: Path, target: Path, metadata: dict[str, Any]) -> None:
    """Write a file and then its sidecar; wherever this ends, no sidecar lies beside a file that it is not about."""
    with ExitStack() as drafts:
        if metadata:
            sidecar = drafts.enter_context(atomic(sidecar_path(target)))
        shutil.copyfile(source, drafts.enter_context(atomic(target)))
        if metadata:  # after the file: one that is younger than its sidecar has been changed since
            sidecar.write_text(as_json(metadata), encoding="utf-8")
        sidecar_path(target).unlink(missing_ok=True)


def _with_hash(metadata: dict[str, Any], labels: Path) -> dict[str, Any]:
    """Add the hash of a label map's voxels, by which one will know whether somebody has corrected it."""
    told = {**metadata.get("CerebBIDS", {}), "labels_sha256": labels_sha256(np.asarray(nib.load(labels).dataobj))}
    return {**metadata, "CerebBIDS": told}


class DerivativesDataSink(PrepareDerivative):
    """Give files the names of :mod:`cerebbids.bids.names`, and write them and their sidecars atomically.

    niworkflows' own patterns leave out ``seg`` and ``run``, so that two segmentations would share a name.

    Where there is no file and the key is one of :data:`cerebbids.bids.names.OPTIONAL`, what an earlier run has
    written under that name is removed: nobody shall take it for a result of this one.

    Parameters
    ----------
    key : str
        One of :data:`cerebbids.bids.names.DERIVATIVES`.
    **inputs
        Inputs of the interface; names that it does not know become fields of the sidecar.
    """

    input_spec = _SinkInputSpec
    output_spec = _SinkOutputSpec
    _config_entities = frozenset(_entity_names())
    _config_entities_dict = ENTITIES
    _file_patterns = PATTERNS
    _default_dtypes = defaultdict(_no_type, dseg="uint8", mask="uint8")
    _always_run = True  # also when the working folder has the result: the output folder may not

    def __init__(self, key: str, **inputs) -> None:
        # In the world of the T1w the header stays: niworkflows would give a sheared one a qform that lies.
        fixed = {"extension": ".nii.gz", "check_hdr": DERIVATIVES[key].get("space") == SPACE}
        super().__init__(**{**fixed, **DERIVATIVES[key], **inputs})
        self._key = key
        self._metadata = {name: inputs[name] for name in inputs if name in self._metadata}  # in their order

    def _run_interface(self, runtime):
        if not isdefined(self.inputs.in_file):
            self._remove_older()
            return runtime
        runtime = super()._run_interface(runtime)
        root = Path(self.inputs.base_directory)
        targets = [root / path for path in self._results["out_path"]]
        metadata = {**self._metadata, **self._results["out_meta"]}  # what was known first comes first
        for source, target in zip(self._results["out_file"], targets, strict=True):
            hashed = metadata and self._key in LABEL_MAPS
            _write(Path(source), target, _with_hash(metadata, Path(source)) if hashed else metadata)
        self._results["out_file"] = [str(target) for target in targets]
        return runtime

    def _remove_older(self) -> None:
        if self._key not in OPTIONAL:
            raise ValueError(f"there is no {self._key} to write")
        target = Path(self.inputs.base_directory) / derivative_path(self.inputs.source_file[0], self._key)
        for path in (target, sidecar_path(target)):
            path.unlink(missing_ok=True)
