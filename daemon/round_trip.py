"""How long a sound takes from an output back into an input. Pure functions over recordings."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.signal import chirp, correlate

from ..streaming.contracts import NotewireError

Audio = NDArray[np.floating]

CLICKS = 10
EVERY_S = 0.4  # apart, and so the longest way that can be measured
LENGTH_S = 0.008
LOW, HIGH = 800.0, 6000.0  # Hz: what every small loudspeaker can do
LEVEL = 0.5
CLEAR = 8.0  # how far a click's correlation stands out from what is around it
AGREE_S = 0.001
ENOUGH = 0.6  # of the clicks


class RoundTrip(NamedTuple):
    """Seconds; ``spread``: between the clicks that agree."""

    seconds: float
    spread: float
    heard: int


def click(rate: int) -> Audio:
    """A short sweep: loud enough to stand out, broad enough to be placed to the sample."""
    time = np.arange(round(LENGTH_S * rate)) / rate
    return LEVEL * np.hanning(len(time)) * chirp(time, LOW, LENGTH_S, HIGH)


def clicks(rate: int) -> NDArray[np.float32]:
    """All of them, each followed by silence."""
    one = np.zeros(round(EVERY_S * rate), np.float32)
    sound = click(rate)
    one[: len(sound)] = sound
    return np.tile(one, CLICKS)


def round_trip(recorded: Audio, rate: int) -> RoundTrip:
    """recorded: what came in while ``clicks`` went out, from the same moment on.

    Raises NotewireError where too few came back, or at no one distance.
    """
    period, sound = round(EVERY_S * rate), click(rate)
    lags = [_lag(recorded[n * period : (n + 1) * period], sound) for n in range(CLICKS)]
    heard = np.array([lag for lag in lags if lag is not None], float) / rate
    if len(heard) < ENOUGH * CLICKS:
        cure = "turn the loudspeaker up and put it near the microphone, or connect them by a cable"
        raise NotewireError(f"{len(heard)} of {CLICKS} clicks came back; {cure}")
    agreed = heard[np.abs(heard - np.median(heard)) < AGREE_S]
    if len(agreed) < ENOUGH * CLICKS:
        cure = "close what else plays or records, and try again"
        spread = 1000 * np.ptp(heard)
        raise NotewireError(f"the clicks came back {spread:.0f} ms apart from each other; {cure}")
    return RoundTrip(float(np.median(agreed)), float(np.ptp(agreed)), len(agreed))


def _lag(piece: Audio, sound: Audio) -> int | None:
    """Samples until the click, or None where none stands out."""
    likeness = np.abs(correlate(piece, sound, "valid"))
    best = int(np.argmax(likeness))
    around = np.sqrt(np.mean(likeness**2))
    return best if likeness[best] > CLEAR * around + 1e-9 else None
