import numpy as np
import torch
from scipy import ndimage

from cerebbids.nets.displacement import jacobian_determinant, warp
from cerebbids.training.deformable import Pair, Stage, register


def ball(centre: tuple[float, float, float], radius: float, n: int = 32) -> torch.Tensor:
    place = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1)
    hard = np.linalg.norm(place - centre, axis=-1) < radius
    return torch.from_numpy(ndimage.gaussian_filter(hard.astype(np.float32), 1))[None, None]


def test_a_shifted_ball_comes_back_without_folds():
    fixed, moving = ball((16, 15, 17), 7), ball((19, 14, 15), 8)
    displacement = register(Pair(fixed, moving), stiffness=0.2, pyramid=(Stage(2, 4, 60), Stage(1, 4, 40)))
    before, after = ((m > 0.5) & (fixed > 0.5) for m in (moving, warp(moving, displacement)))
    assert after.sum() > 1.2 * before.sum()
    assert after.sum() > 0.95 * (fixed > 0.5).sum()
    assert jacobian_determinant(displacement).min() > 0


def test_displacement_points_from_fixed_to_moving():
    fixed, moving = ball((16, 16, 16), 7), ball((20, 16, 16), 7)
    displacement = register(Pair(fixed, moving), stiffness=0.2, pyramid=(Stage(2, 4, 60),))
    along_x, along_y, along_z = displacement[0, :, 16, 16, 16].tolist()
    assert along_x > 2 and abs(along_y) < 0.5 and abs(along_z) < 0.5
