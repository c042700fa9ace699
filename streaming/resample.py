"""Streaming resampler: a short polyphase FIR whose delay is known to the sample.

``audio, state = resampler(audio, state)``. The windowed sinc reaches 16 zero crossings to each
side: 1 ms at 48 kHz down to 16 kHz, where a general-purpose streaming resampler holds back 20 to
40 ms. What comes out never depends on how the input was cut into blocks.
"""

from __future__ import annotations

from math import gcd
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.signal import firwin

ZERO_CROSSINGS = 16
Samples = NDArray[np.floating]


class ResamplerState(NamedTuple):
    """``past``: input samples still needed; ``consumed`` and ``produced``: samples in and out."""

    past: Samples
    consumed: int
    produced: int


class Resampler:
    """From ``source`` to ``target`` Hz; output sample n lies at input time n * source / target.

    precision: of its filters; that of the audio saves a conversion at every block.
    """

    def __init__(self, source: int, target: int, precision: DTypeLike = np.float64) -> None:
        common = gcd(source, target)
        self.up, self.down = target // common, source // common
        self.identity = source == target
        self.reach = 0 if self.identity else self._reach()  # input samples to each side
        self.delay = -(-self.reach * target // source)  # output samples held back, rounded up
        self.phases = np.zeros((1, 1)) if self.identity else self._phases().astype(precision)

    def __call__(
        self, audio: Samples, state: ResamplerState | None = None
    ) -> tuple[Samples, ResamplerState]:
        """All output that the input so far determines; audio: (n,), silence before the start."""
        state = state or ResamplerState(np.zeros(self.reach, audio.dtype), 0, 0)
        if self.identity:
            return audio, state
        past = np.concatenate([state.past, audio])
        consumed = state.consumed + len(audio)
        ready = max(0, -(-(consumed - self.reach) * self.up // self.down))
        output = np.arange(state.produced, max(ready, state.produced))
        first = state.consumed - len(state.past)  # input index of past[0]
        wanted = output * self.down // self.up - self.reach - first
        windows = _windows(past, 2 * self.reach + 1)[wanted]
        phases = self.phases[output * self.down % self.up]
        made = np.einsum("nk,nk->n", windows, phases).astype(audio.dtype, copy=False)
        produced = state.produced + len(output)
        keep = max(0, produced * self.down // self.up - self.reach - first)
        return made, ResamplerState(past[keep:], consumed, produced)

    def _reach(self) -> int:
        return int(np.ceil(ZERO_CROSSINGS * max(1.0, self.down / self.up)))

    def _phases(self) -> NDArray[np.float64]:
        """(up, 2 * reach + 1): the filter for each place of an output between two inputs."""
        taps = 2 * self.reach * self.up + 1
        cutoff = 0.92 * min(1.0, self.up / self.down) / self.up
        window = ("kaiser", 9.0)
        kernel = firwin(taps + 2 * (self.up - 1), cutoff, window=window)  # pyright: ignore[reportArgumentType]
        offset = np.arange(2 * self.reach, -1, -1) * self.up
        rows = [kernel[offset + phase + self.up - 1] for phase in range(self.up)]
        table = np.stack(rows)
        return table / table.sum(axis=1, keepdims=True)


def _windows(audio: Samples, size: int) -> Samples:
    """(places, size): a view, as NumPy's sliding_window_view, which takes longer than the sums."""
    places, step = max(0, len(audio) - size + 1), audio.strides[0]
    return np.ndarray((places, size), audio.dtype, audio, strides=(step, step))
