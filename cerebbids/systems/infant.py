"""Infants: fluid, grey and white matter of the cerebellum in the first two years."""

from __future__ import annotations

from cerebbids.systems.system import System

MODELS = {6: "tissue06", 12: "tissue12", 18: "tissue18", 24: "tissue24"}
"""Networks that name tissues, by the age that they are for, months."""
VALIDATED = 24
"""The only one of these ages at which labels of real infants were there to hold a network against."""

INFANT = System(
    name="infant",
    scheme="CerebellumTissue",
    # They look along the axes of the image itself, not at the working space.
    grids=dict.fromkeys(("place", *MODELS.values(), "confidence")),
    # One contrast; the labels and the probabilities of three tissues.
    channels={"place": (1, 4), **dict.fromkeys(MODELS.values(), (1, 4)), "confidence": (4, 3)},
    tiled=(),
    methods={"tissues": ("place", *MODELS.values(), "confidence")},
    reference=(
        "Sun Y et al. Semi-supervised transfer learning for infant cerebellum tissue segmentation.\n"
        "  Machine Learning in Medical Imaging, LNCS 12436:663-673, 2020. doi:10.1007/978-3-030-59861-7_67"
    ),
)


def nearest_model(months: float) -> int:
    """Age of the network that is for the age nearest to this one; the older one of two that are equally near.

    Examples
    --------
    >>> nearest_model(5), nearest_model(10), nearest_model(21), nearest_model(30)
    (6, 12, 24, 24)
    """
    return min(MODELS, key=lambda age: (abs(age - months), -age))
