import numpy as np
import pytest
from scipy import ndimage

from cerebbids.training.folia import RADIUS_MM, Folding, draw_folding, tissues

VOXEL = 0.5
RADIUS, CORE = 26.0, 10.0
SPACING, GROOVE, DEPTH, CORTEX = 4.0, 1.0, 6.0, 1.2


def ball() -> tuple[np.ndarray, np.ndarray]:
    """Lobules around a white core, both round about the same axis from left to right."""
    place = (np.indices((40, 108, 108)) - np.array([19.5, 53.5, 53.5])[:, None, None, None]) * VOXEL
    radius = np.hypot(place[1], place[2])
    inside = np.abs(place[0]) < 9.5
    return inside & (radius < RADIUS) & (radius >= CORE), inside & (radius < CORE)


@pytest.fixture(scope="module")
def folded() -> tuple[np.ndarray, np.ndarray]:
    folding = Folding(SPACING, GROOVE, DEPTH, CORTEX, waviness_mm=0.0)
    return tissues(*ball(), VOXEL, folding, np.random.default_rng(0))


def along_the_surface(volume: np.ndarray, depth: float) -> np.ndarray:
    """What lies on an arc below the surface, from -135 to 135 degrees about the fan's middle."""
    angle = np.radians(np.linspace(-135, 135, 4000))
    radius = (RADIUS - depth) / VOXEL
    y, z = 53.5 - radius * np.cos(angle), 53.5 + radius * np.sin(angle)
    return volume[20, y.round().astype(int), z.round().astype(int)]


def test_tissues_part_the_cerebellum(folded: tuple[np.ndarray, np.ndarray]):
    grey, white = folded
    lobules, core = ball()
    assert not (grey & white).any()
    assert not ((grey | white) & ~(lobules | core)).any()
    assert (grey | white)[core].all()


def test_grooves_are_as_far_apart_and_as_deep_as_asked(folded: tuple[np.ndarray, np.ndarray]):
    tissue = folded[0] | folded[1]
    fluid = ~along_the_surface(tissue, 2.0)
    found = np.count_nonzero(np.diff(fluid.astype(int)) == 1)
    assert found == pytest.approx(np.radians(270) * RADIUS_MM / SPACING, abs=2)
    assert fluid.mean() == pytest.approx(GROOVE / SPACING, abs=0.08)
    assert along_the_surface(tissue, DEPTH + 1).all()


def test_the_cortex_is_as_thick_as_asked(folded: tuple[np.ndarray, np.ndarray]):
    grey, white = folded
    core = ball()[1]
    from_fluid = ndimage.distance_transform_edt(grey | white, VOXEL)
    assert from_fluid[grey].max() <= CORTEX
    assert from_fluid[white & ~core].min() > CORTEX
    assert along_the_surface(white, 3.0).any()  # the arbor vitae reaches between the grooves


def test_waves_move_folia_but_leave_their_number():
    lobules, core = ball()
    straight, wavy = (
        tissues(lobules, core, VOXEL, Folding(SPACING, GROOVE, DEPTH, CORTEX, waves), np.random.default_rng(1))
        for waves in (0.0, 1.0)
    )
    fluid = [lobules & ~grey & ~white for grey, white in (straight, wavy)]
    assert 0.05 < (fluid[0] & fluid[1]).sum() / fluid[0].sum() < 0.8
    assert fluid[1].sum() == pytest.approx(fluid[0].sum(), rel=0.15)


def test_drawn_foldings_are_human():
    for seed in range(20):
        folding = draw_folding(np.random.default_rng(seed))
        assert 2 <= folding.spacing_mm <= 6 and 0.5 <= folding.cortex_mm <= 1.2
        assert folding.groove_mm < folding.cortex_mm + 0.2 < folding.spacing_mm
