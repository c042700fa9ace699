"""Random streams of notes, for the tests of everything that notes are sent to."""

from __future__ import annotations

from hypothesis import strategies as st

from notewire.streaming.contracts import NoteEvent, NoteOff, NoteOn

RATE = 16_000

# (which held note to end, or None to begin one; pitch; velocity; samples since the last event)
STEPS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 9),
        st.integers(60, 63),  # few keys, so that notes of one key overlap often
        st.integers(1, 127),
        st.integers(0, 3 * RATE),
    ),
    max_size=30,
)


def _stream(steps: list[tuple[int | None, int, int, int]]) -> list[NoteEvent]:
    events: list[NoteEvent] = []
    held: list[NoteOn] = []
    now = 0
    for number, (ended, pitch, velocity, gap) in enumerate(steps, start=1):
        now += gap
        if ended is None:
            held.append(NoteOn(number, pitch, velocity, max(0, now - 800), now))
            events.append(held[-1])
        elif held:
            note = held.pop(ended % len(held))
            events.append(NoteOff(note.id, note.pitch, max(now - 800, note.onset + 1), now))
    return events


# Each id begins once and ends at most once; what has not ended still sounds when the stream stops.
streams = STEPS.map(_stream)


def ons(events: list[NoteEvent]) -> list[int]:
    """Ids begun, in order."""
    return [event.id for event in events if isinstance(event, NoteOn)]


def offs(events: list[NoteEvent]) -> list[int]:
    """Ids ended, in order."""
    return [event.id for event in events if isinstance(event, NoteOff)]
