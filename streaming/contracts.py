"""What passes between the stages. One clock: integer samples of the stream at the model's rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

LOWEST_PITCH = 21  # A0, the piano's first key, as a MIDI number
PITCHES = 88


class NotewireError(Exception):
    """Something the user can put right. The message names what is wrong and the cure."""


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """Mono audio and its place in the stream; ``start`` other than expected means a gap."""

    start: int  # index of samples[0], counted at the rate of the source
    samples: NDArray[np.float32]

    @property
    def end(self) -> int:
        return self.start + len(self.samples)


@dataclass(frozen=True, slots=True)
class NoteOn:
    """A note began at sample ``onset``; it was said when the stream stood at ``emitted``."""

    id: int
    pitch: int  # MIDI number
    velocity: int  # 1..127
    onset: int
    emitted: int


@dataclass(frozen=True, slots=True)
class NoteOff:
    """The note with this ``id`` ended at sample ``offset``, said at ``emitted``."""

    id: int
    pitch: int
    offset: int
    emitted: int


@dataclass(frozen=True, slots=True)
class Bend:
    """The sounding note with this ``id`` is ``cents`` above its key, at sample ``at``."""

    id: int
    pitch: int
    cents: float
    at: int
    emitted: int


@dataclass(frozen=True, slots=True)
class Pedal:
    """The sustain pedal went down or up at sample ``at``."""

    down: bool
    at: int
    emitted: int


NoteEvent = NoteOn | NoteOff
Gesture = Bend | Pedal  # what happens to notes that sound


class Sink(Protocol):
    """Where notes go. ``close`` may be called twice and leaves nothing sounding."""

    name: str

    def send(self, event: NoteEvent) -> None: ...

    def close(self) -> None: ...
