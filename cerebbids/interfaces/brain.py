"""T1w and T2w images of an infant's brain: the networks in a process of their own, and pictures."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.base import File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.interfaces.classes import LabelsInputSpec
from cerebbids.interfaces.predict import NetworkInputSpec, NetworkProcess
from cerebbids.reports.figures import class_doubt, class_mosaic, pair_check, shown_check
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


class _FigureInputSpec(LabelsInputSpec):
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
        class_mosaic(t1w, dseg, scheme, files["dseg"])
        class_doubt(t1w, dseg, scheme, confidence, files["confidence"])
        shown_check(t1w, shown, scheme, files["shown"])
        pair_check(t1w, t2w, shown, files["pair"])
        self._results |= {key: str(file) for key, file in files.items()}
        return runtime
