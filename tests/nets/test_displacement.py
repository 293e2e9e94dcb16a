import torch
from scipy import ndimage

from cerebbids.nets.displacement import after, doubled, integrate, jacobian_determinant, warp

SHAPE = (16, 18, 20)
PLACES = torch.stack(torch.meshgrid(*map(torch.arange, SHAPE), indexing="ij"))[None].float()
"""Every voxel's own indices: linear interpolation of them is exact."""


def smooth_field(seed: int, size: float) -> torch.Tensor:
    noise = torch.randn(1, 3, *SHAPE, generator=torch.Generator().manual_seed(seed)).numpy()
    field = torch.from_numpy(ndimage.gaussian_filter(noise, (0, 0, 3, 3, 3)))
    return size * field / field.abs().max()


def inner(volume: torch.Tensor) -> torch.Tensor:
    return volume[..., 3:-3, 3:-3, 3:-3]


def blob(where: tuple[int, int, int]) -> torch.Tensor:
    volume = torch.zeros(1, 1, *SHAPE)
    volume[0, 0, *where] = 1
    smooth = torch.from_numpy(ndimage.gaussian_filter(volume.numpy(), (0, 0, 2, 2, 2)))
    return smooth / smooth.max()


def test_a_displacement_points_to_where_the_moving_volume_is_read():
    moving = blob((6, 9, 12))
    shift = torch.tensor([-3.0, 1, 2]).reshape(1, 3, 1, 1, 1).expand(1, 3, *SHAPE)
    moved = warp(moving, shift)[0, 0]
    assert torch.argmax(moved) == torch.argmax(blob((9, 8, 10))[0, 0])


def test_the_integral_of_the_opposite_velocity_undoes_it():
    velocity = smooth_field(1, 2.5)
    there, back = integrate(velocity), integrate(-velocity)
    assert inner(there).abs().max() > 1.5
    assert inner(after(there, back)).abs().max() < 0.1


def test_a_strong_velocity_does_not_fold():
    assert jacobian_determinant(integrate(smooth_field(2, 4.0))).min() > 0
    assert jacobian_determinant(3 * smooth_field(2, 4.0)).min() < 0


def test_two_displacements_in_one_do_what_they_do_one_after_the_other():
    first, then = smooth_field(3, 2.0), smooth_field(4, 2.0)
    at_once, in_turn = warp(PLACES, after(first, then)), warp(warp(PLACES, first), then)
    assert torch.allclose(inner(at_once), inner(in_turn), atol=1e-4)
    assert not torch.allclose(inner(warp(PLACES, first + then)), inner(in_turn), atol=0.1)


def test_doubling_moves_the_same_content_to_the_same_place():
    coarse = smooth_field(5, 2.0)
    fine = torch.nn.functional.interpolate(PLACES, scale_factor=2, mode="trilinear")
    moved = torch.nn.functional.avg_pool3d(warp(fine, doubled(coarse)), 2)
    assert torch.allclose(inner(moved), inner(warp(PLACES, coarse)), atol=0.05)
    assert not torch.allclose(inner(moved), inner(PLACES), atol=1)


def test_determinant_measures_growth():
    x = torch.arange(16.0).reshape(1, 1, 16, 1, 1).expand(1, 1, 16, 16, 16)
    stretched = torch.cat([0.5 * x, torch.zeros(1, 2, 16, 16, 16)], 1)
    assert torch.allclose(jacobian_determinant(stretched), torch.tensor(1.5))
