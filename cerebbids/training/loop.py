"""Training that can be stopped at any time and goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from cerebbids.inference.device import is_fast_in_bf16
from cerebbids.training import checkpoint
from cerebbids.training.optimiser import Optimiser
from cerebbids.training.recipe import Recipe
from cerebbids.training.run import Seen, open_run
from cerebbids.training.schedule import learning_rate

SAVE_EVERY = 60.0
"""Seconds between checkpoints, and lines of the log."""
Row = tuple[int, float, float, float]
"""Step, loss, learning rate, seconds of the step."""
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Of what the net answers and the example's target; computed outside of autocast."""


def update_average(average: dict[str, torch.Tensor], net: torch.nn.Module, step: int, decay: float) -> None:
    """Move the averaged weights towards the net's; faster at the beginning. Counters are taken over."""
    decay = min(decay, (step + 1) / (step + 10))
    with torch.no_grad():
        for key, value in net.state_dict().items():
            if value.is_floating_point():
                average[key].lerp_(value, 1 - decay)
            else:
                average[key].copy_(value)


def write_log(path: Path, rows: list[Row]) -> None:
    """Append rows (step, loss, learning rate, seconds a step) to a TSV; write its header first."""
    fresh = not path.exists()
    with open(path, "a") as log:
        if fresh:
            log.write("step\tloss\tlearning_rate\tseconds\n")
        log.writelines(f"{s}\t{loss:.4f}\t{lr:.6f}\t{t:.3f}\n" for s, loss, lr, t in rows)


def train_step(
    net: torch.nn.Module,
    batch: tuple[torch.Tensor, torch.Tensor],
    optimiser: Optimiser,
    rate: float,
    device: torch.device,
    loss_of: Loss,
) -> float:
    """One step with learning rate ``rate``, in bfloat16 where that is fast (loss in float32); returns the loss."""
    image, target = (part.to(device, non_blocking=True) for part in batch)
    image = image.contiguous(memory_format=torch.channels_last_3d)
    with torch.autocast(device.type, torch.bfloat16, enabled=is_fast_in_bf16(device)):
        answer = net(image)
    loss = loss_of(answer, target)
    net.zero_grad()
    loss.backward()
    optimiser.step(rate)
    return loss.item()


def fit(
    net: torch.nn.Module,
    examples: Dataset,
    loss_of: Loss,
    recipe: Recipe,
    seen: Seen,
    run: Path,
    *,
    device: torch.device,
    workers: int,
    max_minutes: float,
    resume: bool,
) -> bool:
    """Train until the recipe's last step or until the time is up.

    Parameters
    ----------
    net : Module
        On the CPU; moved to ``device``.
    examples : Dataset
        Step ``k`` trains on items ``k * batch`` to ``(k + 1) * batch - 1``: pairs of input and target.
    loss_of : callable
    recipe : Recipe
    seen : Seen
        Whose images the examples are made of.
    run : Path
        Folder of the run: ``checkpoint.safetensors``, ``run.json``, ``log.tsv``.
    device : torch.device
    workers : int
        Processes that prepare examples.
    max_minutes : float
        Time of this session.
    resume : bool
        Go on from the folder's checkpoint.

    Returns
    -------
    bool
        Whether the last step is done.

    Raises
    ------
    UsageError
        As :func:`cerebbids.training.run.open_run`.
    """
    saved = open_run(run, recipe, seen, resume)
    if saved.exists() and checkpoint.progress(saved).step >= recipe.steps:
        return True
    net = net.to(device, memory_format=torch.channels_last_3d).train()
    optimiser = Optimiser(net, recipe)
    average = {k: v.detach().clone() for k, v in net.state_dict().items()}
    done = checkpoint.restore(saved, net, average, optimiser) if saved.exists() else checkpoint.Progress()
    to_do = range(done.step * recipe.batch, recipe.steps * recipe.batch)
    pinned = device.type == "cuda"
    loader = DataLoader(examples, recipe.batch, sampler=to_do, num_workers=workers, pin_memory=pinned)

    began = last_saved = before = time.monotonic()
    rows: list[Row] = []
    bar = tqdm(loader, initial=done.step, total=recipe.steps, desc=recipe.net, mininterval=5)
    step = done.step
    for step, batch in enumerate(bar, done.step + 1):
        rate = learning_rate(step - 1, recipe)
        loss = train_step(net, batch, optimiser, rate, device, loss_of)
        update_average(average, net, step - 1, recipe.averaging)
        now = time.monotonic()
        rows.append((step, loss, rate, now - before))
        before = now
        last = step == recipe.steps or now - began > 60 * max_minutes
        if last or now - last_saved > SAVE_EVERY:
            checkpoint.save(saved, net, average, optimiser, checkpoint.Progress(step, done.seconds + now - began))
            write_log(run / "log.tsv", rows)
            bar.set_postfix(loss=f"{sum(row[1] for row in rows) / len(rows):.3f}")
            rows, last_saved = [], now
        if last:
            break
    return step == recipe.steps
