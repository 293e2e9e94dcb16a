"""Draw README's picture from the demonstration's first head: ``python docs/picture.py demo-out``."""

from __future__ import annotations

import sys
from pathlib import Path

from cerebbids.bids.names import COMPARTMENTS
from cerebbids.reports.drawing import Picture, Row, write_picture
from cerebbids.reports.mosaic import load_scene
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL

anat = Path(sys.argv[1]) / "derivatives" / "sub-01" / "anat"
scene = load_scene(anat / "sub-01_desc-preproc_T1w.nii.gz", anat / "sub-01_seg-Lobules_dseg.nii.gz", COMPARTMENTS)
cuts = ((CORONAL, -62), (AXIAL, -36), (SAGITTAL, -20), (SAGITTAL, 1))
panels = tuple(panel for plane, position in cuts for panel in scene.panels(plane, (position,)))
picture = Picture("Lobules of the cerebellum on a T1w image", (Row(panels),), scene.legend(), 0.4)
write_picture(picture, Path(__file__).with_name("lobules.svg"))
