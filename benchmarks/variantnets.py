"""Networks of the variants: their recipes, their runs, and what they answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from heldout import HeldOut
from variantcases import VIEWS, Blinded, VariantExamples, channels_in, hidden_channels, load_cases, seen_by, zeroed
from variants import CASCADE, Net, Setting, Variant

from cerebbids.inference.cascade import Cascade, ask, box_around, cascade_input, segment_cascade
from cerebbids.inference.halves import finer, halved
from cerebbids.inference.opinions import where_likely
from cerebbids.nets.build import build
from cerebbids.nets.sizes import Sizes
from cerebbids.systems.grid import CEREBELLUM_05MM
from cerebbids.training import loop
from cerebbids.training.cascade import SMOOTH, Cases
from cerebbids.training.checkpoint import progress
from cerebbids.training.loss import dice_cross_entropy, log_dice_cross_entropy
from cerebbids.training.recipe import RECIPES, Recipe
from cerebbids.training.run import CHECKPOINT, NOTES, Seen, read_notes
from cerebbids.training.tasks import start_from_prior, start_from_shares
from cerebbids.training.trained import trained_net
from cerebbids.training.views import View

LOSSES = {"log": log_dice_cross_entropy, "plain": dice_cross_entropy, "equal": log_dice_cross_entropy}
Asked = dict[str, tuple[torch.nn.Module, ...]]
"""Stage -> its networks."""


class Blind(torch.nn.Module):
    """A network to which some of its input channels are 0."""

    def __init__(self, net: torch.nn.Module, channels: Sequence[int]) -> None:
        super().__init__()
        self.net, self.channels = net, channels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, channels, D, H, W) -> (N, classes, D, H, W)."""
        return self.net(zeroed(x, self.channels, 1))


