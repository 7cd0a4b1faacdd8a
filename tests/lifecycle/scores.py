"""Scores as a world with weather gives them: in order of time, with quiet nights and storms."""

import numpy as np

PER_DAY = 900
STORM_CHANCE = 0.2
"""Of a day, that nearly all of its scores are high."""


def scores_of(days: int, seed: int, *, storms: float = STORM_CHANCE) -> np.ndarray:
    """Return (days * PER_DAY,) probabilities: a daily rhythm, weather that wanders, and now and then a storm."""
    rng = np.random.default_rng(seed)
    hours = np.tile(np.linspace(0.0, 2.0 * np.pi, PER_DAY, endpoint=False), days)
    weather, mixed = (_wandering(days, rng) for _ in range(2))
    storm = np.repeat(np.where(rng.random(days) < storms, rng.uniform(1.2, 1.6, days), 0.0), PER_DAY)
    odds = -1.6 + 0.4 * np.sin(hours) + 0.35 * weather + storm * np.maximum(np.sin(hours), 0.0) ** 2
    odds += rng.normal(0.0, 1.0, len(hours)) * 0.55 * np.exp(0.25 * mixed)
    scores: np.ndarray = 1.0 / (1.0 + np.exp(-odds))
    return scores


def _wandering(days: int, rng: np.random.Generator) -> np.ndarray:
    """Return (days * PER_DAY,) of a standard normal that changes within some hours."""
    four_hours = rng.normal(0.0, 1.0, days * 6 + 1)
    return np.interp(np.arange(days * PER_DAY) / (PER_DAY / 6), np.arange(len(four_hours)), four_hours)


def moments_of(scores: np.ndarray) -> np.ndarray:
    """Return the moments of scores that come evenly over the day, in epoch seconds."""
    return np.arange(len(scores)) * 86_400.0 / PER_DAY


def ids(count: int, first: int = 0) -> list[str]:
    """Return ids of different examples."""
    return [f"example-{number}" for number in range(first, first + count)]
