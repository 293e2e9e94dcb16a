"""Affine registration to the working space."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import nibabel as nib
import numpy as np
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, traits

from cerebbids.imaging.registration import register_to_mni
from cerebbids.imaging.xfm import write_itk_affine


class _RegisterInputSpec(BaseInterfaceInputSpec):
    in_file = File(exists=True, mandatory=True, desc="T1w image")
    num_threads = traits.Int(1, usedefault=True, nohash=True, desc="CPUs to use")


class _RegisterOutputSpec(TraitedSpec):
    xfm_to_mni = File(exists=True, desc="ITK affine that resamples the image onto the template")
    xfm_to_t1w = File(exists=True, desc="ITK affine that resamples the template onto the image")
    xfm_meta = traits.Dict(desc="how the registration went, for the transforms' sidecars")
    t1w_meta = traits.Dict(desc="whether the image shows a bare brain, for the images' sidecars")


class RegisterToMNI(SimpleInterface):
    """Transforms between a T1w image and the working space."""

    input_spec = _RegisterInputSpec
    output_spec = _RegisterOutputSpec

    def _run_interface(self, runtime):
        result = register_to_mni(nib.load(self.inputs.in_file), self.inputs.num_threads)
        forward, backward = Path(runtime.cwd) / "to_mni.txt", Path(runtime.cwd) / "to_t1w.txt"
        write_itk_affine(result.t1w_to_mni, forward)
        write_itk_affine(np.linalg.inv(result.t1w_to_mni), backward)
        facts = {**asdict(result), "t1w_to_mni": result.t1w_to_mni.tolist()}
        self._results |= {
            "xfm_to_mni": str(forward),
            "xfm_to_t1w": str(backward),
            "xfm_meta": {"CerebBIDS": facts},
            "t1w_meta": {"SkullStripped": bool(result.skull_stripped)},
        }
        return runtime
