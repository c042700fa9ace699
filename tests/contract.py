"""The contract of every causal stage, in one place.

    concat(stage(block, state) for block in any_split(x)) == stage(x)

and the newest output never depends on later input.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

Stage = Callable[[Tensor, Any], tuple[Tensor, Any]]
TOLERANCE = 1e-12  # float64: an off-by-one cannot hide in it


def splits(length: int, unit: int = 1, seed: int = 0) -> Iterator[list[int]]:
    """Ways to cut ``length`` units: whole, one by one, with empty blocks, around powers, random."""
    sizes = random.Random(seed)
    yield [length * unit]
    yield [unit] * length
    yield [0, unit, 0, (length - 1) * unit, 0]
    for _ in range(4):
        cut, left = [], length
        while left:
            cut.append(min(left, sizes.choice([0, 1, 2, 3, 7, 8, 9, 15, 16, 17])))
            left -= cut[-1]
        yield [size * unit for size in cut]


def assert_streaming_equals_offline(stage: Stage, audio: Tensor, unit: int) -> None:
    """``stage`` takes (batch, n * unit) and returns (batch, m, ...) with time in dimension 1."""
    whole, _ = stage(audio, None)
    for sizes in splits(audio.shape[1] // unit, unit):
        state, parts = None, []
        for block in audio.split(sizes, dim=1):
            part, state = stage(block, state)
            parts.append(part)
        assert torch.allclose(torch.cat(parts, dim=1), whole, rtol=0, atol=TOLERANCE), sizes


def assert_state_matters(stage: Stage, audio: Tensor, unit: int) -> None:
    """The negative control: with the state dropped, the same test must fail."""
    try:
        assert_streaming_equals_offline(lambda x, _: stage(x, None), audio, unit)
    except AssertionError:
        return
    raise AssertionError(
        "forgetting the state changed nothing, so the contract test proves nothing"
    )


def assert_causal(stage: Stage, audio: Tensor, unit: int) -> None:
    """The gradient of output t with respect to every sample after block t is exactly 0."""
    audio = audio.clone().requires_grad_()
    out, _ = stage(audio, None)
    for t in range(0, out.shape[1], max(1, out.shape[1] // 5)):
        (gradient,) = torch.autograd.grad(out[:, t].sum(), audio, retain_graph=True)
        later = (t + 1) * unit
        assert torch.count_nonzero(gradient[:, later:]) == 0
        assert torch.count_nonzero(gradient[:, :later]) > 0


def noise(samples: int, batch: int = 1, seed: int = 0) -> Tensor:
    """Float64 noise, (batch, samples)."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((batch, samples)) * 0.1)
