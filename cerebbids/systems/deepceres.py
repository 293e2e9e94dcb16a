"""DeepCERES: lobules of the cerebellum, from childhood to old age."""

from __future__ import annotations

from cerebbids.systems.grid import CEREBELLUM_05MM, CEREBELLUM_1MM, HEAD_2MM
from cerebbids.systems.system import System

VOTERS = 20
"""Members of a library that vote on a subject's atlas."""

SIDE_NETS = ("sides_dpn", "sides_unet")
LOBULE_NETS = ("lobules_dpn", "lobules_unet")
"""Networks of both stages of the cascade at 0.5 mm."""

_IMAGE_SIDE = ("icv", "superres", "contrast")

DEEPCERES = System(
    name="deepceres",
    scheme="Lobules",
    grids={
        "icv": HEAD_2MM,
        "superres": CEREBELLUM_05MM.halved(),
        "contrast": CEREBELLUM_05MM,
        "lobules": CEREBELLUM_1MM,
        "deform": CEREBELLUM_1MM,
        **{net: CEREBELLUM_05MM for net in (*SIDE_NETS, *LOBULE_NETS)},
    },
    # The image and its place; T1w, T2w, two sides and the midplane; T1w, T2w and thirteen labels.
    channels={
        "icv": (4, 2),
        "lobules": (4, 27),
        **dict.fromkeys(SIDE_NETS, (5, 5)),
        **dict.fromkeys(LOBULE_NETS, (15, 14)),
    },
    tiled=(*SIDE_NETS, *LOBULE_NETS),
    methods={
        "nets": (*_IMAGE_SIDE, "deform", "lobules", *SIDE_NETS, *LOBULE_NETS),
        "fast": (*_IMAGE_SIDE, "lobules"),
        "atlas": (*_IMAGE_SIDE, "deform"),
    },
    reference=(
        "Morell-Ortega S et al. DeepCERES: a deep learning method for cerebellar lobule segmentation using\n"
        "  ultra-high resolution multimodal MRI. NeuroImage 308:121063, 2025. arXiv:2401.12074"
    ),
)
