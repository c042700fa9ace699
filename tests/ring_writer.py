"""The other process of test_ring.py: a module of its own, so that it can be found there."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from notewire.streaming.ring import Ring

TOTAL, CAPACITY = 200_000, 1000


def write_all(memory: Any) -> None:
    """Write a stream that is its own index, faster than it can be read."""
    ring = Ring(memoryview(memory).cast("B"), CAPACITY)
    for stream in range(0, TOTAL, 50):
        ring.write(np.arange(stream, stream + 50, dtype=np.float32))
        if stream % 500 == 0:
            time.sleep(0.0001)
