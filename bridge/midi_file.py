"""Notes as a Standard MIDI File, placed where they were played, not when they were heard."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from functools import partial
from itertools import count
from pathlib import Path
from typing import NamedTuple

import mido
import structlog

from ..streaming.contracts import Gesture, NoteEvent, NoteOff, Pedal
from ..streaming.tempo import TempoMap
from .files import naming
from .grid import TICKS_PER_BEAT, Grid, grid
from .journal import Journal, rescue
from .midi_port import RELEASE_VELOCITY, SUSTAIN
from .sounding import Sounding
from .wire import Line, PedalMessage, from_wire, pedal_from_wire

JOURNAL_RATE = 1_000_000  # Hz: a journal is in microseconds

log = structlog.get_logger()


class _Note(NamedTuple):
    pitch: int
    start: int  # ticks; samples, as long as the take goes on
    end: int  # after start
    velocity: int


class _Edge(NamedTuple):
    """What happens at a tick; in this order where there is more than one."""

    tick: int
    rank: int  # an end comes before a beginning, the pedal goes up first and down last
    kind: str
    values: tuple[int, int]


class MidiFile:
    """Keeps the notes and writes the whole file in ``close``, or leaves the old one.

    ``rate`` is that of the events, Hz; ``tempo``: the beats of a song that the notes go with, which
    may grow until ``close``; ``begin``: the sample at which the file begins. Makes the folder the
    file lies in. Raises NotewireError if the folder cannot be written now, or the file in
    ``close``, which may then be tried again. A take that a crash cut off is saved beside it by the
    next one of its name.
    """

    name = "MIDI file"

    def __init__(
        self, path: str | Path, rate: int, tempo: TempoMap | None = None, begin: int = 0
    ) -> None:
        self.path, self.rate, self._tempo, self._begin = Path(path), rate, tempo, begin
        self._sounding = Sounding()
        self._notes = array("q")  # four numbers a note: hours of playing must stay small
        self._pedals = array("q")  # two numbers a movement: the sample, 1 or 0
        self._written = False
        with naming(self.path):
            self._check_place()
        rescue(self.path, partial(_save, self.path))
        self._journal = Journal(self.path, rate)

    def send(self, event: NoteEvent) -> None:
        """Keep the note. Not after ``close`` has written the file."""
        if self._written:
            raise ValueError(f"{self.path} is already written")
        self._journal.send(event)
        begun = self._sounding.notes.get(event.id)
        if isinstance(event, NoteOff) and begun:
            end = max(event.offset, begun.onset + 1)
            self._notes.extend(_Note(begun.pitch, begun.onset, end, begun.velocity))
        self._sounding.hear(event)

    def gesture(self, gesture: Gesture) -> None:
        """Keep what the pedal did; a file has no bends."""
        if isinstance(gesture, Pedal) and not self._written:
            self._journal.gesture(gesture)
            self._pedals.extend((gesture.at, int(gesture.down)))

    @property
    def notes(self) -> int:
        """How many there are, those that sound included."""
        return len(self._notes) // len(_Note._fields) + len(self._sounding.notes)

    def abandon(self) -> None:
        """Leave no file."""
        self._written = True
        self._journal.discard()

    def close(self) -> None:
        """End what still sounds, let the pedal up and write the file."""
        if self._written:
            return
        for off in self._sounding.offs():
            self.send(off)
        if self._pedals and self._pedals[-1]:
            self.gesture(Pedal(False, self._sounding.now, self._sounding.now))
        with naming(self.path):
            self._write()
        self._written = True
        self._journal.discard()

    def _check_place(self) -> None:
        """Fail at the start of the music rather than at its end."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.path.is_dir():
            raise IsADirectoryError(0, "it is a folder")
        if not os.access(self.path.parent, os.W_OK):
            raise PermissionError(0, "the folder is not writable")

    def _write(self) -> None:
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                notes = map(_Note._make, zip(*[iter(self._notes)] * 4, strict=True))
                pedals = zip(*[iter(self._pedals)] * 2, strict=True)
                _score(notes, pedals, grid(self._tempo, self.rate, self._begin)).save(file=file)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self.path)
        finally:
            part.unlink(missing_ok=True)


def rescue_all(folder: Path) -> None:
    """Save every take of a folder that was cut off, beside where it would have been."""
    names = {journal.name[1:].rsplit(".", 2)[0] for journal in folder.glob(".*.mid.*.notes")}
    for name in sorted(names):
        rescue(folder / name, partial(_save, folder / name))


def _save(path: Path, lines: list[Line]) -> None:
    """An earlier take, under a name that is free: take-saved-1.mid and so on."""
    if all(isinstance(line, PedalMessage) for line in lines):
        return
    names = (path.with_stem(f"{path.stem}-saved-{number}") for number in count(1))
    saved = MidiFile(next(name for name in names if not name.exists()), JOURNAL_RATE)
    for line in lines:
        if isinstance(line, PedalMessage):
            saved.gesture(pedal_from_wire(line, JOURNAL_RATE))
        else:
            saved.send(from_wire(line, JOURNAL_RATE))
    saved.close()
    log.warning("an earlier take was cut off; saved", file=str(saved.path))


def _score(notes: Iterable[_Note], pedals: Iterable[tuple[int, int]], grid: Grid) -> mido.MidiFile:
    """Format 1: a track that says what the ticks mean, and one of notes and the pedal."""
    edges = [*_edges(_untangled(_placed(note, grid) for note in notes)), *_treads(pedals, grid)]
    tracks = [grid.track(), _track(edges)]
    return mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_BEAT, tracks=tracks)


def _placed(note: _Note, grid: Grid) -> _Note:
    """From samples to ticks."""
    start = grid.ticks(note.start)
    return note._replace(start=start, end=max(grid.ticks(note.end), start + 1))


def _track(edges: Iterable[_Edge]) -> mido.MidiTrack:
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="Notewire")])
    before = 0
    for tick, _, kind, (number, value) in sorted(edges):
        names = ("control", "value") if kind == "control_change" else ("note", "velocity")
        values = dict(zip(names, (number, value), strict=True))
        track.append(mido.Message(kind, **values, time=tick - before))
        before = tick
    return track


def _edges(notes: Iterable[_Note]) -> Iterable[_Edge]:
    for note in notes:
        yield _Edge(note.start, 2, "note_on", (note.pitch, note.velocity))
        yield _Edge(note.end, 1, "note_off", (note.pitch, RELEASE_VELOCITY))


def _treads(pedals: Iterable[tuple[int, int]], grid: Grid) -> Iterable[_Edge]:
    for sample, down in pedals:
        values = SUSTAIN, 127 * down
        yield _Edge(grid.ticks(sample), 3 * down, "control_change", values)


def _untangled(notes: Iterable[_Note]) -> list[_Note]:
    """Notes of one key end where its next one begins; two of one tick become one."""
    clean: list[_Note] = []
    for note in sorted(notes):
        last = clean.pop() if clean else None
        clean += _pair(last, note) if last else [note]
    return clean


def _pair(last: _Note, note: _Note) -> list[_Note]:
    if last.pitch != note.pitch or last.end <= note.start:
        return [last, note]
    if last.start == note.start:
        return [note._replace(velocity=max(last.velocity, note.velocity))]
    return [last._replace(end=note.start), note]
