"""Pictures for the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec, isdefined, traits

from cerebbids.reports.figures import (
    atlas_mosaic,
    carved_mosaic,
    cavity_check,
    contrast_check,
    doubt_check,
    flat_figure,
    registration_check,
    segmentation_mosaic,
    snapshots,
    superres_check,
    surface_figure,
    tissues_figure,
    volumes_figure,
)


class _FigureOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc="SVG or PNG picture")


class _Figure(SimpleInterface):
    """Write the picture that `_draw` makes; none where the input that `_optional` names is not given."""

    output_spec = _FigureOutputSpec
    _name = "figure.svg"
    _optional = ""

    def _run_interface(self, runtime):
        if self._optional and not isdefined(getattr(self.inputs, self._optional)):
            return runtime
        out_file = Path(runtime.cwd) / self._name
        self._draw(out_file)
        self._results["out_file"] = str(out_file)
        return runtime

    def _draw(self, out_file: Path) -> None:
        raise NotImplementedError


class _SegmentationInputSpec(BaseInterfaceInputSpec):
    t1w = File(exists=True, mandatory=True, desc="T1w image")
    dseg = File(exists=True, mandatory=True, desc="labels on the same grid")


class SegmentationFigure(_Figure):
    """Labels drawn on the T1w image."""

    input_spec = _SegmentationInputSpec

    def _draw(self, out_file: Path) -> None:
        segmentation_mosaic(Path(self.inputs.t1w), Path(self.inputs.dseg), out_file)


class CarvedFigure(_Figure):
    """Labels of 0.5 mm drawn on the super-resolved T1w image."""

    input_spec = _SegmentationInputSpec

    def _draw(self, out_file: Path) -> None:
        carved_mosaic(Path(self.inputs.t1w), Path(self.inputs.dseg), out_file)


class _SnapshotInputSpec(_SegmentationInputSpec):
    scheme = traits.Str(mandatory=True, desc="label scheme")


class Snapshot(_Figure):
    """Labels on the scan in three cuts, for the printed sheet."""

    input_spec = _SnapshotInputSpec
    _name = "figure.png"

    def _draw(self, out_file: Path) -> None:
        snapshots(Path(self.inputs.t1w), Path(self.inputs.dseg), self.inputs.scheme, out_file)


class _SurfaceInputSpec(BaseInterfaceInputSpec):
    dseg = File(exists=True, mandatory=True, desc="labels at 0.5 mm in template space")
    superres_mni = File(exists=True, mandatory=True, desc="super-resolved T1w image on the same grid")


class SurfaceFigure(_Figure):
    """Labels of 0.5 mm as a body, from six sides."""

    input_spec = _SurfaceInputSpec
    _name = "figure.png"

    def _draw(self, out_file: Path) -> None:
        surface_figure(nib.load(self.inputs.dseg), nib.load(self.inputs.superres_mni), out_file)


class _DoubtInputSpec(BaseInterfaceInputSpec):
    superres_mni = File(exists=True, mandatory=True, desc="super-resolved T1w image in template space")
    confidence = File(exists=True, mandatory=True, desc="probability of each voxel's label")
    xfm_to_mni = File(exists=True, mandatory=True, desc="ITK affine from that image to the template")


class DoubtFigure(_Figure):
    """Where the labels are not certain."""

    input_spec = _DoubtInputSpec

    def _draw(self, out_file: Path) -> None:
        names = ("superres_mni", "confidence", "xfm_to_mni")
        doubt_check(*(Path(getattr(self.inputs, name)) for name in names), out_file)


class _AtlasInputSpec(BaseInterfaceInputSpec):
    superres_mni = File(exists=True, mandatory=True, desc="super-resolved T1w image in template space")
    atlas_mni = File(exists=True, desc="labels that the library voted for, in template space; none of the method fast")


class AtlasFigure(_Figure):
    """What the library voted for; no figure where none was asked."""

    input_spec = _AtlasInputSpec
    _optional = "atlas_mni"

    def _draw(self, out_file: Path) -> None:
        atlas_mosaic(Path(self.inputs.superres_mni), Path(self.inputs.atlas_mni), out_file)


class _RegistrationInputSpec(BaseInterfaceInputSpec):
    t1w_mni = File(exists=True, mandatory=True, desc="T1w image on the template's grid")


class RegistrationFigure(_Figure):
    """Template drawn on the T1w image."""

    input_spec = _RegistrationInputSpec

    def _draw(self, out_file: Path) -> None:
        registration_check(Path(self.inputs.t1w_mni), out_file)


class _CavityInputSpec(BaseInterfaceInputSpec):
    t1w = File(exists=True, mandatory=True, desc="T1w image")
    icv = File(exists=True, desc="mask of the intracranial cavity on the same grid; none of a stripped image")


class CavityFigure(_Figure):
    """Outline of the intracranial cavity on the T1w image; no figure where there is no mask."""

    input_spec = _CavityInputSpec
    _optional = "icv"

    def _draw(self, out_file: Path) -> None:
        cavity_check(Path(self.inputs.t1w), Path(self.inputs.icv), out_file)


class _FactsInputSpec(BaseInterfaceInputSpec):
    facts = File(exists=True, mandatory=True, desc="JSON of the prediction")


class _FactsFigure(_Figure):
    """A picture for which what the prediction said is needed."""

    input_spec = _FactsInputSpec

    @property
    def _facts(self) -> dict[str, Any]:
        return json.loads(Path(self.inputs.facts).read_text(encoding="utf-8"))


class TissuesFigure(_FactsFigure):
    """Histogram of the normalised T1w image."""

    def _draw(self, out_file: Path) -> None:
        tissues_figure(self._facts, out_file)


class _SuperresInputSpec(_FactsInputSpec):
    t1w = File(exists=True, mandatory=True, desc="T1w image")
    xfm_to_mni = File(exists=True, mandatory=True, desc="ITK affine from the T1w image to the template")
    superres_mni = File(exists=True, mandatory=True, desc="super-resolved T1w image in template space")


class SuperresFigure(_FactsFigure):
    """Super-resolved cerebellum, and what it was made from."""

    input_spec = _SuperresInputSpec

    def _draw(self, out_file: Path) -> None:
        t1w, xfm, fine = (Path(getattr(self.inputs, name)) for name in ("t1w", "xfm_to_mni", "superres_mni"))
        superres_check(t1w, xfm, fine, self._facts, out_file)


class _ContrastInputSpec(_FactsInputSpec):
    t2w_mni = File(exists=True, mandatory=True, desc="T2w contrast in template space")
    superres_mni = File(exists=True, mandatory=True, desc="super-resolved T1w image in template space")


class ContrastFigure(_FactsFigure):
    """T2w contrast, real or synthetic."""

    input_spec = _ContrastInputSpec

    def _draw(self, out_file: Path) -> None:
        contrast_check(Path(self.inputs.t2w_mni), Path(self.inputs.superres_mni), self._facts, out_file)


class _VolumesInputSpec(BaseInterfaceInputSpec):
    morph = File(exists=True, mandatory=True, desc="table of volumes")


class VolumesFigure(_Figure):
    """Volumes of the regions."""

    input_spec = _VolumesInputSpec

    def _draw(self, out_file: Path) -> None:
        volumes_figure(Path(self.inputs.morph), out_file)


class FlatFigure(_Figure):
    """Volumes of the lobules on the flat map."""

    input_spec = _VolumesInputSpec

    def _draw(self, out_file: Path) -> None:
        flat_figure(Path(self.inputs.morph), out_file)
