"""The pictures of one image's report."""

from cerebbids.reports.cavity import cavity_check
from cerebbids.reports.contrast import contrast_check
from cerebbids.reports.doubt import doubt_check
from cerebbids.reports.flatmap import flat_figure
from cerebbids.reports.infant import class_doubt, class_mosaic, shown_check
from cerebbids.reports.mosaic import atlas_mosaic, carved_mosaic, segmentation_mosaic
from cerebbids.reports.pair import pair_check
from cerebbids.reports.registration import registration_check
from cerebbids.reports.snapshots import snapshots
from cerebbids.reports.superres import superres_check
from cerebbids.reports.surface import surface_figure
from cerebbids.reports.tissues import tissues_figure
from cerebbids.reports.volumes import volumes_figure

__all__ = [
    "atlas_mosaic",
    "carved_mosaic",
    "cavity_check",
    "class_doubt",
    "class_mosaic",
    "contrast_check",
    "doubt_check",
    "flat_figure",
    "pair_check",
    "registration_check",
    "segmentation_mosaic",
    "shown_check",
    "snapshots",
    "superres_check",
    "surface_figure",
    "tissues_figure",
    "volumes_figure",
]
