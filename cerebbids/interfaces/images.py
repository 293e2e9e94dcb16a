"""Steps that take an image and give an image."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, traits

from cerebbids.imaging.bias import correct_bias
from cerebbids.imaging.brainmask import brain_mask
from cerebbids.imaging.conform import conform
from cerebbids.imaging.denoise import denoise
from cerebbids.imaging.reading import FIELD_OF_VIEW_MM
from cerebbids.imaging.resample import resample
from cerebbids.imaging.template import template_t1w
from cerebbids.imaging.xfm import read_itk_affine


class _ImageInputSpec(BaseInterfaceInputSpec):
    in_file = File(exists=True, mandatory=True, desc="NIfTI image")


class _BrainInputSpec(_ImageInputSpec):
    xfm_to_mni = File(exists=True, mandatory=True, desc="ITK affine from the image to the template, a rough one")
    num_threads = traits.Int(1, usedefault=True, nohash=True, desc="CPUs to use")


class _ImageOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc="NIfTI image, named after the step")


class _ImageStep(SimpleInterface):
    """Write the image that `_process` returns; uncompressed, as it is only read by the next step."""

    output_spec = _ImageOutputSpec

    def _run_interface(self, runtime):
        out_file = Path(runtime.cwd) / f"{type(self).__name__.lower()}.nii"
        nib.save(self._process(), out_file)
        self._results["out_file"] = str(out_file)
        return runtime

    def _process(self) -> nib.Nifti1Image:
        raise NotImplementedError


class _ConformInputSpec(_ImageInputSpec):
    version = traits.Str(mandatory=True, desc="of this program: another one starts the image anew")
    least_mm = traits.Float(FIELD_OF_VIEW_MM[0], usedefault=True, desc="field of view that the image has at least")


class _ConformOutputSpec(_ImageOutputSpec):
    warnings = traits.List(traits.Str, desc="what in the file had to be settled")


class Conform(_ImageStep):
    """Three-dimensional float32 image on the grid of the file."""

    input_spec = _ConformInputSpec
    output_spec = _ConformOutputSpec

    def _process(self) -> nib.Nifti1Image:
        conformed = conform(Path(self.inputs.in_file), self.inputs.least_mm)
        self._results["warnings"] = list(conformed.warnings)
        return conformed.image


class Denoise(_ImageStep):
    """Image with its noise removed."""

    input_spec = _BrainInputSpec

    def _process(self) -> nib.Nifti1Image:
        t1w_to_mni = read_itk_affine(Path(self.inputs.xfm_to_mni))
        return denoise(nib.load(self.inputs.in_file), t1w_to_mni, self.inputs.num_threads)


class CorrectBias(_ImageStep):
    """Image with its bias field removed."""

    input_spec = _BrainInputSpec

    def _process(self) -> nib.Nifti1Image:
        image = nib.load(self.inputs.in_file)
        brain = brain_mask(image, read_itk_affine(Path(self.inputs.xfm_to_mni)), 0.0)
        return correct_bias(image, brain, self.inputs.num_threads)


class _ResampleInputSpec(_ImageInputSpec):
    xfm_to_t1w = File(exists=True, mandatory=True, desc="ITK affine from the template to the image")


class ResampleToTemplate(_ImageStep):
    """Image on the template's grid."""

    input_spec = _ResampleInputSpec

    def _process(self) -> nib.Nifti1Image:
        template = template_t1w()
        mni_to_t1w = read_itk_affine(Path(self.inputs.xfm_to_t1w))
        return resample(nib.load(self.inputs.in_file), template.shape, template.affine, mni_to_t1w)
