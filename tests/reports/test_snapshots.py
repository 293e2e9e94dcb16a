import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from cerebbids.data.labels import load_scheme
from cerebbids.errors import SegmentationFailed
from cerebbids.reports.mosaic import MARGIN
from cerebbids.reports.snapshots import OPACITY, STEP, snapshots


def images(tmp_path, labels, affine):
    scan = np.where(labels, 600, 300).astype(np.float32)
    for name, data in (("t1w", scan), ("dseg", labels.astype(np.uint8))):
        nib.save(nib.Nifti1Image(data, affine), tmp_path / f"{name}.nii.gz")
    return tmp_path / "t1w.nii.gz", tmp_path / "dseg.nii.gz"


@pytest.mark.parametrize("flipped", [False, True])
def test_left_labels_are_on_the_left_whatever_way_voxels_lie(tmp_path, flipped):
    labels = np.zeros((40, 30, 30), int)
    labels[5:20, 5:25, 5:25], labels[20:35, 5:25, 5:25] = 6, 106
    affine = np.diag([-2.0 if flipped else 2.0, 2, 2, 1])
    if flipped:
        labels = labels[::-1]
    snapshots(*images(tmp_path, labels, affine), "Lobules", tmp_path / "s.png")
    picture = np.asarray(Image.open(tmp_path / "s.png")).astype(float)
    across = round((60 + 2 * MARGIN) / STEP)  # the coronal cut comes first, and the phantom is 60 mm wide
    row, quarter = picture.shape[0] // 2, round(15 / STEP)
    left, right = (picture[row, across // 2 + step] for step in (-quarter, quarter))
    color = {
        label.index: np.array([int(label.color[k : k + 2], 16) for k in (1, 3, 5)])
        for label in load_scheme("Lobules").labels
    }
    assert (color[6] != color[106]).any()
    np.testing.assert_allclose(left - right, OPACITY * (color[6] - color[106]), atol=1.5)


def test_no_label_is_an_error_and_no_file(tmp_path):
    with pytest.raises(SegmentationFailed):
        snapshots(*images(tmp_path, np.zeros((20, 20, 20), int), np.eye(4)), "Lobules", tmp_path / "s.png")
    assert not (tmp_path / "s.png").exists()
