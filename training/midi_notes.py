"""A MIDI file's notes, read and written: as the keys are held, or as they sound, with the pedal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mido
import numpy as np
from numpy.typing import NDArray

from ..streaming.contracts import NotewireError
from .scores import Notes

SUFFIXES = ".mid", ".midi"
SUSTAIN = 64
DRUMS = 9  # the General MIDI channel that has no pitches
TICKS = 960  # of a quarter: at 120 a minute half a millisecond each
SECOND = 2 * TICKS
NO_PEDAL = np.zeros((0, 2))


class PedalledKeys:
    """Keys as a pianist holds them: the pedal, if it counts, keeps what the hand has let go."""

    def __init__(self, counts: bool) -> None:
        self._counts = counts
        self.notes: list[tuple[float, float, int, int]] = []
        self._held: dict[int, tuple[float, int]] = {}
        self._kept: set[int] = set()  # let go, but sounding on with the pedal
        self._pedal = False

    def hear(self, message: Any, now: float) -> None:
        if message.type == "control_change" and message.control == SUSTAIN:
            self._pedal = self._counts and message.value >= 64
            self._end([] if self._pedal else sorted(self._kept), now)
        elif message.type == "note_on" and message.velocity:
            self._end([message.note], now)
            self._held[message.note] = (now, message.velocity)
        elif message.type in ("note_on", "note_off") and message.note in self._held:
            self._kept.add(message.note)
            self._end([] if self._pedal else [message.note], now)

    def end_all(self, now: float) -> None:
        self._end(list(self._held), now)

    def _end(self, pitches: list[int], now: float) -> None:
        for pitch in pitches:
            onset, velocity = self._held.pop(pitch, (now, 0))
            self._kept.discard(pitch)
            if now > onset:
                self.notes.append((onset, now, pitch, velocity))


def midi_files(folder: Path) -> list[Path]:
    """All in a folder and those below it. Raises NotewireError where there is no such folder."""
    if not folder.is_dir():
        raise NotewireError(f"{folder}: no such folder")
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def midi_messages(path: Path, track: str = "") -> list[Any]:
    """Everything in a file, in order; raises NotewireError for one that is no MIDI file."""
    try:
        file = mido.MidiFile(path)
        if track:
            file.tracks = [each for each in file.tracks if each.name == track or not _plays(each)]
        return list(file)
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise NotewireError(f"{path}: not a MIDI file ({error})") from error


def _plays(track: mido.MidiTrack) -> bool:
    """Whether it has notes; another may have the tempo."""
    return any(message.type == "note_on" for message in track)


def read_midi(path: Path, track: str = "", sounding: bool = False) -> Notes:
    """Notes of a MIDI file, (n, 4) by onset, each until its key is released.

    track: the name of the only one to read; sounding: until the pedal lets it go.
    Raises NotewireError for a file that is no MIDI file.
    """
    return notes_in(midi_messages(path, track), sounding)


def notes_in(messages: list[Any], sounding: bool = False) -> Notes:
    """The same for what ``midi_messages`` read."""
    keys, now = PedalledKeys(sounding), 0.0
    for message in messages:
        now += message.time
        if getattr(message, "channel", DRUMS) != DRUMS:
            keys.hear(message, now)
    keys.end_all(now)
    return np.array(sorted(keys.notes), np.float64).reshape(-1, 4)


def write_midi(
    path: Path, notes: Notes, pedals: NDArray[np.float64] = NO_PEDAL, program: int = 0
) -> None:
    """A file that plays ``notes`` with a General MIDI program; pedals: (n, 2), down and up, s."""
    edges = [(on, 2, 0x90, pitch, velocity) for on, _, pitch, velocity in notes]
    edges += [(off, 0, 0x80, pitch, 0) for _, off, pitch, _ in notes]  # before it is struck again
    edges += [(down, 1, 0xB0, SUSTAIN, 127) for down, _ in pedals]
    edges += [(up, 0, 0xB0, SUSTAIN, 0) for _, up in pedals]
    track, now = mido.MidiTrack([mido.Message("program_change", program=program)]), 0
    for seconds, _, status, first, second in sorted(edges):
        tick, data = round(seconds * SECOND), [status, int(first), int(second)]
        track.append(mido.Message.from_bytes(data, time=tick - now))
        now = tick
    mido.MidiFile(tracks=[track], ticks_per_beat=TICKS).save(path)
