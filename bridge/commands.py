"""What a running engine may be asked over the bus, and what it answers; JSON or MessagePack.

``{"type":"panic"}``, ``{"type":"mode","mode":"fast"}``, ``{"type":"sensitivity","value":0.7}``,
``{"type":"transpose","semitones":2}``, ``{"type":"mute","on":true}``,
``{"type":"take","on":true}``, ``{"type":"reload"}``, ``{"type":"snapshot"}``.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .wire import Count, NoteOnMessage, decode_as


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request: what it does not know it refuses."""


class Panic(Command, frozen=True, tag="panic"):
    """End every note, on every output, now."""


class SetMode(Command, frozen=True, tag="mode"):
    """Listen for longer or shorter before speaking."""

    mode: Literal["fast", "balanced", "accurate"]


class SetSensitivity(Command, frozen=True, tag="sensitivity"):
    """0 misses more, 1 hears more."""

    value: Annotated[float, Meta(ge=0.0, le=1.0)]


class SetTranspose(Command, frozen=True, tag="transpose"):
    """Semitones added to what is sent from the next note on."""

    semitones: Annotated[int, Meta(ge=-48, le=48)]


class Mute(Command, frozen=True, tag="mute"):
    """Say nothing, or speak again."""

    on: bool


class Take(Command, frozen=True, tag="take"):
    """Begin a take, a MIDI file of its own, or end the one that is on."""

    on: bool


class Reload(Command, frozen=True, tag="reload"):
    """Read the settings again, and take what can be changed while playing."""


class Snapshot(Command, frozen=True, tag="snapshot"):
    """Say what sounds and how things stand; the first thing a client asks."""


AnyCommand = Panic | SetMode | SetSensitivity | SetTranspose | Mute | Take | Reload | Snapshot


class Done(msgspec.Struct, frozen=True, tag="done", omit_defaults=True):
    """It was done; ``but`` says what of it was not, ``file`` which take it was about."""

    but: str = ""
    file: str = ""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """It was not done."""

    reason: str


class Standing(msgspec.Struct, frozen=True, tag="snapshot"):
    """How things stand. What the bus publishes later has the ``seq`` given here or a higher one."""

    session: str
    seq: dict[str, Count]  # by topic: messages published so far
    held: list[NoteOnMessage]
    mode: str
    sensitivity: float
    transpose: int
    muted: bool


Answer = Done | Refused | Standing


def read_command(data: bytes) -> AnyCommand:
    """Raises ``msgspec.DecodeError``, which says what is wrong."""
    return decode_as(data, AnyCommand)  # pyright: ignore[reportArgumentType]: a union is no type


def read_answer(data: bytes) -> Answer:
    """Raises ``msgspec.DecodeError``."""
    return decode_as(data, Answer)  # pyright: ignore[reportArgumentType]
