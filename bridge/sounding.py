"""What sounds at one place, kept in one way by every sink that has to end it."""

from __future__ import annotations

from ..streaming.contracts import NoteEvent, NoteOff, NoteOn


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

    def offs(self) -> list[NoteOff]:
        """One note-off, now, for each note. They count as sounding until ``hear`` is told."""
        return [
            NoteOff(note.id, note.pitch, max(self.now, note.onset + 1), self.now)
            for note in self.notes.values()
        ]
