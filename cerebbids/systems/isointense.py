"""Isointense infants, of some six to nine months: fluid, grey and white matter of the cerebrum from T1w and T2w."""

from __future__ import annotations

from cerebbids.systems.system import System

ISOINTENSE = System(
    name="isointense",
    scheme="BrainTissue",
    # They look along the axes of the image itself, not at the working space.
    grids=dict.fromkeys(("place", "cerebrum", "context")),
    # One contrast; two; two and the distances to three tissues.
    channels={"place": (1, 4), "cerebrum": (2, 4), "context": (5, 4)},
    tiled=(),
    methods={"brain": ("place", "cerebrum", "context")},
    reference=(
        "Zeng G, Zheng G. Multi-stream 3D FCN with multi-scale deep supervision for multi-modality isointense\n"
        "  infant brain MR image segmentation. IEEE International Symposium on Biomedical Imaging, 136-140, 2018."
    ),
    synthetic=True,
)
