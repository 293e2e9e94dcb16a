"""Volumes and plausibility of a segmentation."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.data.labels import load_scheme
from cerebbids.files import as_json, write_text
from cerebbids.imaging.noise import signal_to_noise
from cerebbids.imaging.verdict import judge
from cerebbids.imaging.volumetry import lobule_volumes, write_volumes
from cerebbids.imaging.xfm import read_itk_affine


class _MeasureInputSpec(BaseInterfaceInputSpec):
    dseg = File(exists=True, desc="labels; there is no table where there are none")
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
        if not isdefined(self.inputs.dseg):
            return runtime
        out_file = Path(runtime.cwd) / "morph.tsv"
        given = {key: getattr(self.inputs, key) for key in ("icv", "fine")}
        others = {key: nib.load(path) for key, path in given.items() if isdefined(path)}
        table = lobule_volumes(nib.load(self.inputs.dseg), load_scheme(self.inputs.scheme), **others)
        write_volumes(table, out_file)
        self._results["out_file"] = str(out_file)
        return runtime


_IMAGES = ("t1w", "dseg", "dseg_mni", "carved")


class _CheckInputSpec(BaseInterfaceInputSpec):
    dseg = File(exists=True, mandatory=True, desc="labels of seg-Lobules")
    dseg_mni = File(exists=True, mandatory=True, desc="the same on the template's grid")
    carved = File(exists=True, mandatory=True, desc="labels of seg-DeepCERES on the grid of the T1w image")
    t1w = File(exists=True, mandatory=True, desc="T1w image on the same grid")
    scan = File(exists=True, desc="the image before it was denoised, to measure its noise")
    icv = File(exists=True, desc="mask of the intracranial cavity on the same grid; none of a stripped image")
    xfm = File(exists=True, mandatory=True, desc="ITK affine that resamples the T1w image onto the template")
    facts = File(exists=True, mandatory=True, desc="JSON of the prediction")
    known = traits.List(traits.Str, usedefault=True, desc="warnings of the steps before")
    version = traits.Str(mandatory=True, desc="of this program")
    sloppy = traits.Bool(False, usedefault=True, desc="whether the registration was coarse")


class _CheckOutputSpec(TraitedSpec):
    meta = traits.Dict(desc="provenance and warnings, for the sidecars of the labels")
    qc = File(exists=True, desc="JSON: quality in numbers, and a traffic light")


class CheckSegmentation(SimpleInterface):
    """Say what made the labels, and what in them should make a reader look twice."""

    input_spec = _CheckInputSpec
    output_spec = _CheckOutputSpec

    def _run_interface(self, runtime):
        images = {key: nib.load(getattr(self.inputs, key)) for key in _IMAGES}
        icv = nib.load(self.inputs.icv) if isdefined(self.inputs.icv) else None
        facts = json.loads(Path(self.inputs.facts).read_text(encoding="utf-8"))
        if isdefined(self.inputs.scan):
            facts["snr"] = signal_to_noise(nib.load(self.inputs.scan), images["dseg"])
        of_steps = [*self.inputs.known, *facts.get("warnings", ())]
        t1w_to_mni = read_itk_affine(Path(self.inputs.xfm))
        verdict = judge(**images, icv=icv, facts=facts, t1w_to_mni=t1w_to_mni, of_steps=of_steps)
        out_file = Path(runtime.cwd) / "qc.json"
        write_text(out_file, as_json(verdict.quality))
        facts.get("tissues", {}).pop("counts", None)  # a histogram is for the report, not for every sidecar
        provenance = {"version": self.inputs.version, "sloppy": self.inputs.sloppy, **facts, **verdict.told()}
        self._results |= {"meta": {"CerebBIDS": provenance}, "qc": str(out_file)}
        return runtime
