"""Pictures for the report."""

from __future__ import annotations

from pathlib import Path

from nipype.interfaces.base import BaseInterfaceInputSpec, File, SimpleInterface, TraitedSpec

from cerebbids.reports.figures import registration_check, segmentation_mosaic, volumes_figure


class _FigureOutputSpec(TraitedSpec):
    out_file = File(exists=True, desc="SVG picture")


class _Figure(SimpleInterface):
    """Write the picture that `_draw` makes."""

    output_spec = _FigureOutputSpec

    def _run_interface(self, runtime):
        out_file = Path(runtime.cwd) / "figure.svg"
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


class _RegistrationInputSpec(BaseInterfaceInputSpec):
    t1w_mni = File(exists=True, mandatory=True, desc="T1w image on the template's grid")


class RegistrationFigure(_Figure):
    """Template drawn on the T1w image."""

    input_spec = _RegistrationInputSpec

    def _draw(self, out_file: Path) -> None:
        registration_check(Path(self.inputs.t1w_mni), out_file)


class _VolumesInputSpec(BaseInterfaceInputSpec):
    morph = File(exists=True, mandatory=True, desc="table of volumes")


class VolumesFigure(_Figure):
    """Volumes of the regions."""

    input_spec = _VolumesInputSpec

    def _draw(self, out_file: Path) -> None:
        volumes_figure(Path(self.inputs.morph), out_file)
