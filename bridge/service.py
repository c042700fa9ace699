"""Tells systemd how the engine is: sd_notify(3). Where there is no systemd, nothing is said."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress

ADDRESS, WATCHDOG, OWNER = "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"


class Service:
    """Says ``ready`` once, ``pulse`` within half of the watchdog's time, and ``stopping``.

    A message that cannot leave is dropped: systemd is told of health, notes do not wait for it.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._address = os.environ.get(ADDRESS, "")
        self._every = _watchdog_s() / 2
        self._clock, self._next = clock, 0.0

    def ready(self) -> None:
        self._say("READY=1")

    def pulse(self) -> None:
        """Called many times a second by the engine's own loop: what hangs is not alive."""
        now = self._clock()
        if self._every and now >= self._next:
            self._next = now + self._every
            self._say("WATCHDOG=1")

    def stopping(self) -> None:
        self._say("STOPPING=1")

    def _say(self, state: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.setblocking(False)
            out.sendto(state.encode(), _path(self._address))


def _path(address: str) -> str:
    """``@`` stands for the abstract namespace."""
    return f"\0{address[1:]}" if address.startswith("@") else address


def _watchdog_s() -> float:
    """Seconds after which systemd takes silence for death; 0 where it does not watch us."""
    watched = os.environ.get(OWNER, str(os.getpid())) == str(os.getpid())
    text = os.environ.get(WATCHDOG, "")
    return int(text) / 1e6 if watched and text.isdigit() else 0.0
