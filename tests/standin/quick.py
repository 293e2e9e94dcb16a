"""Quick stand-ins for what takes long; as a program, ``cerebbids`` with them."""

import sys
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

from cerebbids.cli.run import main
from cerebbids.errors import RegistrationFailed
from cerebbids.imaging.registration import AffineResult, Place
from cerebbids.interfaces import images, register
from cerebbids.interfaces.predict import Predict


def register_quickly(image: nib.Nifti1Image, *_: object, **__: object) -> AffineResult:
    """Find every image in place, but none in that of ``sub-brainless``; only ``sub-bare`` has no skull."""
    if "sub_brainless" in image.get_filename():
        raise RegistrationFailed(image.get_filename(), "cannot be brought onto the template", "look at it")
    return AffineResult(np.eye(4), "stand-in", "sub_bare" in image.get_filename(), 1.0, 1.0, 1.0, ())


def install(replace: Callable[[object, str, object], None]) -> None:
    """Put the stand-ins in place; workers are forked and so have them too."""
    for step in ("denoise", "correct_bias"):
        replace(images, step, lambda image, *_: image)
    replace(register, "locate_brain", lambda *_: Place(np.eye(4), "stand-in"))
    replace(register, "register_to_mni", register_quickly)
    replace(Predict, "_command", (sys.executable, str(Path(__file__).with_name("predict.py"))))


if __name__ == "__main__":
    install(setattr)
    sys.exit(main())
