"""T1w and T2w images of an infant's brain: the networks in a process of their own, what is measured, and pictures."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.bids.names import WHOLE
from cerebbids.data.labels import load_scheme
from cerebbids.files import as_json, write_text
from cerebbids.imaging.brainqc import judge_brain
from cerebbids.imaging.volumetry import class_volumes, write_volumes
from cerebbids.interfaces.predict import NetworkInputSpec, NetworkProcess
from cerebbids.reports.figures import brain_doubt, brain_mosaic, pair_check, shown_check
from cerebbids.systems.published import SYSTEMS

_IMAGES = ("dseg", "shown", "probseg", "confidence", "t1w", "t2w")


class _LabelInputSpec(NetworkInputSpec):
    system = traits.Str(mandatory=True, desc="published system to apply")
    t2w = File(exists=True, mandatory=True, desc="T2w image in one plain form")
    months = traits.Float(desc="age since term, where it is known")


class _LabelOutputSpec(TraitedSpec):
    dseg = File(exists=True, desc="labels on the grid of the T1w image")
    shown = File(exists=True, desc="what of the image the networks were shown")
    mask = File(exists=True, desc="cerebellum, of a system that labels it")
    probseg = File(exists=True, desc="probabilities of background and classes")
    confidence = File(exists=True, desc="probability of each voxel's label")
    t1w = File(exists=True, desc="T1w image, corrected for bias where it shows a head")
    t2w = File(exists=True, desc="T2w image on the grid of the T1w image, likewise")
    facts = File(exists=True, desc="JSON: model, device, time and memory")


class LabelBrain(NetworkProcess):
    """Label a brain."""

    input_spec = _LabelInputSpec
    output_spec = _LabelOutputSpec

    def _run_interface(self, runtime):
        folder = Path(runtime.cwd)
        months = self.inputs.months if isdefined(self.inputs.months) else None
        self._label(folder, system=self.inputs.system, t2w=self.inputs.t2w, months=months)
        self._results |= {name: str(folder / f"{name}.nii.gz") for name in _IMAGES}
        self._results["facts"] = str(folder / "predict.json")
        if SYSTEMS[self.inputs.system].cerebellum is not None:
            self._results["mask"] = str(folder / "mask.nii.gz")
        return runtime


class _BrainInputSpec(BaseInterfaceInputSpec):
    dseg = File(exists=True, mandatory=True, desc="labels")
    system = traits.Str(mandatory=True, desc="system that they are of")


class _TableOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc="table of volumes")


class MeasureBrain(SimpleInterface):
    """Table of the classes' volumes."""

    input_spec = _BrainInputSpec
    output_spec = _TableOutputSpec

    def _run_interface(self, runtime):
        out_file = Path(runtime.cwd) / "morph.tsv"
        scheme = SYSTEMS[self.inputs.system].scheme
        write_volumes(class_volumes(nib.load(self.inputs.dseg), load_scheme(scheme), WHOLE[scheme]), out_file)
        self._results["out_file"] = str(out_file)
        return runtime


class _CheckInputSpec(_BrainInputSpec):
    facts = File(exists=True, mandatory=True, desc="JSON of the prediction")
    known = traits.List(traits.Str, usedefault=True, desc="warnings of the steps before")
    version = traits.Str(mandatory=True, desc="of this program")


class _CheckOutputSpec(TraitedSpec):
    meta = traits.Dict(desc="provenance and warnings, for the sidecars")
    t1w_meta = traits.Dict(desc="whether the T1w image shows no skull, for its sidecar")
    t2w_meta = traits.Dict(desc="the same of the T2w image")
    qc = File(exists=True, desc="JSON: quality in numbers, and a traffic light")


class CheckBrain(SimpleInterface):
    """Say what made the labels, and what in them should make a reader look twice."""

    input_spec = _CheckInputSpec
    output_spec = _CheckOutputSpec

    def _run_interface(self, runtime):
        system = self.inputs.system
        facts = json.loads(Path(self.inputs.facts).read_text(encoding="utf-8"))
        steps = [*self.inputs.known, *facts.pop("warnings")]
        verdict = judge_brain(nib.load(self.inputs.dseg), load_scheme(SYSTEMS[system].scheme), facts, steps)
        out_file = Path(runtime.cwd) / "qc.json"
        write_text(out_file, as_json(verdict.quality))
        told = {"version": self.inputs.version, "system": system, **facts, **verdict.told()}
        self._results |= {"meta": {"CerebBIDS": told}, "qc": str(out_file)}
        self._results["t1w_meta"] = {"SkullStripped": facts["skull_stripped"]}
        self._results["t2w_meta"] = {"SkullStripped": facts["t2w_skull_stripped"]}
        return runtime


class _FigureInputSpec(_BrainInputSpec):
    t1w = File(exists=True, mandatory=True, desc="T1w image")
    t2w = File(exists=True, mandatory=True, desc="T2w image on its grid")
    confidence = File(exists=True, mandatory=True, desc="probability of each voxel's label")
    shown = File(exists=True, mandatory=True, desc="what the networks were shown")


class _FigureOutputSpec(TraitedSpec):
    dseg = File(exists=True, desc="labels on the scan")
    confidence = File(exists=True, desc="where labels may be wrong")
    shown = File(exists=True, desc="where the brain was found")
    pair = File(exists=True, desc="both images")


class BrainFigures(SimpleInterface):
    """Pictures for the report."""

    input_spec = _FigureInputSpec
    output_spec = _FigureOutputSpec

    def _run_interface(self, runtime):
        t1w, t2w, dseg, confidence, shown = (
            Path(getattr(self.inputs, key)) for key in ("t1w", "t2w", "dseg", "confidence", "shown")
        )
        scheme = SYSTEMS[self.inputs.system].scheme
        files = {key: Path(runtime.cwd) / f"{key}.svg" for key in ("dseg", "confidence", "shown", "pair")}
        brain_mosaic(t1w, dseg, scheme, files["dseg"])
        brain_doubt(t1w, dseg, scheme, confidence, files["confidence"])
        shown_check(t1w, shown, files["shown"])
        pair_check(t1w, t2w, shown, files["pair"])
        self._results |= {key: str(file) for key, file in files.items()}
        return runtime
