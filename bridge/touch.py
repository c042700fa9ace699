"""How hard a synthesiser strikes what was heard: velocity 1..127 to velocity 1..127."""

from __future__ import annotations


def touch(curve: float = 1.0, softest: int = 1, loudest: int = 127) -> list[int]:
    """A table of 128 velocities, the curve of General MIDI keyboards.

    curve: exponent; under 1 a soft touch becomes louder, over 1 softer. softest and loudest: where
    1 and 127 go to; the same for both gives every note one velocity. Velocity 0 stays a note-off.
    """
    reach = loudest - softest
    return [0, *(round(softest + reach * ((v - 1) / 126) ** curve) for v in range(1, 128))]
