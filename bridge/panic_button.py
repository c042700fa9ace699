"""A panic that comes over MIDI: from a pedal, a keyboard's panic button, or a DAW that was stopped.

MIDI 1.0, "Channel Mode Messages": controller 120 is All Sound Off, 123 All Notes Off.
"""

from __future__ import annotations

from collections.abc import Callable

from .expression import CONTROL

MODES = (120, 123)
DEAF_S = 1.0


def is_panic(message: bytes) -> bool:
    return len(message) == 3 and message[0] & 0xF0 == CONTROL and message[1] in MODES


class PanicButton:
    """``hear`` each message with its time; ``press`` is called for a panic.

    Not again within ``DEAF_S``: one comes on every channel, and what our own panic sends may come
    back through a program that passes everything on.
    """

    def __init__(self, press: Callable[[], object]) -> None:
        self._press, self._deaf_until = press, float("-inf")

    def hear(self, when: float, message: bytes) -> None:
        if is_panic(message) and when >= self._deaf_until:
            self._deaf_until = when + DEAF_S
            self._press()
