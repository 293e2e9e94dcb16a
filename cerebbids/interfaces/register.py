"""Where the brain is, roughly and then exactly."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import nibabel as nib
import numpy as np
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, traits

from cerebbids.imaging.missing import check_missing
from cerebbids.imaging.plausibility import size_warnings
from cerebbids.imaging.registration import Place, locate_brain, register_to_mni
from cerebbids.imaging.xfm import read_itk_affine, write_itk_affine


class _SearchInputSpec(BaseInterfaceInputSpec):
    in_file = File(exists=True, mandatory=True, desc="T1w image")
    num_threads = traits.Int(1, usedefault=True, nohash=True, desc="CPUs to use")


class _LocateInputSpec(_SearchInputSpec):
    source = File(exists=True, mandatory=True, desc="the same image as the dataset has it")


class _LocateOutputSpec(TraitedSpec):
    xfm_to_mni = File(exists=True, desc="ITK affine from the image to the template, good to a few millimetres")
    strategy = traits.Str(desc="how the brain was found")


class LocateBrain(SimpleInterface):
    """Find the brain, and see that the image has values there."""

    input_spec = _LocateInputSpec
    output_spec = _LocateOutputSpec

    def _run_interface(self, runtime):
        place = locate_brain(nib.load(self.inputs.in_file), self.inputs.num_threads)
        check_missing(Path(self.inputs.source), place.t1w_to_mni)
        xfm = Path(runtime.cwd) / "rough.txt"
        write_itk_affine(place.t1w_to_mni, xfm)
        self._results |= {"xfm_to_mni": str(xfm), "strategy": place.strategy}
        return runtime


class _RegisterInputSpec(_SearchInputSpec):
    near = File(exists=True, mandatory=True, desc="ITK affine from the image to the template, a rough one")
    strategy = traits.Str(mandatory=True, desc="how that was found")
    sloppy = traits.Bool(False, usedefault=True, desc="leave out the last stage")


class _RegisterOutputSpec(TraitedSpec):
    xfm_to_mni = File(exists=True, desc="ITK affine that resamples the image onto the template")
    xfm_to_t1w = File(exists=True, desc="ITK affine that resamples the template onto the image")
    xfm_meta = traits.Dict(desc="how the registration went, for the transforms' sidecars")
    warnings = traits.List(traits.Str, desc="what should make a reader look twice")
    skull_stripped = traits.Bool(desc="whether the image shows a bare brain")
    t1w_meta = traits.Dict(desc="whether the image shows a bare brain, for the images' sidecars")


class RegisterToMNI(SimpleInterface):
    """Transforms between a T1w image and the working space."""

    input_spec = _RegisterInputSpec
    output_spec = _RegisterOutputSpec

    def _run_interface(self, runtime):
        near = Place(read_itk_affine(Path(self.inputs.near)), self.inputs.strategy)
        image, sloppy = nib.load(self.inputs.in_file), self.inputs.sloppy
        result = register_to_mni(image, self.inputs.num_threads, near, sloppy=sloppy)
        forward, backward = Path(runtime.cwd) / "to_mni.txt", Path(runtime.cwd) / "to_t1w.txt"
        write_itk_affine(result.t1w_to_mni, forward)
        write_itk_affine(np.linalg.inv(result.t1w_to_mni), backward)
        facts = {**asdict(result), "t1w_to_mni": result.t1w_to_mni.tolist()}
        self._results |= {
            "xfm_to_mni": str(forward),
            "xfm_to_t1w": str(backward),
            "xfm_meta": {"CerebBIDS": facts},
            "warnings": list(size_warnings(result.determinant)),
            "skull_stripped": bool(result.skull_stripped),
            "t1w_meta": {"SkullStripped": bool(result.skull_stripped)},
        }
        return runtime
