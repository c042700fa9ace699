"""Pitch bend as MIDI carries it: for one voice, or with a channel for each note (MPE 1.0)."""

from __future__ import annotations

from collections import deque
from typing import Literal

Expression = Literal["off", "mono", "mpe"]

CONTROL, BEND = 0xB0, 0xE0
RANGE: dict[Expression, int] = {"off": 2, "mono": 2, "mpe": 48}  # semitones to each side
MANAGER, MEMBERS = 0, range(1, 16)  # channels of MPE's lower zone, counted from 0
CENTRE = 8192
DATA, RPN_FINE, RPN_COARSE = 6, 100, 101
BEND_RANGE, ZONE = 0, 6  # registered parameters


def bend_message(channel: int, cents: float, expression: Expression) -> list[int]:
    """channel: from 0; what lies outside the range is bent as far as that goes."""
    share = max(-1.0, min(1.0, cents / (100 * RANGE[expression])))
    value = min(CENTRE + round(share * CENTRE), 2 * CENTRE - 1)
    return [BEND | channel, value & 0x7F, value >> 7]


def greeting(expression: Expression, channels: set[int]) -> list[list[int]]:
    """What an instrument has to be told first; channels: those of notes, from 0."""
    if expression == "off":
        return []
    if expression == "mono":
        return [m for channel in sorted(channels) for m in _register(channel, BEND_RANGE, 2)]
    zone = _register(MANAGER, ZONE, len(MEMBERS))
    return zone + [m for c in MEMBERS for m in _register(c, BEND_RANGE, RANGE["mpe"])]


def _register(channel: int, parameter: int, value: int) -> list[list[int]]:
    pairs = ((RPN_COARSE, 0), (RPN_FINE, parameter), (DATA, value))
    return [[CONTROL | channel, controller, data] for controller, data in pairs]


class Voices:
    """A channel of MPE's zone for each note, the one that was free longest."""

    def __init__(self) -> None:
        self._free, self._used = deque(MEMBERS), deque[int]()

    def take(self) -> int:
        """Where there are more notes than channels, the oldest note shares its own."""
        channel = self._free.popleft() if self._free else self._used.popleft()
        self._used.append(channel)
        return channel

    def give(self, channel: int) -> None:
        if channel in self._used:
            self._used.remove(channel)
            self._free.append(channel)
