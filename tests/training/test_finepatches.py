import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from cerebbids.training.finecases import FineCase, deformed
from cerebbids.training.finepatches import SIDE, Stored, cut, mirrored_patch, random_matrix, through, varied_places

SHAPE = (64, 48, 48)


def blobs() -> Stored:
    """Smooth brightness, three asymmetric labels, and a guess of twice the voxel."""
    x, y, z = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    t1w = (100 + 50 * np.sin(x / 9) + 40 * np.cos(y / 7) + z).astype(np.float16)
    labels = np.zeros(SHAPE, np.uint8)
    labels[10:30, 8:20, 12:40], labels[34:60, 10:40, 8:30] = 1, 2
    shares = np.stack([labels[::2, ::2, ::2] == k for k in (1, 2)]).astype(np.uint8) * 255
    return Stored(*map(torch.from_numpy, (t1w, 500 - t1w, labels, shares)))


def grid(*ranges: tuple[int, int]) -> torch.Tensor:
    return torch.stack(torch.meshgrid(*[torch.arange(float(a), float(b)) for a, b in ranges], indexing="ij"), -1)


def test_places_on_voxels_give_the_voxels():
    case = blobs()
    patch = cut(case, grid((8, 40), (6, 30), (10, 42)))
    box = (slice(8, 40), slice(6, 30), slice(10, 42))
    assert torch.allclose(patch.t1w, case.t1w[box].float(), atol=0.01)
    assert torch.equal(patch.labels, case.labels[box].long())
    assert torch.allclose(patch.t2w, case.t2w[box].float(), atol=0.01)


def test_the_guess_lies_where_the_labels_lie():
    patch = cut(blobs(), grid((0, 64), (0, 48), (0, 48)))
    for k in (1, 2):
        inside = patch.labels == k
        assert patch.guess[k - 1][inside].mean() > 0.9 and patch.guess[k - 1][~inside].mean() < 0.05
        here, there = (torch.nonzero(where).float().mean(0) for where in (inside, patch.guess[k - 1] > 0.5))
        assert (here - there).abs().max() < 0.3  # half a voxel of 1 mm would be 1


def test_the_midplane_is_where_the_two_sides_meet():
    """World x is -67.75 mm in the first plane and half a millimetre more in each: 0 between planes 135 and 136."""
    places = grid((125, 147), (3, 5), (7, 9))
    far = cut(blobs(), places).midplane
    assert torch.allclose(far, far.flip(0)) and far[:11].argmin(0).unique().tolist() == [10]
    assert torch.allclose(far[0], torch.tensor((67.75 - 62.5) / 20)) and torch.allclose(
        far[10], torch.tensor(0.25 / 20)
    )


def test_nothing_lies_beyond_the_box():
    patch = cut(blobs(), grid((-20, -4), (0, 16), (0, 16)))
    assert not patch.t1w.any() and not patch.labels.any() and not patch.guess.any()


def test_a_displacement_is_that_of_whole_cases():
    case = blobs()
    noise = np.random.default_rng(0).standard_normal((1, 3, 16, 12, 12))
    displacement = torch.from_numpy(30 * gaussian_filter(noise, (0, 0, 3, 3, 3))).float()
    assert displacement.abs().mean() > 0.3
    t1w, t2w = (part.float().numpy() for part in (case.t1w, case.t2w))
    whole = deformed(FineCase("a", t1w, t2w, case.labels.numpy()), displacement)
    inner = (slice(16, 48), slice(12, 36), slice(12, 36))
    patch = cut(case, through(grid(*((s.start, s.stop) for s in inner)), displacement))
    assert abs(patch.t1w.numpy() - whole.t1w[inner]).mean() < 0.2  # interpolated at once, or twice over
    assert (patch.labels.numpy() == whole.labels[inner]).mean() > 0.995


def test_patches_vary_and_stay_where_they_are_wanted():
    centre, rng = np.array([100, 80, 60]), np.random.default_rng(1)
    drawn = [varied_places(centre, rng, 64) for _ in range(8)]
    assert all(places.shape == (64, 64, 64, 3) for places in drawn)
    assert all((places.mean((0, 1, 2)) - torch.from_numpy(centre)).abs().max() < 6 for places in drawn)
    spread = torch.stack([places[0, 0, 0] for places in drawn]).std(0)
    assert (spread > 1).all()


def test_turns_keep_handedness_and_size_within_bounds():
    rng = np.random.default_rng(2)
    volumes = [np.linalg.det(random_matrix(rng)) for _ in range(50)]
    assert 0.6 < min(volumes) < max(volumes) < 1.5


def test_a_mirrored_patch_swaps_its_sides():
    patch = cut(blobs(), grid((0, 64), (0, 48), (0, 48)))
    turned = mirrored_patch(patch, torch.tensor([0, 2, 1]), torch.tensor([1, 0]))
    assert torch.equal(turned.labels.flip(0) == 2, patch.labels == 1)
    assert torch.equal(turned.guess[1].flip(0), patch.guess[0]) and torch.equal(turned.t1w.flip(0), patch.t1w)
    assert torch.equal(turned.midplane.flip(0), patch.midplane) and patch.midplane[0, 0, 0] > patch.midplane[-1, 0, 0]
    assert SIDE % 16 == 0
