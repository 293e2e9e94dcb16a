"""How the learning rate goes from a run's first step to its last."""

from __future__ import annotations

import math

from cerebbids.errors import UsageError
from cerebbids.training.recipe import Recipe

WARM_UP = 30
"""Steps over which a cosine rises."""
HALF_EVERY = 3000
"""Steps after which the learning rate is halved (Zeng & Zheng 2018)."""
POWER = 0.9
"""Of what is left of a run (Isensee et al. 2021; Richter & Fetit 2022)."""


def learning_rate(step: int, recipe: Recipe) -> float:
    """Learning rate of a step by the recipe's schedule.

    Parameters
    ----------
    step : int
        Counted from 0.
    recipe : Recipe

    Returns
    -------
    float
        Of all weights whose own rate is not told in parts of it.

    Raises
    ------
    UsageError
        There is no such schedule.

    Examples
    --------
    >>> recipe = Recipe("lobules", steps=1500, restarts=(1000,))
    >>> rates = [learning_rate(step, recipe) for step in (0, 30, 999, 1000, 1030, 1499)]
    >>> rates[0] < rates[1] > rates[2] < rates[3] < rates[4] > rates[5]
    True
    >>> recipe = Recipe("tissue", steps=9, schedule="tenths", learning_rate=0.005)
    >>> [round(learning_rate(step, recipe), 8) for step in (0, 2, 3, 8)]
    [0.005, 0.005, 0.0005, 5e-05]
    >>> recipe = Recipe("isointense", steps=10_000, schedule="halves", learning_rate=1e-3)
    >>> [learning_rate(step, recipe) for step in (0, 2999, 3000, 9999)]
    [0.001, 0.001, 0.0005, 0.000125]
    >>> recipe = Recipe("neonatal", steps=100, schedule="poly", learning_rate=1e-2)
    >>> [round(learning_rate(step, recipe), 4) for step in (0, 50, 99)]
    [0.01, 0.0054, 0.0002]
    """
    if recipe.schedule not in SCHEDULES:
        mend = f"take one of {', '.join(SCHEDULES)}"
        raise UsageError(recipe.net, f"has an unknown schedule, {recipe.schedule}", mend)
    return recipe.learning_rate * SCHEDULES[recipe.schedule](step, recipe)


def _cosine(step: int, recipe: Recipe) -> float:
    """Linear rise, then half a cosine down to 1 %, again after each restart."""
    first = max(begin for begin in (0, *recipe.restarts) if begin <= step)
    end = min(later for later in (*recipe.restarts, recipe.steps) if later > step)
    rise = min(1.0, (step - first + 1) / WARM_UP)
    return rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (step - first) / (end - first))))


def _tenths(step: int, recipe: Recipe) -> float:
    """A tenth after each epoch."""
    return 0.1 ** (step * recipe.epochs // recipe.steps)


def _halves(step: int, recipe: Recipe) -> float:
    """Half after every so many steps."""
    return 0.5 ** (step // HALF_EVERY)


def _poly(step: int, recipe: Recipe) -> float:
    """A power of the share of the run that is left."""
    return (1 - step / recipe.steps) ** POWER


SCHEDULES = {"cosine": _cosine, "tenths": _tenths, "halves": _halves, "poly": _poly}
"""Name in a recipe -> factor of a step."""
