"""Recordings with aligned notes, in the layouts in which their authors publish them.

MAPS: ``.../MAPS_MUS-<title>_<instrument>.wav`` with a ``.txt`` (onset, offset, pitch) and a
``.mid`` (velocities) beside it; or the flac + tsv copy: ``flac/*.flac`` with
``tsv/matched/*.tsv`` or the ``.tsv`` beside the audio.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..streaming.contracts import NotewireError

AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".m4a")


@dataclass(frozen=True)
class Recording:
    """One audio file and the file that says its notes."""

    audio: Path
    labels: Path

    @property
    def name(self) -> str:
        return self.audio.stem

    @property
    def title(self) -> str:
        """The piece, whoever plays it: pieces recur across pianos, so splits go by title."""
        return self.name.removeprefix("MAPS_MUS-").rpartition("_")[0] or self.name

    @property
    def instrument(self) -> str:
        return self.name.rpartition("_")[2]

    def notes(self) -> NDArray[np.float64]:
        """(n, 4): onset s, offset s, MIDI pitch, velocity 0..127."""
        return read_notes(self.labels)


def find_recordings(paths: list[Path]) -> list[Recording]:
    """All labelled recordings among files and, recursively, folders, in a stable order."""
    files = [file for path in paths for file in audio_files(path)]
    return [Recording(file, labels) for file in files if (labels := _labels_of(file))]


def read_notes(path: Path) -> NDArray[np.float64]:
    """Read a tsv (onset, offset, pitch, velocity) or MAPS's txt with its MIDI file."""
    maps = path.suffix == ".txt"
    try:
        rows = np.loadtxt(path, ndmin=2, skiprows=1 if maps else 0)
    except ValueError as error:
        raise NotewireError(f"{path}: not a table of notes ({error})") from error
    columns = 3 if maps else 4
    if rows.size and rows.shape[1] < columns:
        raise NotewireError(f"{path}: a note has {columns} columns, here are {rows.shape[1]}")
    if not rows.size:
        return np.zeros((0, 4))
    if maps:
        return np.column_stack([rows[:, :3], _velocities(path.with_suffix(".mid"), rows)])
    return rows[:, :4]


def audio_files(path: Path) -> list[Path]:
    """A sound file, or all of a folder; raises NotewireError where there is neither."""
    if not path.exists():
        raise NotewireError(f"{path}: no such file or folder")
    if path.is_file():
        return [path]
    return sorted(p for p in path.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)


def _labels_of(audio: Path) -> Path | None:
    matched = audio.parent.parent / "tsv" / "matched" / f"{audio.stem}.tsv"
    candidates = (audio.with_suffix(".tsv"), matched, audio.with_suffix(".txt"))
    return next((path for path in candidates if path.is_file()), None)


def _velocities(midi: Path, rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Velocity of each note of MAPS's txt: that of the nearest MIDI note-on of its pitch."""
    import mido

    if not midi.is_file():
        raise NotewireError(f"{midi}: missing; MAPS keeps the velocities in it")
    struck: dict[int, list[tuple[float, int]]] = {}
    now = 0.0
    for message in mido.MidiFile(midi):
        now += message.time
        if message.type == "note_on" and message.velocity:
            struck.setdefault(message.note, []).append((now, message.velocity))
    return np.array(
        [_nearest(struck.get(int(pitch), []), onset) for onset, _, pitch in rows[:, :3]]
    )


def _nearest(struck: list[tuple[float, int]], onset: float) -> int:
    return min(struck, key=lambda hit: abs(hit[0] - onset), default=(0.0, 64))[1]
