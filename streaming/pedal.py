"""Probabilities in, pedal movements out: down where it is likely, up where it no longer is.

``movements, state = decoder(probabilities, state)``; ``decoder.release`` lets it up.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contracts import Pedal
from .decoding import DecoderConfig, FrameClock

REST_S = 0.05  # between up and down: instruments overlook a shorter one


class PedalState(NamedTuple):
    """Where the pedal is, and since when."""

    seen: int = 0  # answers
    down: bool = False
    moved: int = -(1 << 40)  # sample of the last movement; at first long ago


class PedalDecoder:
    """Two thresholds, so that a probability between them moves nothing."""

    def __init__(self, config: DecoderConfig, clock: FrameClock) -> None:
        self.down, self.up = config.pedal, min(config.lift, config.pedal)
        self.clock = clock
        self._rest = round(REST_S * clock.rate)
        self._longest = round(config.longest_s * clock.rate)

    def __call__(
        self, probabilities: NDArray[np.floating], state: PedalState | None
    ) -> tuple[list[Pedal], PedalState]:
        """probabilities: (answers,)"""
        state, moves = state or PedalState(), list[Pedal]()
        for probability in probabilities:
            at = max(self.clock.start(state.seen), 0)
            if self._moves(float(probability), state, at):
                state = state._replace(down=not state.down, moved=at)
                moves.append(Pedal(state.down, at, self.clock.emitted(state.seen)))
            state = state._replace(seen=state.seen + 1)
        return moves, state

    def release(self, state: PedalState, emitted: int) -> tuple[list[Pedal], PedalState]:
        """Up, at the end of what is heard; the answers are counted on."""
        if not state.down:
            return [], state
        at = max(emitted, state.moved + 1)
        return [Pedal(False, at, at)], PedalState(state.seen, False, at)

    def _moves(self, probability: float, state: PedalState, at: int) -> bool:
        held = at - state.moved
        if state.down:
            return probability < self.up or held >= self._longest
        return probability >= self.down and held >= self._rest
