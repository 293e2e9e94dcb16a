"""The networks, in a process of their own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nipype.interfaces.base import CommandLine, CommandLineInputSpec, File, TraitedSpec, traits

from cerebbids.errors import CerebbidsError, SegmentationFailed
from cerebbids.files import write_text

_KILLED = (137, -9)


class _PredictInputSpec(CommandLineInputSpec):
    system = traits.Str(mandatory=True, desc="published system to apply")
    t1w = File(exists=True, mandatory=True, desc="preprocessed T1w image")
    xfm = File(exists=True, mandatory=True, desc="ITK affine from the T1w image to the template")
    weights_sha256 = traits.Str(mandatory=True, desc="of the model bundle: other weights, another result")
    version = traits.Str(mandatory=True, desc="of this program")
    models_dir = traits.Either(None, traits.Str, usedefault=True, nohash=True, desc="in place of the packaged")
    device = traits.Str("auto", usedefault=True, nohash=True, desc="auto, cpu, cuda or cuda:N")
    # Not num_threads: nipype would take that for the number of GPU slots.
    cpu_threads = traits.Int(1, usedefault=True, nohash=True, desc="CPUs to use")
    use_gpu = traits.Bool(False, usedefault=True, nohash=True, desc="take one of nipype's GPU slots")


class _PredictOutputSpec(TraitedSpec):
    dseg = File(exists=True, desc="labels on the grid of the T1w image")
    dseg_mni = File(exists=True, desc="labels on the template's grid")
    mask = File(exists=True, desc="cerebellum on the grid of the T1w image")
    facts = File(exists=True, desc="JSON: model, device, time and memory")


class Predict(CommandLine):
    """Start ``cerebbids-predict`` with a job file.

    When the process dies, so does this node, with the reason as its error; the run goes on.
    """

    input_spec = _PredictInputSpec
    output_spec = _PredictOutputSpec
    # As a module of this interpreter, because the console script need not be on the PATH.
    _cmd = f"{sys.executable} -m cerebbids.cli.predict"

    def _parse_inputs(self, skip=None):
        return ["--spec job.json"]

    def _run_interface(self, runtime, correct_return_codes=(0,)):
        job = {key: getattr(self.inputs, key) for key in ("system", "t1w", "xfm", "device", "cpu_threads")}
        job |= {"models_dir": self.inputs.models_dir, "out_dir": runtime.cwd}
        write_text(Path(runtime.cwd) / "job.json", json.dumps(job, indent=2))
        runtime = super()._run_interface(runtime, correct_return_codes)
        if runtime.returncode not in correct_return_codes:
            runtime.success_codes = (runtime.returncode,)  # else nipype puts the bare code in the error's place
            raise self._failure(runtime)
        return runtime

    def _failure(self, runtime) -> SegmentationFailed:
        if runtime.returncode in _KILLED:
            mend = "give it more memory, or run fewer at once (--nprocs)"
            return SegmentationFailed(self.inputs.t1w, "the network was killed, out of memory it seems", mend)
        lines = (runtime.stderr or runtime.stdout or "").strip().splitlines()
        line = lines[-1] if lines else f"the network ended with code {runtime.returncode}"
        error = CerebbidsError.from_line(line)
        return SegmentationFailed(error.subject, error.reason, error.mend)

    def _list_outputs(self):
        folder = Path.cwd()
        names = {"dseg": "dseg.nii.gz", "dseg_mni": "dseg_mni.nii.gz", "mask": "mask.nii.gz"}
        return {key: str(folder / name) for key, name in {**names, "facts": "predict.json"}.items()}
