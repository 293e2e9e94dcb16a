"""Volumes and plausibility of a segmentation."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.data.labels import load_scheme
from cerebbids.imaging.quality import check_cavity, check_segmentation
from cerebbids.imaging.volumetry import lobule_volumes


class _MeasureInputSpec(BaseInterfaceInputSpec):
    dseg = File(exists=True, mandatory=True, desc="labels")
    fine = File(exists=True, desc="the same labels at 0.5 mm, to take the volumes from")
    scheme = traits.Str(mandatory=True, desc="name of the label scheme")
    icv = File(exists=True, desc="mask of the intracranial cavity on the same grid; none of a stripped image")


class _MeasureOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc="table of volumes")


class MeasureVolumes(SimpleInterface):
    """Table of the regions' volumes."""

    input_spec = _MeasureInputSpec
    output_spec = _MeasureOutputSpec

    def _run_interface(self, runtime):
        out_file = Path(runtime.cwd) / "morph.tsv"
        given = {key: getattr(self.inputs, key) for key in ("icv", "fine")}
        others = {key: nib.load(path) for key, path in given.items() if isdefined(path)}
        table = lobule_volumes(nib.load(self.inputs.dseg), load_scheme(self.inputs.scheme), **others)
        table.to_csv(out_file, sep="\t", index=False, na_rep="n/a")
        self._results["out_file"] = str(out_file)
        return runtime


class _CheckInputSpec(BaseInterfaceInputSpec):
    dseg = File(exists=True, mandatory=True, desc="labels")
    t1w = File(exists=True, mandatory=True, desc="T1w image on the same grid")
    icv = File(exists=True, desc="mask of the intracranial cavity on the same grid; none of a stripped image")
    facts = File(exists=True, mandatory=True, desc="JSON of the prediction")
    known = traits.List(traits.Str, usedefault=True, desc="warnings of the steps before")
    version = traits.Str(mandatory=True, desc="of this program")


class _CheckOutputSpec(TraitedSpec):
    meta = traits.Dict(desc="provenance and warnings, for the sidecars of the labels")


class CheckSegmentation(SimpleInterface):
    """Say what made the labels, and what in them should make a reader look twice."""

    input_spec = _CheckInputSpec
    output_spec = _CheckOutputSpec

    def _run_interface(self, runtime):
        t1w = nib.load(self.inputs.t1w)
        found = check_segmentation(nib.load(self.inputs.dseg), t1w)
        if isdefined(self.inputs.icv):
            found += check_cavity(nib.load(self.inputs.icv), t1w)
        facts = json.loads(Path(self.inputs.facts).read_text(encoding="utf-8"))
        facts.get("tissues", {}).pop("counts", None)  # a histogram is for the report, not for every sidecar
        warnings = [*self.inputs.known, *facts.get("warnings", ()), *found]
        provenance = {"version": self.inputs.version, **facts, "warnings": warnings}
        self._results["meta"] = {"CerebBIDS": provenance}
        return runtime
