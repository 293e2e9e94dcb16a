import nibabel as nib
import numpy as np
import pytest
from PIL import Image

from cerebbids.bids.names import CARVED
from cerebbids.data.labels import load_scheme
from cerebbids.errors import SegmentationFailed
from cerebbids.reports.rendering import VIEWS, Solid, render
from cerebbids.reports.surface import surface_figure

from .phantom import LEFT_CRUS_I, RIGHT_CRUS_I, grids, phantom

RED, GREEN, BLUE = range(3)
LOW_FRONT = 1
"""Label of a third ball: at the midline, in front of and below the other two."""
COLORS = np.zeros((256, 3))
COLORS[[LEFT_CRUS_I, RIGHT_CRUS_I, LOW_FRONT], [RED, GREEN, BLUE]] = 255


def labelled(grid: str = "RAS") -> nib.Nifti1Image:
    """The phantom of the lower left and the upper right ball, with a third one."""
    _, labels = phantom(*grids()[grid])
    data = np.asarray(labels.dataobj).copy()
    world = nib.affines.apply_affine(labels.affine, np.moveaxis(np.indices(data.shape), 0, -1))
    data[np.linalg.norm(world - (0, -40, -60), axis=-1) < 5] = LOW_FRONT
    return nib.Nifti1Image(data, labels.affine)


@pytest.fixture(scope="module")
def solid() -> Solid:
    data = np.asarray(labelled().dataobj)
    return Solid.of(data, np.ones(data.shape, np.float32), 1.0)


def middles(solid: Solid, view: str) -> list[tuple[float, float]]:
    """Column and row of what is seen of each ball, left, right and low one."""
    picture = render(solid, VIEWS[view], COLORS, 2.0)
    places = (np.nonzero(picture[..., color] > 20) for color in (RED, GREEN, BLUE))
    return [(float(columns.mean()), float(rows.mean())) for rows, columns in places]


@pytest.mark.parametrize(
    ("view", "edges", "left_is_left", "front_ball"),
    [
        ("behind", ("L", "R"), True, "below"),
        ("front", ("R", "L"), False, "below"),
        ("above", ("L", "R"), True, "above"),
        ("below", ("R", "L"), False, "above"),
    ],
)
def test_sides_are_where_they_are_for_the_onlooker(solid, view, edges, left_is_left, front_ball):
    left, right, low = middles(solid, view)
    assert VIEWS[view].edges == edges and (left[0] < right[0]) is left_is_left
    assert min(left[0], right[0]) < low[0] < max(left[0], right[0])
    # Rows grow downwards. The third ball lies lowest, and foremost.
    lowest = low[1] > max(left[1], right[1])
    assert lowest if front_ball == "below" else low[1] < min(left[1], right[1])
    assert right[1] < left[1]  # higher, and further in front


def test_from_the_left_the_front_is_on_the_left_and_the_right_is_hidden(solid):
    left, right, low = middles(solid, "left")
    assert VIEWS["left"].edges == ("A", "P") and low[0] < right[0] < left[0]
    left, right, low = middles(solid, "right")
    assert VIEWS["right"].edges == ("P", "A") and left[0] < right[0] < low[0]


def test_what_is_near_hides_what_is_far():
    data = np.zeros((30, 30, 30), np.uint8)
    data[5:10, 10:20, 10:20], data[20:25, 10:20, 10:20] = LEFT_CRUS_I, RIGHT_CRUS_I
    solid = Solid.of(data, np.ones(data.shape, np.float32), 1.0)
    for view, near, far in (("left", RED, GREEN), ("right", GREEN, RED)):
        picture = render(solid, VIEWS[view], COLORS, 2.0).reshape(-1, 3)
        assert picture[:, near].max() > 150 and picture[:, far].max() == 0


def test_what_faces_the_onlooker_is_brighter_and_dark_scan_is_darker():
    data = np.zeros((40, 40, 40), np.uint8)
    ball = np.linalg.norm(np.moveaxis(np.indices(data.shape), 0, -1) - 20, axis=-1) < 15
    data[ball] = LEFT_CRUS_I
    bright, dark = (Solid.of(data, np.full(data.shape, value, np.float32), 1.0) for value in (1.0, 0.6))
    lit, dim = (render(solid, VIEWS["behind"], COLORS, 2.0)[..., RED].astype(float) for solid in (bright, dark))
    middle, edge = lit.shape[0] // 2, lit.shape[0] // 2 + 26
    assert lit[middle, middle] > 1.5 * lit[edge, middle] > 0
    assert dim[middle, middle] < 0.7 * lit[middle, middle]
    row = lit[middle]
    assert len(np.unique(row[row > 0])) > 12  # shading, not flat


def test_orientation_of_the_file_does_not_matter(tmp_path):
    pictures = []
    for grid in ("RAS", "LAS", "PSR"):
        labels = labelled(grid)
        scan = nib.Nifti1Image(np.full(labels.shape, 150, np.float32), labels.affine)
        surface_figure(labels, scan, tmp_path / f"{grid}.png")
        pictures.append(np.asarray(Image.open(tmp_path / f"{grid}.png")))
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)
    width, height = pictures[0].shape[1::-1]
    assert 400 < width < 2000 and 300 < height < 1500
    assert (tmp_path / "RAS.png").stat().st_size < 1_000_000
    colors = {tuple(color) for color in pictures[0].reshape(-1, 3).tolist()}
    legend = {tuple(bytes.fromhex(label.color[1:])) for label in load_scheme(CARVED).labels}
    assert legend <= colors


def test_nothing_to_draw_is_named(tmp_path):
    nothing = nib.Nifti1Image(np.zeros((8, 8, 8), np.uint8), np.eye(4))
    nib.save(nothing, tmp_path / "dseg.nii")
    with pytest.raises(SegmentationFailed, match=r"dseg\.nii: has no label"):
        surface_figure(nib.load(tmp_path / "dseg.nii"), nothing, tmp_path / "surface.png")
    assert not (tmp_path / "surface.png").exists()
