"""What leaves the program: one schema for the event log and for the bus, version 1.

It is written as JSON, or on the bus as MessagePack; who reads need not know which, for a map in
MessagePack begins with a byte that no JSON text has. A message says what it is in ``type``. Times
are seconds of the input stream, rounded to a microsecond, which keeps every sample apart at any
rate below 1 MHz.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from ..streaming.contracts import Bend, Gesture, NoteEvent, NoteOff, NoteOn, NotewireError, Pedal
from ..streaming.corrections import Correction, Revoke, Update

VERSION = 1
Codec = Literal["json", "msgpack"]
Kind = TypeVar("Kind")

Pitch = Annotated[int, Meta(ge=0, le=127)]  # MIDI number
Velocity = Annotated[int, Meta(ge=1, le=127)]
Count = Annotated[int, Meta(ge=0)]


class NoteOnMessage(msgspec.Struct, frozen=True, tag="note_on"):
    """A note began at ``onset``; it was said when the stream stood at ``emitted``."""

    id: Count
    pitch: Pitch
    velocity: Velocity
    onset: float
    emitted: float


class NoteOffMessage(msgspec.Struct, frozen=True, tag="note_off"):
    """The note with this ``id`` ended at ``offset``."""

    id: Count
    pitch: Pitch
    offset: float
    emitted: float


class NoteRevokeMessage(msgspec.Struct, frozen=True, tag="note_revoke"):
    """A longer look did not hear the note with this ``id``: as if it had never been said."""

    id: Count
    pitch: Pitch
    emitted: float


class NoteUpdateMessage(msgspec.Struct, frozen=True, tag="note_update"):
    """A longer look heard the note with this ``id`` better."""

    id: Count
    pitch: Pitch
    velocity: Velocity
    onset: float
    emitted: float


class NoteBendMessage(msgspec.Struct, frozen=True, tag="note_bend"):
    """The sounding note with this ``id`` was so many cents above its key at second ``at``."""

    id: Count
    pitch: Pitch
    cents: float
    at: float
    emitted: float


class PedalMessage(msgspec.Struct, frozen=True, tag="pedal"):
    """The sustain pedal went down or up at second ``at``."""

    down: bool
    at: float
    emitted: float


class LevelMessage(msgspec.Struct, frozen=True, tag="level"):
    """How loud the input is."""

    db: float  # dBFS


class TempoMessage(msgspec.Struct, frozen=True, tag="tempo"):
    """The DAW's song came to a beat, or stopped, at second ``at`` of the stream."""

    bpm: float  # 0: not known yet
    beat: float  # from the song's beginning, 0 is its first
    running: bool
    at: float


class TakeMessage(msgspec.Struct, frozen=True, tag="take"):
    """A take began, or was written to its file, which is empty where it had no notes."""

    on: bool
    file: str


class LatencyMessage(msgspec.Struct, frozen=True, tag="latency"):
    """From a note's onset to its being said, of recent notes, seconds, and what it is made of."""

    median: float
    p95: float
    look_ahead: float  # listening on, to the end of the hop that tells
    engine: float  # blocks that fill, computing, queues
    input: float | None  # the sound card's share; null until `notewire calibrate` has measured it
    midi: float | None = None  # then, on the way to the MIDI port; null where there is none


class HealthMessage(msgspec.Struct, frozen=True, tag="health"):
    """The heartbeat: every note that sounds, so that who came late or slept can catch up."""

    held: list[NoteOnMessage]
    pedal: bool = False  # whether the sustain pedal is down


class StateMessage(msgspec.Struct, frozen=True, tag="state"):
    """What the publisher does, in one word; the last one is ``stopped``."""

    state: str


NoteMessage = NoteOnMessage | NoteOffMessage
CorrectionMessage = NoteMessage | NoteRevokeMessage | NoteUpdateMessage
GestureMessage = NoteBendMessage | PedalMessage
Line = NoteMessage | PedalMessage  # of an event log
Notes = CorrectionMessage | GestureMessage
Reports = TakeMessage | LevelMessage | LatencyMessage | HealthMessage | StateMessage
Message = Notes | TempoMessage | Reports


