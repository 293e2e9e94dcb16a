"""The pictures of one image's report."""

from cerebbids.reports.brain import brain_doubt, brain_mosaic, pair_check, shown_check
from cerebbids.reports.cavity import cavity_check
from cerebbids.reports.contrast import contrast_check
from cerebbids.reports.doubt import doubt_check
from cerebbids.reports.flatmap import flat_figure
from cerebbids.reports.infant import place_check, tissue_mosaic, trust_check
from cerebbids.reports.mosaic import atlas_mosaic, carved_mosaic, segmentation_mosaic
from cerebbids.reports.registration import registration_check
from cerebbids.reports.snapshots import snapshots
from cerebbids.reports.superres import superres_check
from cerebbids.reports.surface import surface_figure
from cerebbids.reports.tissues import tissues_figure
from cerebbids.reports.volumes import volumes_figure

__all__ = [
    "atlas_mosaic",
    "brain_doubt",
    "brain_mosaic",
    "carved_mosaic",
    "cavity_check",
    "contrast_check",
    "doubt_check",
    "flat_figure",
    "pair_check",
    "place_check",
    "registration_check",
    "segmentation_mosaic",
    "shown_check",
    "snapshots",
    "superres_check",
    "surface_figure",
    "tissue_mosaic",
    "tissues_figure",
    "trust_check",
    "volumes_figure",
]
