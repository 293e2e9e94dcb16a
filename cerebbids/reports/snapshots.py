"""Small picture of the labels for the printed sheet: one cut in each plane, as PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from cerebbids.files import atomic
from cerebbids.reports.mosaic import Scene, load_scene
from cerebbids.reports.slices import AXIAL, CORONAL, SAGITTAL, Plane, cut

STEP = 0.25
"""Distance of the samples, mm: fine enough for print."""

OPACITY = 0.45
"""Of labels on the scan."""

GAP = 12
"""Between cuts, pixels."""


def snapshots(t1w_path: Path, dseg_path: Path, scheme: str, out: Path) -> None:
    """Draw labels on the scan in one coronal, axial and sagittal cut, side by side.

    The cuts run along the axes of the world, left on the left; the sagittal one goes through the left side.

    Parameters
    ----------
    t1w_path : Path
        T1w image.
    dseg_path : Path
        Labels in the same world.
    scheme : str
        Their label scheme.
    out : Path
        PNG file.

    Raises
    ------
    SegmentationFailed
        The segmentation has no label.
    """
    scene = load_scene(t1w_path, dseg_path, scheme)
    box = scene.dseg.box()
    places = ((CORONAL, 5, 2), (AXIAL, 5, 2), (SAGITTAL, 10, 3))
    cuts = [_cut(scene, plane, box.positions(plane, count)[which]) for plane, count, which in places]
    with atomic(out) as draft:
        Image.fromarray(_side_by_side(cuts)).save(draft, "PNG", optimize=True)


def _cut(scene: Scene, plane: Plane, position: float) -> np.ndarray:
    low, high = scene.window
    grey = np.clip((cut(scene.t1w, plane, position, scene.view, STEP) - low) / max(high - low, 1e-6), 0, 1)
    labels = cut(scene.dseg, plane, position, scene.view, STEP, order=0)
    picture = np.repeat(grey[..., None], 3, axis=2)
    for label in scene.scheme.labels:
        color = np.array([int(label.color[k : k + 2], 16) / 255 for k in (1, 3, 5)])
        inside = labels == label.index
        picture[inside] = (1 - OPACITY) * picture[inside] + OPACITY * color
    return np.rint(255 * picture).astype(np.uint8)


def _side_by_side(cuts: list[np.ndarray]) -> np.ndarray:
    height = max(picture.shape[0] for picture in cuts)
    padded = []
    for picture in cuts:
        above = (height - picture.shape[0]) // 2
        padded.append(np.pad(picture, ((above, height - picture.shape[0] - above), (0, GAP), (0, 0))))
    return np.concatenate(padded, axis=1)[:, :-GAP]
