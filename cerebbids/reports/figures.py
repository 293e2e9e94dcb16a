"""The pictures of one image's report."""

from cerebbids.reports.mosaic import segmentation_mosaic
from cerebbids.reports.registration import registration_check
from cerebbids.reports.volumes import volumes_figure

__all__ = ["registration_check", "segmentation_mosaic", "volumes_figure"]