class Header(msgspec.Struct, frozen=True):
    """Goes before each message on the bus."""

    session: str  # another one: the publisher was started anew, nothing of before sounds
    seq: Count  # counts the messages of this topic; a jump means that some were lost
    time: float  # stream position of the publisher, seconds
    version: int = VERSION


def to_wire(event: NoteEvent, rate: int) -> NoteMessage:
    """Samples at ``rate`` to seconds. This is the reverse of ``from_wire``."""
    emitted = seconds(event.emitted, rate)
    if isinstance(event, NoteOn):
        onset = seconds(event.onset, rate)
        return NoteOnMessage(event.id, event.pitch, event.velocity, onset, emitted)
    return NoteOffMessage(event.id, event.pitch, seconds(event.offset, rate), emitted)


def correction_to_wire(correction: Correction, rate: int) -> CorrectionMessage:
    """Samples at ``rate`` to seconds."""
    emitted = seconds(correction.emitted, rate)
    match correction:
        case Revoke(id, pitch):
            return NoteRevokeMessage(id, pitch, emitted)
        case Update(id, pitch, velocity, onset):
            return NoteUpdateMessage(id, pitch, velocity, seconds(onset, rate), emitted)
        case NoteOn() | NoteOff():
            return to_wire(correction, rate)


def gesture_to_wire(gesture: Gesture, rate: int) -> GestureMessage:
    """Samples at ``rate`` to seconds."""
    at, emitted = seconds(gesture.at, rate), seconds(gesture.emitted, rate)
    if isinstance(gesture, Bend):
        return NoteBendMessage(gesture.id, gesture.pitch, gesture.cents, at, emitted)
    return PedalMessage(gesture.down, at, emitted)


def from_wire(message: NoteMessage, rate: int) -> NoteEvent:
    """Seconds to samples at ``rate``. This is the reverse of ``to_wire``."""
    emitted = round(message.emitted * rate)
    if isinstance(message, NoteOnMessage):
        onset = round(message.onset * rate)
        return NoteOn(message.id, message.pitch, message.velocity, onset, emitted)
    return NoteOff(message.id, message.pitch, round(message.offset * rate), emitted)


def pedal_from_wire(message: PedalMessage, rate: int) -> Pedal:
    """Seconds to samples at ``rate``."""
    return Pedal(message.down, round(message.at * rate), round(message.emitted * rate))


def seconds(samples: int, rate: int) -> float:
    """A stream position as it is written: seconds, to a microsecond."""
    return round(samples / rate, 6)


def encode(message: msgspec.Struct, codec: Codec = "json") -> bytes:
    """One line of JSON, or MessagePack. This is the reverse of ``decode`` and ``decode_header``."""
    return msgspec.json.encode(message) if codec == "json" else msgspec.msgpack.encode(message)


def codec_of(data: bytes) -> Codec:
    """How an encoded object is written."""
    return "msgpack" if data[:1] >= b"\x80" else "json"


def decode_as(data: bytes, kind: type[Kind]) -> Kind:
    """Read an object however it is written. Raises ``msgspec.DecodeError``: what is wrong."""
    reader = msgspec.json if codec_of(data) == "json" else msgspec.msgpack
    try:
        return reader.decode(data, type=kind)
    except (RecursionError, UnicodeDecodeError) as error:
        raise msgspec.DecodeError(str(error)) from error


def decode(data: bytes) -> Message:
    """Read a message. Raises ``msgspec.DecodeError``, which says what is wrong with it."""
    return decode_as(data, Message)  # pyright: ignore[reportArgumentType]: a union is no type


def decode_line(data: bytes) -> Line:
    """As ``decode``, where nothing but notes and the pedal belongs."""
    return decode_as(data, Line)  # pyright: ignore[reportArgumentType]


def decode_header(data: bytes) -> Header:
    """Read a header. Raises NotewireError for another version, ``msgspec.DecodeError`` if bad."""
    version = decode_as(data, dict[str, Any]).get("version")
    if version != VERSION:
        raise NotewireError(
            f"the publisher speaks version {version} of the schema and this program version "
            f"{VERSION}; update the older of the two"
        )
    return decode_as(data, Header)
