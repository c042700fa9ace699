"""When the sustain pedal is down: from MIDI, or from a file of its own beside a table of notes.

A table of pedals is (n, 2): down s, up s. A MIDI file tells all; for ``x.tsv`` it is ``x.pedal``,
two columns of text; where there is neither nobody knows, which is None.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..streaming.contracts import NotewireError
from .midi_notes import SUSTAIN, midi_messages
from .scores import Notes

Pedals = NDArray[np.float64]
SUFFIX = ".pedal"
PITCH = 64  # pedals are scored as notes of one pitch


def read_pedals(labels: Path) -> Pedals | None:
    """The pedals that belong to a label file. Raises NotewireError for a file that is broken."""
    midi = labels.with_suffix(".mid") if labels.suffix == ".txt" else labels
    if midi.suffix.lower() in (".mid", ".midi"):
        return midi_pedals(midi)
    path = labels.with_suffix(SUFFIX)
    if not path.is_file():
        return None
    try:
        rows = np.array(path.read_text().split(), np.float64)
        return rows.reshape(-1, 2)
    except ValueError as error:
        raise NotewireError(f"{path}: not a table of pedals ({error})") from error


def midi_pedals(path: Path) -> Pedals:
    """Raises NotewireError for a file that is no MIDI file."""
    return pedals_in(midi_messages(path))


def pedals_in(messages: list[Any]) -> Pedals:
    """Of what ``midi_messages`` read."""
    pedals, now, down = list[tuple[float, float]](), 0.0, None
    for message in messages:
        now += message.time
        if message.type != "control_change" or message.control != SUSTAIN:
            continue
        if message.value >= 64:
            down = now if down is None else down
        elif down is not None:
            pedals, down = [*pedals, (down, now)], None
    if down is not None:
        pedals.append((down, now))
    return np.array(pedals, np.float64).reshape(-1, 2)


def pedal_targets(
    pedals: Pedals | None, hops: int, hop: float, look_aheads: list[float]
) -> NDArray[np.float32]:
    """(hops, look-aheads): 1 down, 0 up, NaN unknown; rows as in targets.py, all in seconds."""
    if pedals is None:
        return np.full((hops, len(look_aheads)), np.nan, np.float32)
    middle = (np.arange(hops) + 0.5)[:, None] * hop - np.array(look_aheads)
    begun = np.searchsorted(pedals[:, 0], middle, side="right")
    ended = np.searchsorted(pedals[:, 1], middle, side="right")
    return (begun > ended).astype(np.float32)


def as_notes(pedals: Pedals) -> Notes:
    """For the scores of notes: each pedal a note."""
    return np.column_stack([pedals, np.full((len(pedals), 2), PITCH)])
