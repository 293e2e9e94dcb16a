from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch.utils.data import Dataset

from cerebbids.errors import UsageError
from cerebbids.nets.unet import UNet
from cerebbids.training import loop
from cerebbids.training.checkpoint import averaged_weights
from cerebbids.training.loss import dice_cross_entropy
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import CHECKPOINT, Seen

RECIPE = Recipe("lobules", steps=8)
LOSS_OF = partial(dice_cross_entropy, weight=5.0)
SEEN = Seen(("nobody",))


class Stripes(Dataset):
    def __len__(self) -> int:
        return RECIPE.steps

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        image = torch.randn(1, 8, 8, 8, generator=torch.Generator().manual_seed(step))
        return image, (image > 0).long()


def train(run: Path, examples: Dataset, resume: bool = False, recipe: Recipe = RECIPE) -> bool:
    torch.manual_seed(0)
    net, cpu = UNet(1, 2, (8, 8)), torch.device("cpu")
    return loop.fit(net, examples, LOSS_OF, recipe, SEEN, run, device=cpu, workers=0, max_minutes=10, resume=resume)


class Killed(Stripes):
    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        if step == 5:
            raise KeyboardInterrupt
        return super().__getitem__(step)


@pytest.mark.parametrize("recipe", [RECIPE, replace(RECIPE, method="sgd", averaging=0.0)], ids=lambda r: r.method)
def test_a_killed_run_ends_where_an_unbroken_one_does(tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    assert train(tmp_path / "whole", Stripes(), recipe=recipe)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "broken", Killed(), recipe=recipe)
    assert train(tmp_path / "broken", Stripes(), resume=True, recipe=recipe)
    whole, broken = (averaged_weights(tmp_path / name / CHECKPOINT) for name in ("whole", "broken"))
    assert all(torch.allclose(whole[k], broken[k], atol=1e-6) for k in whole)


def test_a_run_is_not_overwritten(tmp_path: Path):
    train(tmp_path, Stripes())
    with pytest.raises(UsageError, match="resume"):
        train(tmp_path, Stripes())


def test_the_loss_falls(tmp_path: Path):
    train(tmp_path, Stripes(), recipe=replace(RECIPE, steps=60))
    losses = [float(line.split("\t")[1]) for line in (tmp_path / "log.tsv").read_text().splitlines()[1:]]
    assert len(losses) == 60
    assert sum(losses[-10:]) < 0.8 * sum(losses[:10])


class Counted(Stripes):
    def __init__(self) -> None:
        self.taken: list[int] = []

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        self.taken.append(step)
        if step == 13:
            raise KeyboardInterrupt
        return super().__getitem__(step)


def test_a_step_takes_a_batch_and_a_resumed_run_begins_with_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loop, "SAVE_EVERY", 0.0)
    recipe, broken, rest = replace(RECIPE, batch=3), Counted(), Counted()
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, broken, recipe=recipe)
    assert broken.taken == list(range(14))  # four batches of three, and what broke the fifth
    monkeypatch.setattr(Counted, "__getitem__", lambda self, step: self.taken.append(step) or Stripes()[step])
    assert train(tmp_path, rest, resume=True, recipe=recipe)
    assert rest.taken == list(range(12, 24))
