"""The MIDI port in a process of its own, which silences it whatever becomes of the engine.

A virtual port goes with the process that made it, and the instrument behind it is left with what
sounded: no handler runs at SIGKILL, at a crash in a driver, or while the engine stalls. So another
process owns the port and knows what sounds there. It ends every note when its pipe breaks, or when
no pulse has come for ``STALL_S``. A dead JACK server that hangs every call hangs this process and
not the engine. It is also the one that can wait: a message may be given the time at which to leave.
"""

from __future__ import annotations

import heapq
import struct
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import NamedTuple

from ..streaming.contracts import NotewireError
from .expression import BEND, bend_message
from .midi_backends import (
    CLOCK_CLIENT,
    CONTROL_CLIENT,
    Backend,
    Output,
    open_input,
    open_output,
)
from .midi_clock import is_clock
from .panic_button import is_panic
from .priority import go_first
from .signals import ignore_stop_signals

NOTE_OFF, NOTE_ON, CONTROL = 0x80, 0x90, 0xB0
SUSTAIN = 64
SILENCING = (123, 120, SUSTAIN)  # all notes off, all sound off, pedal up
STALL_S = 0.5
LEAVE_S = 0.1  # JACK sends in its next period; what has not left dies with the port
PULSE = b""
WHEN = struct.Struct("d")  # goes before a message that waits: seconds of the monotonic clock
MESSAGE = 3  # bytes at most

OpenOutput = Callable[[Backend | None, str | None], Output]


class Inputs(NamedTuple):
    """Where to take MIDI clock and panics from, see ``open_input``; None: from nowhere."""

    clock: str | None = None
    control: str | None = None


NO_INPUTS = Inputs()


class Keeper:
    """Passes messages on when it is time, and knows what sounds, channel by channel."""

    def __init__(self, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._output, self._clock = output, clock
        self._sounding: set[tuple[int, int]] = set()  # channel, pitch
        self._channels: set[int] = set()  # ever used
        self._bent: set[int] = set()  # channels
        self._pedals: set[int] = set()  # channels whose sustain pedal is down
        self._waiting: list[tuple[float, int, list[int]]] = []  # a heap: when, order, message
        self._order = 0

    def take(self, data: bytes) -> None:
        """A message, to leave at once or at the time that goes before it."""
        message = list(data[-MESSAGE:])
        if len(data) > MESSAGE:
            self._order += 1
            heapq.heappush(self._waiting, (*WHEN.unpack(data[: WHEN.size]), self._order, message))
            return
        if message[0] & 0xF0 == CONTROL and message[1] == SILENCING[0]:
            self._waiting.clear()  # a panic: what has not begun shall not begin
        self.send(message)

    def patience(self) -> float:
        """Seconds until the next message has to leave, at most ``STALL_S``."""
        if not self._waiting:
            return STALL_S
        return min(max(0.0, self._waiting[0][0] - self._clock()), STALL_S)

    def leave(self) -> None:
        """Send all whose time has come."""
        while self._waiting and self._waiting[0][0] <= self._clock():
            self.send(heapq.heappop(self._waiting)[2])

    def send(self, message: list[int]) -> None:
        """Pass on a message; a release of what does not sound is left out."""
        kind, channel, key = message[0] & 0xF0, message[0] & 0x0F, (message[0] & 0x0F, message[1])
        if kind == NOTE_OFF and key not in self._sounding:
            return
        self._channels.add(channel)
        self._output.send_message(message)
        if kind == NOTE_ON:
            self._sounding.add(key)
        elif kind == NOTE_OFF:
            self._sounding.discard(key)
        elif kind == BEND:
            self._bent.add(channel)
        elif kind == CONTROL and message[1] == SUSTAIN:
            (self._pedals.add if message[2] >= 64 else self._pedals.discard)(channel)

    def silence(self) -> bool:
        """Release every key and pedal, quiet the instrument; False if nothing sounded."""
        self._waiting.clear()
        if not (self._sounding or self._pedals):
            return False
        for channel, pitch in sorted(self._sounding):
            self._output.send_message([NOTE_OFF | channel, pitch, 64])
        self._sounding.clear()
        for channel in self._bent:
            self._output.send_message(bend_message(channel, 0.0, "off"))
        self._bent.clear()
        self._pedals.clear()
        for channel in self._channels:
            for controller in SILENCING:
                self._output.send_message([CONTROL | channel, controller, 0])
        return True


def keep(
    pipe: Connection,
    backend: Backend | None,
    port: str | None,
    inputs: Inputs = NO_INPUTS,
    open_output: OpenOutput = open_output,
) -> None:
    """The process: open the ports, say so, pass on what comes, and leave nothing sounding."""
    ignore_stop_signals()  # Ctrl-C reaches it too: it ends after the engine
    answers = Answers(pipe)
    with ExitStack() as opened:
        try:
            output = open_output(backend, port)
            opened.callback(output.close_port)
            _listen(output.backend, inputs, answers, opened)
        except NotewireError as error:
            pipe.send(error)
            return
        keeper = Keeper(output)
        opened.callback(_leave, keeper)
        go_first()
        answers.begin(output.backend)
        _pass_on(pipe, keeper, answers)


def _listen(backend: Backend, inputs: Inputs, answers: Answers, opened: ExitStack) -> None:
    """Hand on from each input what it is for. Raises NotewireError if one cannot be opened."""
    roads = (CLOCK_CLIENT, inputs.clock, is_clock), (CONTROL_CLIENT, inputs.control, is_panic)
    for name, wish, wanted in roads:
        if wish:
            opened.callback(open_input(backend, name, wish, partial(answers.tell, wanted)))


class Answers:
    """What goes back to the engine, from several threads: pulses, and messages as they come.

    Before each stands its time on the monotonic clock, which all processes share.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe, self._lock, self._begun = pipe, threading.Lock(), False

    def begin(self, backend: Backend) -> None:
        with self._lock:
            self._pipe.send(backend)
            self._begun = True

    def pulse(self) -> None:
        with self._lock:
            self._pipe.send_bytes(WHEN.pack(time.monotonic()))

    def tell(self, wanted: Callable[[bytes], bool], message: bytes) -> None:
        when = WHEN.pack(time.monotonic())
        with self._lock, suppress(OSError):
            if self._begun and wanted(message):
                self._pipe.send_bytes(when + message)


def _leave(keeper: Keeper) -> None:
    if keeper.silence():
        time.sleep(LEAVE_S)


def _pass_on(pipe: Connection, keeper: Keeper, answers: Answers) -> None:
    """Until the engine hangs up, by intention or by death."""
    heard = time.monotonic()
    with suppress(EOFError, OSError):
        while True:
            if pipe.poll(keeper.patience()):
                heard = time.monotonic()
                _obey(pipe, keeper, answers)
            elif time.monotonic() - heard > STALL_S:
                keeper.silence()
            keeper.leave()


def _obey(pipe: Connection, keeper: Keeper, answers: Answers) -> None:
    if message := pipe.recv_bytes():
        keeper.take(message)
    else:
        answers.pulse()
