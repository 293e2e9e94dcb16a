"""A brain of blocks, to paint heads from."""

import numpy as np

from cerebbids.training import neonates

CORTEX_ID, WHITE_ID, VENTRICLE_ID, CEREBELLUM_ID, STEM_ID = 3, 2, 4, 8, 16


def ids() -> np.ndarray:
    """A cerebrum over a cerebellum with a brainstem in front of it: axes to the right, front and top."""
    found = np.zeros((60, 70, 60), np.uint8)
    found[10:50, 10:60, 26:50] = CORTEX_ID
    found[14:46, 14:56, 30:46] = WHITE_ID
    found[26:34, 30:40, 34:40] = VENTRICLE_ID
    found[18:42, 12:28, 8:22] = CEREBELLUM_ID
    found[26:34, 30:36, 4:26] = STEM_ID
    return found


def drawem() -> np.ndarray:
    """The same brain in classes of DrawEM, in fluid, with hippocampi."""
    table = {
        0: neonates.CSF, CORTEX_ID: neonates.CORTEX, WHITE_ID: neonates.WHITE, VENTRICLE_ID: neonates.VENTRICLES,
        CEREBELLUM_ID: neonates.CEREBELLUM, STEM_ID: neonates.BRAINSTEM,
    }  # fmt: skip
    classes = np.vectorize(table.get)(ids()).astype(np.uint8)
    classes[16:20, 20:30, 31:34] = classes[40:44, 20:30, 31:34] = neonates.HIPPOCAMPUS
    classes[:4] = classes[-4:] = classes[:, :4] = classes[:, -4:] = 0
    return classes