def narrowed(sizes: Sizes, by: int) -> Sizes:
    """Sizes of a network whose layers are narrower.

    Examples
    --------
    >>> narrowed({"widths": (16, 32), "norm": "batch"}, 2), narrowed({"width": 32}, 4)
    ({'widths': (8, 16), 'norm': 'batch'}, {'width': 8})
    """
    change = {"width": lambda width: width // by, "widths": lambda widths: tuple(width // by for width in widths)}
    return {key: change[key](value) if key in change else value for key, value in sizes.items()}


def recipe_of(net: Net, setting: Setting) -> Recipe:
    """Recipe of a variant's network: the package's, but for width, steps, and what the variant changes."""
    base = RECIPES[f"{net.stage if net.stage in CASCADE else 'lobules'}_{net.architecture}"]
    sizes = {"channels_in": channels_in(net), "classes": VIEWS[net.stage].classes, "prior": prior_of(net, base)}
    steps = setting.steps * (1 if net.stage in CASCADE else len(CASCADE))
    return replace(
        base, net=f"{net.stage}_{net.architecture}", steps=steps,
        sizes={**narrowed(base.sizes, setting.narrower), **sizes},
        cross_entropy_weight=1.0 if net.how.loss == "equal" else base.cross_entropy_weight,
    )  # fmt: skip


def prior_of(net: Net, base: Recipe) -> tuple[int, ...]:
    """Input channels that a network starts from: none where the atlas is hidden."""
    if "atlas" in net.how.hidden:
        return ()
    return base.sizes["prior"] if net.stage in CASCADE else tuple(range(2, channels_in(net)))  # type: ignore[return-value]


def count_parameters(net: Net, setting: Setting) -> int:
    """Parameters as Keras counts them, running statistics too, of the network without the channels that are hidden."""
    sizes = recipe_of(net, setting).sizes
    built = build(net.architecture, {**sizes, "prior": (), "channels_in": channels_in(net) - len(hidden_channels(net))})
    return sum(value.numel() for value in built.state_dict().values() if value.is_floating_point())


def stored_shares(cases: Cases, view: View) -> torch.Tensor:
    """Share of each class (classes,) in the patches' middle: among the voxels where there is a cerebellum, half."""
    counts = sum(torch.bincount(case.labels.flatten().int(), minlength=view.classes) for case in cases.people).float()
    counts[0] = counts[1:].sum()
    return counts / counts.sum()


def is_finished(run: Path, recipe: Recipe, seen: Seen) -> bool:
    """Whether a run has come to the last step of just this recipe, on just these people."""
    there = (run / CHECKPOINT).exists() and (run / NOTES).exists()
    return there and read_notes(run) == (recipe, seen) and progress(run / CHECKPOINT).step >= recipe.steps


def train(nets: Iterable[Net], setting: Setting) -> None:
    """Train networks, or go on training them; those that are finished are left as they are."""
    seen = {net: seen_by(net.how, setting) for net in dict.fromkeys(nets)}
    to_do = [net for net in seen if not is_finished(setting.run(net), recipe_of(net, setting), seen[net])]

    def shown(net: Net) -> tuple[str, bool, str]:
        return net.how.cases, net.how.coarse, net.stage

    for _, alike in groupby(sorted(to_do, key=shown), shown):
        together = list(alike)
        cases = load_cases(together[0].how, together[0].stage, setting)
        for net in together:
            train_one(net, cases, seen[net], setting)


def train_one(net: Net, cases: Cases, seen: Seen, setting: Setting) -> None:
    """Train one network to its last step."""
    recipe, view = recipe_of(net, setting), VIEWS[net.stage]
    torch.manual_seed(recipe.seed)
    module = build(recipe.architecture, recipe.sizes)
    if recipe.sizes["prior"]:
        start_from_prior(module)
    else:
        start_from_shares(module, stored_shares(cases, view))
    examples = Blinded(VariantExamples(cases, view, recipe, net.how), hidden_channels(net))
    loss_of = partial(LOSSES[net.how.loss], weight=recipe.cross_entropy_weight, smooth=SMOOTH)
    loop.fit(
        module, examples, loss_of, recipe, seen, setting.run(net),
        device=setting.device, workers=setting.workers, max_minutes=1e9, resume=True,
    )  # fmt: skip


def load_nets(variant: Variant, setting: Setting) -> Asked:
    """Read the finished networks of a variant."""
    found: Asked = {stage: () for stage in variant.how.stages}
    for net in variant.nets():
        blind = Blind(trained_net(setting.run(net)), hidden_channels(net)).to(setting.device).eval()
        found[net.stage] = (*found[net.stage], blind)
    return found


def fingerprint(variant: Variant, setting: Setting) -> str:
    """Tell apart the answers of networks: what they were trained by, and the checkpoints."""
    sha256 = hashlib.sha256()
    for net in variant.nets():
        sha256.update(f"{net}".encode())
        sha256.update((setting.run(net) / CHECKPOINT).read_bytes())
    return sha256.hexdigest()[:16]


def labelled(nets: Asked, case: HeldOut, device: torch.device) -> np.ndarray:
    """Labels (X, Y, Z) uint8, channels 0..26, that networks give to a case in the box around its atlas."""
    atlas = torch.from_numpy(case.atlas).float() / 255
    if "once" in nets:
        probabilities = at_once(nets["once"], case, atlas, device)
    else:
        cascade = Cascade(nets["sides"], nets["lobules"])
        probabilities = segment_cascade(cascade, case.t1w, case.t2w, atlas, CEREBELLUM_05MM, device).probabilities
    found = np.zeros(case.labels.shape, np.uint8)
    found[box_around(where_likely(atlas))] = probabilities.argmax(0).numpy()
    return found


def at_once(nets: Sequence[torch.nn.Module], case: HeldOut, atlas: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Class probabilities (27, X, Y, Z) of networks for all labels, where :func:`segment_cascade` looks, too."""
    box = box_around(where_likely(atlas))
    prior = finer(atlas[1:, *halved(box)])
    images = (torch.from_numpy(np.ascontiguousarray(image[box], np.float32)) for image in (case.t1w, case.t2w))
    return ask(nets, cascade_input(*images, prior).to(device), (), (), flip=False).mean.cpu()
