"""How far a training has come, by steps and by the clock, and how fast it learns there."""

from __future__ import annotations

import math
from typing import NamedTuple

from .config import TrainConfig


class Done(NamedTuple):
    """How far a training has come."""

    steps: int = 0
    seconds: float = 0.0


def done_share(config: TrainConfig, done: Done) -> float:
    """How much of the training is done, by steps or by the clock, whichever is further."""
    minutes = config.minutes or math.inf
    return max(done.steps / config.steps, done.seconds / 60 / minutes)


def learning_rate(config: TrainConfig, done: Done) -> float:
    """Linear warm-up, perhaps a while at the full rate, and a cosine down to zero.

    With ``decay_steps`` a run can be made longer afterwards: up to them it does not depend on the
    end (Hu et al. 2024, MiniCPM, section 4).
    """
    warm = min(1.0, (done.steps + 1) / max(1, config.warmup_steps))
    decay = config.decay_steps or config.steps
    begin = max(config.warmup_steps, config.steps - decay) / config.steps
    rest = max(0.0, done_share(config, done) - begin) / max(1 - begin, 1 / config.steps)
    return config.learning_rate * warm * (1 + math.cos(math.pi * min(rest, 1.0))) / 2
