"""One event to every sink, and no sink can harm another."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

import structlog

from ..streaming.contracts import NoteEvent, NoteOff, NoteOn, Sink
from .sounding import Sounding

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0

log = structlog.get_logger()


class Fanout:
    """Sends each event to each sink. A sink that raises is left out for a while and tried again.

    A sink has got an event if its ``send`` returned. It gets one note-off for each note-on that it
    got, late if it must be, and none for a note-on that it missed. ``clock`` gives seconds.
    """

    name = "fanout"

    def __init__(self, sinks: Iterable[Sink], clock: Callable[[], float] = time.monotonic) -> None:
        self._outlets = [_Outlet(sink, clock) for sink in sinks]

    def send(self, event: NoteEvent) -> None:
        for outlet in self._outlets:
            outlet.send(event)

    def retry(self) -> None:
        """Try the sinks left out whose time has come. Call it also while no notes come."""
        for outlet in self._outlets:
            outlet.settle()

    def close(self) -> list[str]:
        """End on every sink what sounds there and close it; a line for each that failed in that.

        Events sent later go nowhere; closing again does nothing.
        """
        outlets, self._outlets = self._outlets, []
        return [failure for outlet in outlets if (failure := outlet.close())]


class _Outlet:
    """One sink, what sounds there, and the note-offs it has yet to get."""

    def __init__(self, sink: Sink, clock: Callable[[], float]) -> None:
        self._sink, self._clock = sink, clock
        self._log = log.bind(sink=sink.name)
        self._sounding = Sounding()
        self._owed: list[NoteOff] = []
        self._pause = 0.0  # seconds; 0: the sink works
        self._try_at = float("-inf")

    def send(self, event: NoteEvent) -> None:
        self._sounding.now = max(self._sounding.now, event.emitted)
        if isinstance(event, NoteOn):
            self._begin(event)
        elif event.id in self._sounding.notes:
            self._sounding.hear(event)
            self._owed.append(event)
            self.settle()

    def settle(self) -> bool:
        """Pay the note-offs owed, if it is time to try; True when the sink has them all."""
        if self._clock() < self._try_at:
            return False
        while self._owed and self._got(self._owed[0]):
            del self._owed[0]
        return not self._owed

    def close(self) -> str | None:
        """What went wrong, if the sink could not keep or end what it was given."""
        last = self._owed + self._sounding.offs()
        missed = [off.pitch for off in last if self._fails(off)]
        try:
            self._sink.close()
        except Exception as error:
            return f"{self._sink.name}: {error}"
        return f"{self._sink.name}: missed the ends of pitches {missed}" if missed else None

    def _begin(self, note: NoteOn) -> None:
        if self.settle() and self._got(note):
            self._sounding.hear(note)

    def _got(self, event: NoteEvent) -> bool:
        error = self._fails(event)
        if error:
            self._leave_out(error)
        elif self._pause:
            self._log.info("sink works again")
            self._pause, self._try_at = 0.0, float("-inf")
        return error is None

    def _fails(self, event: NoteEvent) -> Exception | None:
        try:
            self._sink.send(event)
        except Exception as error:  # a sink may fail in ways of its own; the others go on
            return error
        return None

    def _leave_out(self, error: Exception) -> None:
        self._pause = min(max(2 * self._pause, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        self._try_at = self._clock() + self._pause
        self._log.warning("sink left out", error=str(error), retry_in_s=self._pause)
