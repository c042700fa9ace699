"""The engine's end of the MIDI port, which lives in a process of its own (midi_keeper.py)."""

from __future__ import annotations

import multiprocessing
import select
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection

from ..streaming.contracts import NotewireError
from .midi_backends import Backend
from .midi_keeper import CONTROL, NO_INPUTS, PULSE, SILENCING, WHEN, Inputs, keep
from .signals import stop_signals_held

HUNG_S = 3.0  # a keeper that has not answered for so long is held by a dead server
OPEN_S = 10.0
AGAIN_S = 5.0  # after a try in vain


class KeptOutput:
    """An ``Output`` whose port lives in another process.

    greeting: messages that every new port begins with, such as program changes. inputs: where to
    take MIDI from; each of ``listeners`` gets its messages with their times on the monotonic
    clock. ``pulse`` has to be called more often than ``STALL_S``; ``transit`` is how many
    seconds the newest one was on its way to the port. Raises NotewireError if no port can be
    opened; sending raises OSError when the keeper is gone, and the next attempt starts another; it
    never waits for one that is stuck.
    """

    def __init__(
        self,
        backend: Backend | None,
        port: str | None,
        greeting: Sequence[list[int]] = (),
        inputs: Inputs = NO_INPUTS,
    ) -> None:
        self._greeting = greeting
        self.listeners: list[Callable[[float, bytes], object]] = []
        self.when: float | None = None  # when what is sent now is to leave; None: at once
        self.transit: float | None = None
        self._request = backend, port, inputs
        self._channels = set[int]()  # ever used
        self._not_before = 0.0  # when to try again
        self._open()

    def send_message(self, message: list[int]) -> None:
        if not self._process.is_alive():
            self._try_again()
        if not _has_room(self._pipe):
            raise OSError("the MIDI system does not take what is sent")
        self._channels.add(message[0] & 0x0F)
        when = b"" if self.when is None else WHEN.pack(self.when)
        self._pipe.send_bytes(when + bytes(message))

    def pulse(self) -> None:
        """The engine is alive. Is the keeper? Never raises: that is left to the next message."""
        with suppress(EOFError, OSError):
            while self._pipe.poll():
                self._hear(self._pipe.recv_bytes())
                self._answered = time.monotonic()
            if time.monotonic() - self._answered > HUNG_S:
                self._process.kill()
            elif self._process.is_alive() and _has_room(self._pipe):
                self._pulsed.append(time.monotonic())
                self._pipe.send_bytes(PULSE)

    def _hear(self, said: bytes) -> None:
        """A pulse that comes back, with the time at which it got there, or what an input said."""
        (when,) = WHEN.unpack(said[: WHEN.size])
        if message := said[WHEN.size :]:
            for listener in self.listeners:
                listener(when, message)
        else:
            self.transit = when - self._pulsed.popleft()

    def reopen(self) -> None:
        """Another keeper and another port, for when the MIDI system itself was gone.

        The instrument behind the port may have outlived both, with what the last keeper left there.
        """
        self.close_port()
        self._open()
        for channel in sorted(self._channels):
            for controller in SILENCING:
                self._pipe.send_bytes(bytes([CONTROL | channel, controller, 0]))

    def _try_again(self) -> None:
        """Not for each message anew where nothing answers: each attempt takes seconds."""
        if time.monotonic() < self._not_before:
            raise OSError("the MIDI system did not answer")
        self._not_before = time.monotonic() + AGAIN_S + OPEN_S
        self.reopen()
        self._not_before = 0.0

    def close_port(self) -> None:
        """End what sounds and take the port away; kill what a dead server holds."""
        self._pipe.close()
        self._process.join(2.0)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _open(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=keep, args=(theirs, *self._request), daemon=True)
        with stop_signals_held():
            self._process.start()
        theirs.close()
        self.backend: Backend = self._answer()
        self._pulsed = deque[float]()
        self._answered = time.monotonic()
        for message in self._greeting:
            self._pipe.send_bytes(bytes(message))

    def _answer(self) -> Backend:
        answer: Backend | NotewireError = NotewireError("the MIDI system does not answer")
        with suppress(EOFError, OSError):
            answer = self._pipe.recv() if self._pipe.poll(OPEN_S) else answer
        if isinstance(answer, NotewireError):
            self.close_port()
            raise answer
        return answer


def _has_room(pipe: Connection) -> bool:
    """Whether a message goes out at once; the pipe of a keeper that is stuck fills up."""
    if sys.platform == "win32":
        return True
    ready = select.poll()
    ready.register(pipe.fileno(), select.POLLOUT)
    return bool(ready.poll(0))
