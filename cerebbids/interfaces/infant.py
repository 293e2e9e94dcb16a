"""An infant's image: the networks in a process of their own, and pictures."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.bids.names import TISSUES
from cerebbids.interfaces.predict import NetworkInputSpec, NetworkProcess
from cerebbids.reports.figures import class_doubt, class_mosaic, shown_check

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
        class_mosaic(t1w, dseg, TISSUES, files["dseg"])
        class_doubt(t1w, dseg, TISSUES, Path(self.inputs.confidence), files["confidence"])
        if isdefined(self.inputs.place):
            shown_check(t1w, Path(self.inputs.place), TISSUES, files["place"])
        self._results |= {key: str(file) for key, file in files.items() if file.exists()}
        return runtime
