"""What one hop costs when it comes alone, as it does live."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from ..streaming.contracts import AudioBlock
from .transcriber import Transcriber


def time_hops(transcriber: Transcriber, audio: NDArray[np.float32], block: int) -> list[float]:
    """Seconds of compute for each ``block`` samples of ``audio``, less a few to warm up."""
    times = []
    for start in range(0, len(audio) - block + 1, block):
        begun = time.perf_counter()
        transcriber.feed(AudioBlock(start, audio[start : start + block]))
        times.append(time.perf_counter() - begun)
    return times[min(10, len(times) // 2) :]
