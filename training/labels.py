"""Notes as the data sets write them: each format is read into one table.

(n, 4): onset s, offset s, MIDI pitch, velocity 0..127; 0 where the data set has no velocities.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..streaming.contracts import NotewireError
from .midi_notes import read_midi
from .scores import Notes

MUSICNET_RATE = 44_100  # its csv counts samples
UNKNOWN = 0.0  # velocity


def read_notes(path: Path) -> Notes:
    """A table of notes from a label file; the suffix says whose format it is.

    Raises NotewireError that names the file and what is wrong with it.
    """
    try:
        notes = READERS[path.suffix.lower()](path)
    except (ValueError, KeyError, TypeError) as error:
        raise NotewireError(f"{path}: not a table of notes ({error!r})") from error
    return np.asarray(notes, np.float64).reshape(-1, 4)


def _read_table(path: Path) -> Notes:
    """Onset, offset, pitch, velocity, separated by white space."""
    rows = np.loadtxt(path, ndmin=2)
    _need(path, rows, 4)
    return rows[:, :4] if rows.size else np.zeros((0, 4))


def _read_maps(path: Path) -> Notes:
    """MAPS (Emiya et al. 2010): onset, offset, pitch below a heading; velocities in the MIDI."""
    rows = np.loadtxt(path, ndmin=2, skiprows=1)
    _need(path, rows, 3)
    if not rows.size:
        return np.zeros((0, 4))
    return np.column_stack([rows[:, :3], _velocities(path.with_suffix(".mid"), rows)])


def _read_musicnet(path: Path) -> Notes:
    """MusicNet (Thickstun et al. 2017): a heading; times in samples; no velocities."""
    with path.open(newline="") as file:
        table = csv.DictReader(file)
        rows = list(table)
    if "start_time" not in (table.fieldnames or ()):
        raise ValueError("no column start_time")
    times = [(float(r["start_time"]), float(r["end_time"])) for r in rows]
    return np.array(
        [
            (on / MUSICNET_RATE, off / MUSICNET_RATE, float(row["note"]), UNKNOWN)
            for row, (on, off) in zip(rows, times, strict=True)
        ]
    )


def _read_guitarset(path: Path) -> Notes:
    """GuitarSet (Xi et al. 2018): JAMS with one ``note_midi`` annotation for each string."""
    said = json.loads(path.read_text())["annotations"]
    notes = [note for part in said if part["namespace"] == "note_midi" for note in part["data"]]
    rows = [
        (n["time"], n["time"] + n["duration"], round(float(n["value"])), UNKNOWN) for n in notes
    ]
    return np.array(sorted(rows))


READERS: dict[str, Callable[[Path], Notes]] = {
    ".tsv": _read_table,
    ".txt": _read_maps,
    ".csv": _read_musicnet,
    ".jams": _read_guitarset,
    ".mid": read_midi,
    ".midi": read_midi,
}


def _need(path: Path, rows: Notes, columns: int) -> None:
    if rows.size and rows.shape[1] < columns:
        raise NotewireError(f"{path}: a note has {columns} columns, here are {rows.shape[1]}")


def _velocities(midi: Path, rows: Notes) -> list[float]:
    """Velocity of each note of MAPS's txt: that of the nearest MIDI note-on of its pitch."""
    if not midi.is_file():
        raise NotewireError(f"{midi}: missing; MAPS keeps the velocities in it")
    struck: dict[int, list[tuple[float, float]]] = {}
    for onset, _, pitch, velocity in read_midi(midi):
        struck.setdefault(int(pitch), []).append((onset, velocity))
    return [_nearest(struck.get(int(pitch), []), onset) for onset, _, pitch in rows[:, :3]]


def _nearest(struck: list[tuple[float, float]], onset: float) -> float:
    return min(struck, key=lambda hit: abs(hit[0] - onset), default=(0.0, UNKNOWN))[1]
