"""The bytes are fixed, and everything that is written can be read back."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notewire.bridge.wire import (
    Header,
    HealthMessage,
    LevelMessage,
    Message,
    NoteOffMessage,
    NoteOnMessage,
    StateMessage,
    decode,
    decode_header,
    decode_line,
    encode,
    from_wire,
    to_wire,
)
from notewire.streaming.contracts import NoteEvent, NoteOff, NoteOn, NotewireError

count, pitch, velocity = st.integers(0, 2**53), st.integers(0, 127), st.integers(1, 127)
number = st.floats(allow_nan=False, allow_infinity=False)
position = st.integers(0, 48_000 * 3600 * 24 * 30)  # a month at 48 kHz

on_messages = st.builds(NoteOnMessage, count, pitch, velocity, number, number)
messages = st.one_of(
    on_messages,
    st.builds(NoteOffMessage, count, pitch, number, number),
    st.builds(LevelMessage, number),
    st.builds(HealthMessage, st.lists(on_messages, max_size=5)),
    st.builds(StateMessage, st.text()),
)
events = st.builds(NoteOn, count, pitch, velocity, position, position) | st.builds(
    NoteOff, count, pitch, position, position
)


def test_the_bytes_of_a_note_on() -> None:
    assert encode(to_wire(NoteOn(1, 60, 80, 19_744, 20_192), 16_000)) == (
        b'{"type":"note_on","id":1,"pitch":60,"velocity":80,"onset":1.234,"emitted":1.262}'
    )


def test_the_bytes_of_a_note_off() -> None:
    assert encode(to_wire(NoteOff(1, 60, 33_600, 34_240), 16_000)) == (
        b'{"type":"note_off","id":1,"pitch":60,"offset":2.1,"emitted":2.14}'
    )


def test_the_bytes_of_a_header() -> None:
    assert encode(Header("ab12", 7, 1.5)) == b'{"session":"ab12","seq":7,"time":1.5,"version":1}'


@given(events, st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000, 192_000]))
def test_events_come_back_to_the_sample(event: NoteEvent, rate: int) -> None:
    assert from_wire(to_wire(event, rate), rate) == event


@given(messages)
def test_messages_come_back(message: Message) -> None:
    assert decode(encode(message)) == message


@given(st.builds(Header, st.text(), count, number))
def test_headers_come_back(header: Header) -> None:
    assert decode_header(encode(header)) == header


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"id":1,"pitch":60,"offset":2.1,"emitted":2.14}',
        b'{"type":"note_off","id":1,"pitch":60,"offset":2.1}',
        b'{"type":"note_off","id":1,"pitch":128,"offset":2.1,"emitted":2.14}',
        b'{"type":"note_on","id":1,"pitch":60,"velocity":0,"onset":1,"emitted":1}',
        b'{"type":"cowbell","id":1}',
    ],
)
def test_what_breaks_the_schema_is_refused(data: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(data)


def test_a_reader_of_notes_takes_nothing_else() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_line(encode(LevelMessage(-20.0)))


def test_another_version_is_refused_by_number() -> None:
    with pytest.raises(NotewireError, match=r"version 2 .* version 1; update"):
        decode_header(b'{"session":"ab12","seq":7,"time":1.5,"version":2}')
