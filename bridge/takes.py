"""A folder of takes: while one is on, its notes become a MIDI file of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import count
from pathlib import Path

from ..streaming.contracts import Gesture, NoteEvent
from ..streaming.tempo import TempoMap
from .files import naming
from .midi_file import MidiFile, rescue_all


class Takes:
    """``start`` and ``stop`` takes; files are named by day and time. None is on at first.

    rate, tempo: see ``MidiFile``. A take without notes leaves no file. Takes that a crash cut off
    are saved now. Raises NotewireError if the folder cannot be had, or a file written.
    """

    name = "takes"

    def __init__(
        self,
        folder: Path,
        rate: int,
        tempo: TempoMap | None = None,
        *,
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        self._folder, self._rate, self._tempo, self._clock = folder, rate, tempo, clock
        self._take: MidiFile | None = None
        with naming(folder):
            folder.mkdir(parents=True, exist_ok=True)
        rescue_all(folder)

    def start(self, at: int) -> Path:
        """A new take, from sample ``at`` on; one that is on is written first. Its file."""
        self.stop()
        self._take = MidiFile(self._free(), self._rate, self._tempo, begin=at)
        return self._take.path

    def stop(self) -> Path | None:
        """Write the take that is on; its file, None where there is nothing to write."""
        take = self._take
        if take is None:
            return None
        if not take.notes:
            take.abandon()
        take.close()
        self._take = None
        return take.path if take.notes else None

    def send(self, event: NoteEvent) -> None:
        if self._take:
            self._take.send(event)

    def gesture(self, gesture: Gesture) -> None:
        if self._take:
            self._take.gesture(gesture)

    def close(self) -> None:
        """May be called twice."""
        self.stop()

    def _free(self) -> Path:
        """A name that nothing has."""
        stem = f"take-{self._clock():%Y%m%d-%H%M%S}"
        names = (f"{stem}.mid" if n == 1 else f"{stem}-{n}.mid" for n in count(1))
        return next(path for name in names if not (path := self._folder / name).exists())
