"""Blocks of any size in, whole hops out, the remainder kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.floating]


def rehop(samples: Samples, rest: Samples | None, hop: int) -> tuple[Samples, Samples]:
    """``hops, rest = rehop(block, rest, hop)``: all whole hops, and what is left of one."""
    joined = samples if rest is None else np.concatenate([rest, samples])
    whole = len(joined) - len(joined) % hop
    return joined[:whole], joined[whole:].copy()
