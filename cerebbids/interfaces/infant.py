"""An infant's image: the networks in a process of their own, what is measured, and pictures."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.bids.names import TISSUES, WHOLE
from cerebbids.data.labels import load_scheme
from cerebbids.files import as_json, write_text
from cerebbids.imaging.infantqc import judge_tissues
from cerebbids.imaging.volumetry import class_volumes, write_volumes
from cerebbids.interfaces.predict import NetworkInputSpec, NetworkProcess
from cerebbids.reports.figures import place_check, tissue_mosaic, trust_check
from cerebbids.systems.infant import VALIDATED

_IMAGES = ("dseg", "mask", "shown", "probseg", "confidence", "t1w")


class _LabelInputSpec(NetworkInputSpec):
    months = traits.Float(mandatory=True, desc="age since birth, or corrected")


class _LabelOutputSpec(TraitedSpec):
    dseg = File(exists=True, desc="tissues on the grid of the T1w image")
    mask = File(exists=True, desc="what of them belongs to the cerebellum")
    shown = File(exists=True, desc="what of the image the networks were shown")
    probseg = File(exists=True, desc="probabilities of background and tissues")
    confidence = File(exists=True, desc="probability that each voxel's label is right")
    t1w = File(exists=True, desc="T1w image, corrected for bias where it shows a head")
    facts = File(exists=True, desc="JSON: model, device, time and memory")
    place = File(exists=True, desc="the same as shown; not of a cerebellum that was cut out before")


class LabelTissues(NetworkProcess):
    """Label tissues."""

    input_spec = _LabelInputSpec
    output_spec = _LabelOutputSpec

    def _run_interface(self, runtime):
        folder = Path(runtime.cwd)
        facts = self._label(folder, system="infant", months=self.inputs.months)
        self._results |= {name: str(folder / f"{name}.nii.gz") for name in _IMAGES}
        self._results["facts"] = str(folder / "predict.json")
        if not facts["cut_out"]:
            self._results["place"] = self._results["shown"]
        return runtime


class _TissueInputSpec(BaseInterfaceInputSpec):
    dseg = File(exists=True, mandatory=True, desc="tissues")
    mask = File(exists=True, mandatory=True, desc="cerebellum on the same grid")


class _TableOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc="table of volumes")


class MeasureTissues(SimpleInterface):
    """Table of the tissues' volumes."""

    input_spec = _TissueInputSpec
    output_spec = _TableOutputSpec

    def _run_interface(self, runtime):
        out_file = Path(runtime.cwd) / "morph.tsv"
        dseg, mask = (nib.load(path) for path in (self.inputs.dseg, self.inputs.mask))
        write_volumes(class_volumes(dseg, load_scheme(TISSUES), WHOLE[TISSUES], mask), out_file)
        self._results["out_file"] = str(out_file)
        return runtime


class _CheckInputSpec(_TissueInputSpec):
    facts = File(exists=True, mandatory=True, desc="JSON of the prediction")
    known = traits.List(traits.Str, usedefault=True, desc="warnings of the steps before")
    version = traits.Str(mandatory=True, desc="of this program")


class _CheckOutputSpec(TraitedSpec):
    meta = traits.Dict(desc="provenance and warnings, for the sidecars")
    t1w_meta = traits.Dict(desc="whether the image shows no skull, for that of the T1w image")
    qc = File(exists=True, desc="JSON: quality in numbers, and a traffic light")


class CheckTissues(SimpleInterface):
    """Say what made the labels, and what in them should make a reader look twice."""

    input_spec = _CheckInputSpec
    output_spec = _CheckOutputSpec

    def _run_interface(self, runtime):
        facts = json.loads(Path(self.inputs.facts).read_text(encoding="utf-8"))
        steps = [*self.inputs.known, *facts.pop("warnings"), *_about_network(facts["model_months"])]
        dseg, mask = (nib.load(path) for path in (self.inputs.dseg, self.inputs.mask))
        verdict = judge_tissues(dseg, mask, facts, steps)
        out_file = Path(runtime.cwd) / "qc.json"
        write_text(out_file, as_json(verdict.quality))
        told = {"version": self.inputs.version, "system": "infant", **facts, **verdict.told()}
        stripped = {"SkullStripped": facts["skull_stripped"]}
        self._results |= {"meta": {"CerebBIDS": told}, "t1w_meta": stripped, "qc": str(out_file)}
        return runtime


def _about_network(months: int) -> tuple[str, ...]:
    if months == VALIDATED:
        return ()
    return (
        f"The network for {months} months has learnt from simulated images, and was never held against labels of real "
        "infants of that age.",
    )


class _FigureInputSpec(BaseInterfaceInputSpec):
    t1w = File(exists=True, mandatory=True, desc="T1w image")
    dseg = File(exists=True, mandatory=True, desc="tissues")
    confidence = File(exists=True, mandatory=True, desc="probability that each label is right")
    place = File(exists=True, desc="what the networks were shown of a head")


class _FigureOutputSpec(TraitedSpec):
    dseg = File(exists=True, desc="tissues on the scan")
    confidence = File(exists=True, desc="where labels may be wrong")
    place = File(exists=True, desc="where the cerebellum was found; not of a cut-out")


class TissueFigures(SimpleInterface):
    """Pictures for the report."""

    input_spec = _FigureInputSpec
    output_spec = _FigureOutputSpec

    def _run_interface(self, runtime):
        t1w, dseg = Path(self.inputs.t1w), Path(self.inputs.dseg)
        files = {key: Path(runtime.cwd) / f"{key}.svg" for key in ("dseg", "confidence", "place")}
        tissue_mosaic(t1w, dseg, files["dseg"])
        trust_check(t1w, dseg, Path(self.inputs.confidence), files["confidence"])
        if isdefined(self.inputs.place):
            place_check(t1w, Path(self.inputs.place), files["place"])
        self._results |= {key: str(file) for key, file in files.items() if file.exists()}
        return runtime
