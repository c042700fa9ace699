"""Carry the pedal of a piece's MIDI over to a recording of the same performance.

    python -m notewire.training.pedalling MIDI_FOLDER RECORDINGS...

MAPS was played by machines from MIDI files; where only its notes are at hand, the files are still
to be had (piano-midi.de), the pedal in them. Notes pair up pitch by pitch; what lies between
them follows, so that a changed tempo does no harm. Writes ``.pedal`` beside the notes of each
recording whose title is the name of a MIDI file and whose notes are the same.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from .midi_notes import midi_files, read_midi
from .pedals import SUFFIX, Pedals, midi_pedals
from .recordings import Recording, find_recordings
from .scores import Notes

PAIRED = 0.5  # share of the notes that must have found their like
CLOSE = 0.05  # s from what the notes around say
AROUND = 9  # notes


def pedals_of(recording: Notes, midi: Path) -> Pedals | None:
    """The pedals of ``midi`` in the time of ``recording``; None where it plays other notes."""
    pairs = _pairs(read_midi(midi), recording)
    if len(pairs) < PAIRED * len(recording):
        return None
    late = pairs[:, 1] - pairs[:, 0]
    usual = median_filter(late, AROUND, mode="nearest")
    close = np.abs(late - usual) < CLOSE
    if close.mean() < 1 - PAIRED / 2:
        return None
    moved = np.interp(midi_pedals(midi), pairs[close, 0], usual[close]) + midi_pedals(midi)
    return moved[moved[:, 1] > moved[:, 0]]


def _pairs(played: Notes, heard: Notes) -> NDArray[np.float64]:
    """(n, 2) onsets, of the pitches that both strike equally often, by time."""
    pairs = [np.zeros((0, 2))]
    for pitch in np.unique(heard[:, 2]):
        one, other = (np.sort(notes[notes[:, 2] == pitch, 0]) for notes in (played, heard))
        if len(one) == len(other):
            pairs.append(np.column_stack([one, other]))
    found = np.concatenate(pairs)
    return found[np.argsort(found[:, 0], kind="stable")]


def write_pedals(midis: Path, recordings: list[Recording]) -> int:
    """How many recordings have got their pedals; those that know them are left alone."""
    known, written = {path.stem.lower(): path for path in midi_files(midis)}, 0
    for recording in (each for each in recordings if each.pedals() is None):
        midi = known.get(recording.title.lower())
        pedals = pedals_of(recording.notes(), midi) if midi else None
        if pedals is not None:
            np.savetxt(recording.labels.with_suffix(SUFFIX), pedals, fmt="%.6f", delimiter="\t")
            written += 1
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("midis", type=Path)
    parser.add_argument("recordings", type=Path, nargs="+")
    given = parser.parse_args()
    recordings = find_recordings(given.recordings)
    written = write_pedals(given.midis, recordings)
    print(f"{written} of {len(recordings)} recordings have got their pedals")


if __name__ == "__main__":
    main()
