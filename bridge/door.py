"""A bound socket, who may come in (this computer alone, or whoever holds a key), and how."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import zmq
from zmq.auth.thread import ThreadAuthenticator

from ..streaming.contracts import NotewireError
from .keys import guard, lock, unlock

Context = zmq.Context[zmq.Socket[bytes]]

LARGEST = 4096  # bytes of what a client may send: a command, a subscription
QUEUE = 1000  # messages kept for each client
LAST_WORDS_MS = 200  # how long ``close`` may wait for what was said to leave
PORT = r":(\*|[1-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d\d|655[0-2]\d|6553[0-5])"
LOCAL = re.compile(rf"tcp://(127(\.\d{{1,3}}){{3}}|localhost|\[::1\]){PORT}|ipc://.+")
ANYWHERE = re.compile(rf"tcp://([^:]+|\[[^]]+\]){PORT}")


class Door:
    """A ``socket`` of ``kind`` at ``address``; with ``keys``, only for clients of that folder.

    Raises NotewireError if the address is not of this computer and there are no keys, or if it
    cannot be had.
    """

    def __init__(self, address: str, kind: int, keys: Path | None = None) -> None:
        _refuse_strangers(address, keys)
        self._context: Context = zmq.Context()
        self._guard: ThreadAuthenticator | None = None
        self.socket = self._context.socket(kind)
        try:
            self._open(address, keys)
        except BaseException:
            self.close(linger=0)
            raise
        self.address: str = self.socket.getsockopt_string(zmq.LAST_ENDPOINT)

    def close(self, linger: int = LAST_WORDS_MS) -> None:
        """Give the address back, after at most ``linger`` ms. May be called twice."""
        if not self.socket.closed:
            self.socket.close(linger=linger)
            if self._guard:
                self._guard.stop()
            self._context.term()

    def _open(self, address: str, keys: Path | None) -> None:
        self.socket.setsockopt(zmq.SNDHWM, QUEUE)
        self.socket.setsockopt(zmq.MAXMSGSIZE, LARGEST)  # counts for what is bound afterwards
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.IPV6, "[" in address)
        if keys:
            self._guard = guard(self._context, keys)
            lock(self.socket, keys)
        try:
            self.socket.bind(address)
        except zmq.ZMQError as error:
            reason = "another program listens there" if error.errno == zmq.EADDRINUSE else error
            cure = "stop it or set another address for the bus, such as tcp://127.0.0.1:5557"
            raise NotewireError(f"the bus cannot be at {address}: {reason}; {cure}") from error


def approach(socket: zmq.Socket[Any], address: str, keys: Path | None) -> None:
    """Connect a client's socket; keys: its folder. Raises ``zmq.ZMQError`` for no address."""
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.IPV6, "[" in address)
    if keys:
        unlock(socket, keys)
    socket.connect(address)


def _refuse_strangers(address: str, keys: Path | None) -> None:
    """Other computers come in with a key or not at all."""
    if not (LOCAL.fullmatch(address) or (keys and ANYWHERE.fullmatch(address))):
        raise NotewireError(
            f"the bus cannot be at {address}: without keys it serves this computer only; use "
            "tcp://127.0.0.1:PORT with a PORT up to 65535, or ipc://PATH, or make keys for other "
            "computers: `notewire keys FOLDER`, then bus.keys: FOLDER"
        )
