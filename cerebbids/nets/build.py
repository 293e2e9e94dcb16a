"""Networks by name: from the plain data of a recipe or a model bundle to a module."""

from __future__ import annotations

from torch import nn

from cerebbids.nets.adunet import ADUNet
from cerebbids.nets.ageunet import AgeUNet
from cerebbids.nets.contrast import ContrastNet
from cerebbids.nets.deform import DeformNet
from cerebbids.nets.dpn import DPN
from cerebbids.nets.multistream import MultiStream
from cerebbids.nets.sizes import Sizes
from cerebbids.nets.superres import SuperResolution
from cerebbids.nets.unet import UNet

NETS: dict[str, type[nn.Module]] = {
    "unet": UNet, "superres": SuperResolution, "contrast": ContrastNet, "deform": DeformNet, "dpn": DPN,
    "adunet": ADUNet, "multistream": MultiStream, "ageunet": AgeUNet,
}  # fmt: skip
"""Architecture -> class."""


def build(architecture: str, sizes: Sizes) -> nn.Module:
    """Make an untrained network.

    Parameters
    ----------
    architecture : str
        Key of ``NETS``.
    sizes : mapping
        Keyword arguments of the class.

    Examples
    --------
    >>> build("unet", {"channels_in": 4, "classes": 2, "widths": (8, 16)}).head.out_channels
    2
    """
    return NETS[architecture](**sizes)
