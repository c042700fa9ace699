"""What sounds at one place, kept in one way by every sink that has to end it."""

from __future__ import annotations

from dataclasses import replace

from ..streaming.contracts import NoteEvent, NoteOff, NoteOn
from ..streaming.corrections import Correction, Revoke


class Sounding:
    """The notes begun and not yet ended, oldest first, and the newest stream position heard of."""

    def __init__(self) -> None:
        self.notes: dict[int, NoteOn] = {}  # by id
        self.now = 0  # samples

    def hear(self, event: NoteEvent) -> None:
        """Keep the books. A note-off for a note that does not sound changes nothing."""
        self.now = max(self.now, event.emitted)
        if isinstance(event, NoteOn):
            self.notes[event.id] = event
        else:
            self.notes.pop(event.id, None)

    def correct(self, correction: Correction) -> None:
        """Keep the books of what a longer look came to."""
        if isinstance(correction, NoteOn | NoteOff):
            self.hear(correction)
        elif isinstance(correction, Revoke):
            self.notes.pop(correction.id, None)
        elif note := self.notes.get(correction.id):
            better = replace(note, velocity=correction.velocity, onset=correction.onset)
            self.notes[correction.id] = better

    def offs(self) -> list[NoteOff]:
        """One note-off, now, for each note. They count as sounding until ``hear`` is told."""
        return [
            NoteOff(note.id, note.pitch, max(self.now, note.onset + 1), self.now)
            for note in self.notes.values()
        ]
