"""The T2w image of the session."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import nibabel as nib
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, traits

from cerebbids.errors import CerebbidsError
from cerebbids.imaging.t2w import prepare_t2w
from cerebbids.imaging.xfm import read_itk_affine, write_itk_affine


class _PrepareT2wInputSpec(BaseInterfaceInputSpec):
    in_file = File(exists=True, mandatory=True, desc="T2w image as the dataset has it")
    t1w = File(exists=True, mandatory=True, desc="clean T1w image")
    xfm_to_mni = File(exists=True, mandatory=True, desc="ITK affine from the T1w image to the template")
    required = traits.Bool(False, usedefault=True, desc="fail when the image cannot be used")
    version = traits.Str(mandatory=True, desc="of this program: another one starts the image anew")
    num_threads = traits.Int(1, usedefault=True, nohash=True, desc="CPUs to use")


class _PrepareT2wOutputSpec(TraitedSpec):
    t2w = File(exists=True, desc="clean T2w image on the grid of the file; none when it was refused")
    xfm_t2w_to_t1w = File(exists=True, desc="ITK affine that resamples it onto the T1w image")
    warnings = traits.List(traits.Str, desc="why the T2w image was not used")
    t2w_meta = traits.Dict(desc="what its check has measured, for the sidecars")


class PrepareT2w(SimpleInterface):
    """T2w image, clean and registered, or why it is not used."""

    input_spec = _PrepareT2wInputSpec
    output_spec = _PrepareT2wOutputSpec

    def _run_interface(self, runtime):
        source, folder = Path(self.inputs.in_file), Path(runtime.cwd)
        t1w_to_mni = read_itk_affine(Path(self.inputs.xfm_to_mni))
        prepared = prepare_t2w(source, nib.load(self.inputs.t1w), t1w_to_mni, self.inputs.num_threads)
        check = prepared.check
        if check.refused and self.inputs.required:
            raise CerebbidsError(str(source), f"cannot be used: {check.refused}", "mend it, or choose --t2w auto")
        refusal = f"The T2w image {source.name} was not used, because {check.refused}."
        self._results |= {
            "warnings": [refusal] if check.refused else [],
            "t2w_meta": {key: value for key, value in asdict(check).items() if value not in (None, "")},
        }
        if not check.refused:
            nib.save(prepared.image, folder / "t2w.nii")
            write_itk_affine(prepared.t2w_to_t1w, folder / "t2w_to_t1w.txt")
            self._results |= {"t2w": str(folder / "t2w.nii"), "xfm_t2w_to_t1w": str(folder / "t2w_to_t1w.txt")}
        return runtime
