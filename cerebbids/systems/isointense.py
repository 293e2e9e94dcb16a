"""Isointense infants, of some six to nine months: fluid, grey and white matter of the cerebrum from T1w and T2w."""

from __future__ import annotations

from cerebbids.systems.system import System

PLACE = "place"
"""Network that finds brain and cerebellum; the same as that of the system for infants."""
SIDE = 64
"""Of a patch, voxels of 1 mm; the text has as many."""
BRAIN_CM3, CEREBELLUM_CM3 = (400.0, 1250.0), (15.0, 200.0)
"""Volumes of a brain, and of its cerebellum, of 4 to 12 months, with room."""

ISOINTENSE = System(
    name="isointense",
    scheme="BrainTissue",
    # They look along the axes of the image itself, not at the working space.
    grids=dict.fromkeys((PLACE, "cerebrum", "context")),
    # One contrast; two; two and the distances to three tissues.
    channels={PLACE: (1, 4), "cerebrum": (2, 4), "context": (5, 4)},
    tiled=(),
    methods={"brain": (PLACE, "cerebrum", "context")},
    reference=(
        "Zeng G, Zheng G. Multi-stream 3D FCN with multi-scale deep supervision for multi-modality isointense\n"
        "  infant brain MR image segmentation. IEEE International Symposium on Biomedical Imaging, 136-140, 2018."
    ),
    synthetic=True,
)
