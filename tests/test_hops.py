"""Re-blocking loses nothing and makes whole hops."""

from __future__ import annotations

import numpy as np
from contract import splits

from notewire.streaming.hops import rehop


def test_any_split_gives_the_same_hops() -> None:
    audio = np.arange(1000.0)
    for sizes in splits(1000):
        rest, out = np.zeros(0), []
        for block in np.split(audio, np.cumsum(sizes)[:-1]):
            hops, rest = rehop(block, rest, 64)
            assert len(hops) % 64 == 0
            assert len(rest) < 64
            out.append(hops)
        assert np.array_equal(np.concatenate([*out, rest]), audio)
