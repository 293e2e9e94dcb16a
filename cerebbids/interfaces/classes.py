"""What is measured in an infant's labels, and what should make a reader look twice."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.bids.names import WHOLE, WITHOUT_LABEL
from cerebbids.data.labels import load_scheme
from cerebbids.files import as_json, write_text
from cerebbids.imaging.brainqc import judge_brain
from cerebbids.imaging.infantqc import judge_tissues
from cerebbids.imaging.volumetry import class_volumes, write_volumes
from cerebbids.systems.infant import INFANT, VALIDATED
from cerebbids.systems.published import SYSTEMS


class LabelsInputSpec(BaseInterfaceInputSpec):
    """Labels of an infant."""

    dseg = File(exists=True, mandatory=True, desc="labels")
    system = traits.Str(mandatory=True, desc="system that they are of")


class _CountedInputSpec(LabelsInputSpec):
    mask = File(exists=True, desc="what of them is counted, on the same grid; without, all")


class _TableOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc="table of volumes")


class MeasureClasses(SimpleInterface):
    """Table of the classes' volumes."""

    input_spec = _CountedInputSpec
    output_spec = _TableOutputSpec

    def _run_interface(self, runtime):
        out_file = Path(runtime.cwd) / "morph.tsv"
        name = SYSTEMS[self.inputs.system].scheme
        dseg, scheme = nib.load(self.inputs.dseg), load_scheme(name)
        mask = _counted(self.inputs)
        write_volumes(class_volumes(dseg, scheme, WHOLE[name], mask, WITHOUT_LABEL.get(name, ())), out_file)
        self._results["out_file"] = str(out_file)
        return runtime


class _CheckInputSpec(_CountedInputSpec):
    facts = File(exists=True, mandatory=True, desc="JSON of the prediction")
    known = traits.List(traits.Str, usedefault=True, desc="warnings of the steps before")
    version = traits.Str(mandatory=True, desc="of this program")


class _CheckOutputSpec(TraitedSpec):
    meta = traits.Dict(desc="provenance and warnings, for the sidecars")
    t1w_meta = traits.Dict(desc="whether the T1w image shows no skull, for its sidecar")
    t2w_meta = traits.Dict(desc="the same of the T2w image, where there is one")
    qc = File(exists=True, desc="JSON: quality in numbers, and a traffic light")


class CheckClasses(SimpleInterface):
    """Say what made the labels, and what in them should make a reader look twice."""

    input_spec = _CheckInputSpec
    output_spec = _CheckOutputSpec

    def _run_interface(self, runtime):
        system, dseg = self.inputs.system, nib.load(self.inputs.dseg)
        facts = json.loads(Path(self.inputs.facts).read_text(encoding="utf-8"))
        steps = [*self.inputs.known, *facts.pop("warnings")]
        if system == INFANT.name:
            steps += _about_network(facts["model_months"])
            verdict = judge_tissues(dseg, _counted(self.inputs), facts, steps)
        else:
            verdict = judge_brain(dseg, load_scheme(SYSTEMS[system].scheme), facts, steps)
        out_file = Path(runtime.cwd) / "qc.json"
        write_text(out_file, as_json(verdict.quality))
        told = {"version": self.inputs.version, "system": system, **facts, **verdict.told()}
        self._results |= {"meta": {"CerebBIDS": told}, "qc": str(out_file)}
        for key, fact in (("t1w_meta", "skull_stripped"), ("t2w_meta", "t2w_skull_stripped")):
            if fact in facts:
                self._results[key] = {"SkullStripped": facts[fact]}
        return runtime


def _counted(inputs: _CountedInputSpec) -> nib.Nifti1Image | None:
    """What of the labels is counted; tissues of infants go on into the brainstem, so that it is never missing there."""
    if isdefined(inputs.mask):
        return nib.load(inputs.mask)
    if inputs.system == INFANT.name:
        raise ValueError(f"{inputs.dseg} has no mask of the cerebellum")
    return None


def _about_network(months: int) -> tuple[str, ...]:
    if months == VALIDATED:
        return ()
    return (
        f"The network for {months} months has learnt from simulated images, and was never held against labels of real "
        "infants of that age.",
    )
