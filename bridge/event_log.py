"""Notes and the pedal as JSON lines in a file: what is written stays, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ..streaming.contracts import Gesture, NoteEvent, NotewireError, Pedal
from .files import naming
from .sounding import Sounding
from .wire import Line, decode_line, encode, gesture_to_wire, to_wire


class EventLog:
    """One line for each event, handed to the system at once; ``rate`` is that of the events, Hz.

    Replaces a file that is already there and makes the folder it lies in. Raises NotewireError,
    here or in ``send``, if the file cannot be written.
    """

    name = "event log"

    def __init__(self, path: str | Path, rate: int) -> None:
        self.path, self.rate = Path(path), rate
        self._sounding = Sounding()
        with naming(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("wb", buffering=0)

    def send(self, event: NoteEvent) -> None:
        with naming(self.path):
            self._write(encode(to_wire(event, self.rate)) + b"\n")
        self._sounding.hear(event)

    def gesture(self, gesture: Gesture) -> None:
        """The pedal belongs in the log, too; bends would fill it."""
        if isinstance(gesture, Pedal):
            with naming(self.path):
                self._write(encode(gesture_to_wire(gesture, self.rate)) + b"\n")

    def close(self) -> None:
        """End in the log what still sounds, then close the file."""
        if self._file.closed:
            return
        try:
            for off in self._sounding.offs():
                self.send(off)
        finally:
            self._file.close()

    def _write(self, line: bytes) -> None:
        start = self._file.tell()
        if self._file.write(line) == len(line):
            return
        # A full disk takes a part of a line. Half a line would spoil the next one as well.
        self._file.seek(start)
        self._file.truncate()
        raise OSError("no room for the whole line")


def read_events(path: str | Path) -> Iterator[Line]:
    """The messages of a log, in order. Raises NotewireError that names the file and the line."""
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, start=1):
                yield _read(line, f"{path}, line {number}")
    except OSError as error:
        raise NotewireError(f"cannot read {path}: {error.strerror}; check the path") from error


def _read(line: bytes, place: str) -> Line:
    try:
        return decode_line(line)
    except msgspec.DecodeError as error:
        raise NotewireError(f"{place}: not an event: {error}; remove the line") from error
