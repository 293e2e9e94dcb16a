"""The pictures of one image's report."""

from cerebbids.reports.cavity import cavity_check
from cerebbids.reports.contrast import contrast_check
from cerebbids.reports.flatmap import flat_figure
from cerebbids.reports.mosaic import carved_mosaic, segmentation_mosaic
from cerebbids.reports.registration import registration_check
from cerebbids.reports.superres import superres_check
from cerebbids.reports.tissues import tissues_figure
from cerebbids.reports.volumes import volumes_figure

__all__ = [
    "carved_mosaic",
    "cavity_check",
    "contrast_check",
    "flat_figure",
    "registration_check",
    "segmentation_mosaic",
    "superres_check",
    "tissues_figure",
    "volumes_figure",
]
