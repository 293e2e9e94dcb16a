"""How long, how wide and how fast a network is trained; how its examples are varied stands in `augmentation`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How one network is trained.

    Parameters
    ----------
    scheme : str
        Label scheme.
    steps : int
        Optimiser steps of the whole run, one example each; the learning rate follows a cosine over them.
    channels_in : int
        Image and position channels.
    widths : tuple of int
        Feature channels of the U-Net's levels.
    cross_entropy_weight : float
        Of the mean cross-entropy beside the soft Dice. Nine tenths of the grid are background, and the Dice of a
        class that the net does not name yet has no gradient: at 1 the small lobules are found late.
    learning_rate : float
        Of the convolutions, which Muon moves.
    rest_rate, head_rate : float
        Learning rate of normalisations and biases, and of the last layer, in parts of that: AdamW moves every weight
        equally far, and the few of a thin last layer would take hundreds of steps until it can be sure of anything.
    weight_decay : float
        Of all weights, in parts of the learning rate.
    averaging : float
        Decay of the running average of the weights; the average is what is kept.
    seed : int
        Of the first weights and of every example.
    """

    scheme: str
    steps: int
    channels_in: int = 4
    widths: tuple[int, ...] = (16, 48, 96, 192)
    cross_entropy_weight: float = 5.0
    learning_rate: float = 1e-2
    rest_rate: float = 0.4
    head_rate: float = 1.6
    weight_decay: float = 1e-4
    averaging: float = 0.985
    seed: int = 0


DEEPCERES = Recipe(scheme="Lobules", steps=600)
"""Lobules at 1 mm from a T1w alone."""
