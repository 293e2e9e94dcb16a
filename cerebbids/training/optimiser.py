"""Muon for the convolutions and AdamW for the rest, or SGD for all."""

from __future__ import annotations

import torch

from cerebbids.training.recipe import Recipe


def as_matrix(weight: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A convolution's weight, or its gradient, as the matrix (first channels, everything else).

    Parameters
    ----------
    weight : Tensor, (channels, channels, D, H, W)
    like : Tensor
        The weight whose order in memory the columns follow: of the weight itself the matrix is a view.
    """
    channels_last = like.movedim(1, -1).is_contiguous()
    return (weight.movedim(1, -1) if channels_last else weight).flatten(1)


class Optimiser:
    """Muon (Jordan et al. 2024) moves every convolution's weights by an orthogonal matrix, AdamW the other parameters.

    AdamW alone needs about ten times as many steps. PyTorch's Muon takes matrices only, so it is given views of the
    weights. Biases, normalisations and the last layer stay with AdamW. A recipe by ``sgd`` moves all with that, and
    does not clip the gradient.

    Parameters
    ----------
    net : Module
        On its device and in its memory format; its parameters are moved in place, but for frozen ones.
    recipe : Recipe

    Examples
    --------
    >>> from cerebbids.nets.unet import UNet
    >>> optimiser = Optimiser(UNet(4, 27, (8, 8)), Recipe("lobules", steps=10))
    >>> optimiser.names[0][0], optimiser.names[1][-1]
    ('encoders.0.0.weight', 'head.bias')
    """

    def __init__(self, net: torch.nn.Module, recipe: Recipe) -> None:
        self.net, self.recipe = net, recipe
        named = {name: p for name, p in net.named_parameters() if p.requires_grad}
        age = [name for name in named if "age" in name.split(".")]
        kept = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}

        def group(names: list[str], factor: float) -> dict[str, object]:
            return {"params": [named[name] for name in names], "factor": factor}

        if recipe.method == "sgd":
            rest = [name for name in named if name not in age]
            groups = [group(rest, 1.0), group(age, recipe.age_rate)]
            self._convolutions, self.names = {}, ((*rest, *age),)
            self.parts = (torch.optim.SGD(groups, **kept, momentum=recipe.momentum, nesterov=recipe.nesterov),)
            return
        head = [name for name in named if {"head", "heads"} & {*name.split(".")}]
        self._convolutions = {name: p for name, p in named.items() if p.ndim == 5 and name not in (*head, *age)}
        others = [name for name in named if name not in (*self._convolutions, *head, *age)]
        self._matrices = {name: as_matrix(p.detach(), p) for name, p in self._convolutions.items()}
        self.names = (tuple(self._convolutions), (*others, *head, *age))
        groups = [group(others, recipe.rest_rate), group(head, recipe.head_rate), group(age, recipe.age_rate)]
        muon = [{"params": list(self._matrices.values()), "factor": 1.0}]
        # Updates as large as AdamW's would be at this learning rate.
        self.parts = (torch.optim.Muon(muon, **kept, adjust_lr_fn="match_rms_adamw"), torch.optim.AdamW(groups, **kept))

    def step(self, rate: float) -> None:
        """Move the parameters along their gradients, clipped to norm 5 but for SGD, with learning rate ``rate``."""
        if self.recipe.method != "sgd":
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        for name, weight in self._convolutions.items():
            self._matrices[name].grad = None if weight.grad is None else as_matrix(weight.grad, weight)
        for part in self.parts:
            for group in part.param_groups:
                group["lr"] = rate * group["factor"]
            part.step()

    def moments(self) -> dict[str, torch.Tensor]:
        """State of all parts; ``kind.parameter`` -> tensor."""
        return {
            f"{kind}.{names[place]}": value
            for part, names in zip(self.parts, self.names, strict=True)
            for place, moments in part.state_dict()["state"].items()
            for kind, value in moments.items()
        }

    def load_moments(self, tensors: dict[str, torch.Tensor]) -> None:
        """Take back what :meth:`moments` gave."""
        for part, names in zip(self.parts, self.names, strict=True):
            state = part.state_dict()
            state["state"] = {
                place: {key.partition(".")[0]: value for key, value in tensors.items() if key.partition(".")[2] == name}
                for place, name in enumerate(names)
            }
            part.load_state_dict(state)
