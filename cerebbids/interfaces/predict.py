"""The networks, in a process of their own."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.errors import CerebbidsError, read_error
from cerebbids.files import write_text
from cerebbids.interfaces.process import Ended, run_child

HOURS = 3.0
"""Time for the networks of one image. They take minutes on two slow CPUs; a GPU that hangs never comes back."""

_OUTPUTS = {
    "dseg": "dseg.nii.gz",
    "dseg_mni": "dseg_mni.nii.gz",
    "mask": "mask.nii.gz",
    "confidence": "confidence.nii.gz",
    "carved": "carved.nii.gz",
    "carved_fine": "carved_fine.nii.gz",
    "carved_mni": "carved_mni.nii.gz",
    "superres": "superres.nii.gz",
    "superres_mni": "superres_mni.nii.gz",
    "t2w_fine": "t2w_mni.nii.gz",
    "facts": "predict.json",
}


class NetworkInputSpec(BaseInterfaceInputSpec):
    """What the networks of every system need."""

    t1w = File(exists=True, mandatory=True, desc="T1w image in one plain form")
    model_sha256 = traits.Str(mandatory=True, desc="of the bundle: other weights or grid, another result")
    version = traits.Str(mandatory=True, desc="of this program")
    models_dir = traits.Str("", usedefault=True, nohash=True, desc="in place of the packaged bundles")
    device = traits.Str("cpu", usedefault=True, nohash=True, desc="cpu or cuda:N")
    # Not num_threads: nipype would take that for the number of GPU slots.
    cpu_threads = traits.Int(1, usedefault=True, nohash=True, desc="CPUs to use")
    use_gpu = traits.Bool(False, usedefault=True, nohash=True, desc="take one of nipype's GPU slots")


class NetworkProcess(SimpleInterface):
    """Start ``cerebbids-predict`` with a job file.

    When the process dies or hangs, this node fails, with the reason as its error; the run goes on.
    """

    # As a module of this interpreter, because the console script need not be on the PATH.
    _command = (sys.executable, "-P", "-m", "cerebbids.cli.predict")
    _hours = HOURS

    def _label(self, folder: Path, **job: Any) -> dict[str, Any]:
        """Have the files of a job made in a folder; return the facts."""
        job |= {key: getattr(self.inputs, key) for key in ("t1w", "device", "cpu_threads")}
        job |= {"models_dir": self.inputs.models_dir or None, "out_dir": str(folder)}
        write_text(folder / "job.json", json.dumps(job, indent=2))
        ended = run_child([*self._command, "--spec", str(folder / "job.json")], folder, self._hours * 3600)
        if ended.code != 0:
            raise _failure(ended, self.inputs.t1w, self._hours)
        return json.loads((folder / "predict.json").read_text(encoding="utf-8"))


class _PredictInputSpec(NetworkInputSpec):
    system = traits.Str(mandatory=True, desc="published system to apply")
    xfm = File(exists=True, mandatory=True, desc="ITK affine from the T1w image to the template")
    skull_stripped = traits.Bool(mandatory=True, desc="whether the T1w image shows a bare brain")
    t2w = File(exists=True, desc="preprocessed T2w image to use")
    xfm_t2w = File(exists=True, requires=["t2w"], desc="ITK affine from the T2w image to the T1w image")
    t2w_required = traits.Bool(False, usedefault=True, desc="fail when the T2w image cannot be used")
    t2w_meta = traits.Dict(desc="what the check of the T2w image has measured")
    method = traits.Enum("nets", "fast", "atlas", usedefault=True, desc="what names the lobules")
    flip = traits.Bool(False, usedefault=True, desc="show the networks the mirror image, too")
    save_probabilities = traits.Bool(False, usedefault=True, desc="write the probabilities of all labels")
    library = traits.Str("", usedefault=True, nohash=True, desc="in place of the bundle's; model_sha256 covers it")


class _PredictOutputSpec(TraitedSpec):
    dseg = File(exists=True, desc="labels on the grid of the T1w image")
    dseg_mni = File(exists=True, desc="labels on the template's grid")
    mask = File(exists=True, desc="cerebellum on the grid of the T1w image")
    confidence = File(exists=True, desc="probability of each voxel's label on the grid of the T1w image")
    vermis = File(exists=True, desc="labels with the vermis told apart; of the method nets alone")
    probseg = File(exists=True, desc="probabilities of all labels, on request")
    atlas_mni = File(exists=True, desc="what the library voted for, on the fine box of the template; not of fast")
    carved = File(exists=True, desc="labels without fluid and peduncles, on the grid of the T1w image")
    carved_fine = File(exists=True, desc="the same at 0.5 mm, on the grid of superres")
    carved_mni = File(exists=True, desc="the same on the fine box of the template")
    icv = File(exists=True, desc="intracranial cavity on the grid of the T1w image; not of a stripped one")
    superres = File(exists=True, desc="super-resolved T1w image, in its own world")
    superres_mni = File(exists=True, desc="super-resolved T1w image on the fine box of the template")
    t2w_fine = File(exists=True, desc="T2w contrast, real or synthetic, on the fine box of the template")
    t2w = File(exists=True, desc="real T2w image on the grid of the T1w image")
    t2w_mni = File(exists=True, desc="real T2w image on the fine box of the template")
    t2w_synth = File(exists=True, desc="synthetic T2w image on the grid of the T1w image")
    t2w_synth_mni = File(exists=True, desc="synthetic T2w image on the fine box of the template")
    meta = traits.Dict(desc="what was measured, for the sidecars of the images at 0.5 mm")
    facts = File(exists=True, desc="JSON: model, device, time and memory")


class Predict(NetworkProcess):
    """Label lobules."""

    input_spec = _PredictInputSpec
    output_spec = _PredictOutputSpec

    def _run_interface(self, runtime):
        folder = Path(runtime.cwd)
        given = ("system", "xfm", "skull_stripped", "t2w_required", "method", "flip", "save_probabilities")
        job = {key: getattr(self.inputs, key) for key in given}
        facts = self._label(folder, **job, **{key: self._given(key) for key in ("t2w", "xfm_t2w", "library")})
        self._results |= {key: str(folder / name) for key, name in _OUTPUTS.items()}
        self._results |= self._optional(folder, facts)
        return runtime

    def _given(self, key: str) -> str | None:
        value = getattr(self.inputs, key)
        return value if isdefined(value) and value else None

    def _optional(self, folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
        """What depends on the image, as the facts decide."""
        kind = "t2w" if facts["t2w"] == "real" else "t2w_synth"
        found: dict[str, Any] = {kind: str(folder / "t2w.nii.gz"), f"{kind}_mni": str(folder / "t2w_mni.nii.gz")}
        if facts["icv_mm3"] is not None:
            found["icv"] = str(folder / "icv.nii.gz")
        for key in ("vermis", "probseg", "atlas_mni"):
            if (folder / f"{key}.nii.gz").exists():
                found[key] = str(folder / f"{key}.nii.gz")
        kept = ("model", "weights_sha256", "weights_licence", "superresolved", "t2w")
        told = {key: facts[key] for key in kept}
        told["tissues"] = {key: value for key, value in facts["tissues"].items() if key != "counts"}
        if self.inputs.t2w_meta:
            told["t2w_check"] = self.inputs.t2w_meta
        found["meta"] = {"SkullStripped": self.inputs.skull_stripped, "CerebBIDS": told}
        return found


def _failure(ended: Ended, t1w: str, hours: float) -> CerebbidsError:
    """Why the networks' process did not come to its end, as an error that names the image."""
    machine = "look at the GPU and the machine, or choose --device cpu"
    if ended.code is None:
        return CerebbidsError(t1w, f"the network hung for {hours:g} hours", machine)
    if ended.code == -signal.SIGKILL:
        mend = "give it more memory, or run fewer at once (--nprocs)"
        return CerebbidsError(t1w, "the network was killed, out of memory it seems", mend)
    if ended.code < 0:  # whatever it said before was about something else
        reason = f"the network was ended by signal {-ended.code} ({signal.strsignal(-ended.code)})"
        return CerebbidsError(t1w, reason, machine)
    lines = ended.stderr.strip().splitlines() or [f"the network ended with code {ended.code}"]
    return read_error(ended.stderr) or CerebbidsError(t1w, lines[-1], "see the crash file in sub-*/log")
