"""Two opinions of the same sound: what the first, which spoke soon, has to take back.

The second has listened longer. A note of the first that it hears too is put right, one that it
does not hear is taken back, and one that only it hears is added, late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .contracts import NoteEvent, NoteOff, NoteOn

SAME_S = 0.05  # apart at most are two onsets of one note, seconds
ADDED = 1 << 40  # ids of added notes begin here, out of the way of the others


@dataclass(frozen=True, slots=True)
class Revoke:
    """The note with this ``id`` was none: as if it had never been said."""

    id: int
    pitch: int
    emitted: int


@dataclass(frozen=True, slots=True)
class Update:
    """The note with this ``id`` was heard better: its velocity, 1..127, and its onset."""

    id: int
    pitch: int
    velocity: int
    onset: int
    emitted: int


Correction = NoteEvent | Revoke | Update  # a NoteEvent of an added note


class Corrector:
    """Told what both said, it says what is to be corrected. rate: of the events, Hz."""

    def __init__(self, rate: int) -> None:
        self._same = round(SAME_S * rate)
        self._doubtful: dict[int, NoteOn] = {}  # of the first, not yet heard by the second
        self._added: set[int] = set()

    def first(self, event: NoteEvent) -> None:
        """Whoever spoke soon said this."""
        if isinstance(event, NoteOn):
            self._doubtful[event.id] = event

    def second(self, event: NoteEvent) -> list[Correction]:
        """And this is what the longer look came to."""
        if isinstance(event, NoteOff):
            return self._ended(event)
        note = self._heard_too(event)
        if note is None:
            self._added.add(event.id)
            return [replace(event, id=ADDED + event.id)]
        del self._doubtful[note.id]
        if (note.onset, note.velocity) == (event.onset, event.velocity):
            return []
        return [Update(note.id, note.pitch, event.velocity, event.onset, event.emitted)]

    def judged(self, since: int, until: int, now: int) -> list[Revoke]:
        """The second has heard all from ``since`` to ``until``; the stream stands at ``now``.

        All in samples. What is older stays as it was said: the stream broke off in between.
        """
        # the network may answer one hop late, and its onsets are believed to within SAME_S
        past = [n for n in self._doubtful.values() if n.onset + 2 * self._same < until]
        for note in past:
            del self._doubtful[note.id]
        return [Revoke(n.id, n.pitch, now) for n in past if n.onset >= since]

    def _heard_too(self, event: NoteOn) -> NoteOn | None:
        near = [n for n in self._doubtful.values() if n.pitch == event.pitch]
        near = [n for n in near if abs(n.onset - event.onset) <= self._same]
        return min(near, key=lambda note: abs(note.onset - event.onset), default=None)

    def _ended(self, event: NoteOff) -> list[Correction]:
        if event.id not in self._added:
            return []
        self._added.discard(event.id)
        return [replace(event, id=ADDED + event.id)]
