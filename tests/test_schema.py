"""The published schema is the one that the program speaks."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from notewire.bridge.schema import schema
from notewire.bridge.wire import Header, HealthMessage, NoteOnMessage, encode

PUBLISHED = Path(__file__).parent.parent / "docs" / "bus.schema.json"
NOTE = NoteOnMessage(1, 60, 80, 1.234, 1.262)


def valid(kind: str, text: bytes) -> bool:
    whole = json.loads(PUBLISHED.read_text())
    part = whole["properties"][kind] | {"$defs": whole["$defs"]}
    return jsonschema.Draft202012Validator(part).is_valid(json.loads(text))


def test_what_is_published_is_what_is_spoken() -> None:
    assert json.loads(PUBLISHED.read_text()) == schema()


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("header", encode(Header("a", 0, 0.0))),
        ("message", encode(NOTE)),
        ("message", encode(HealthMessage([NOTE]))),
        ("command", b'{"type":"sensitivity","value":0.7}'),
        ("answer", b'{"type":"refused","reason":"no"}'),
    ],
)
def test_what_is_said_fits_the_schema(kind: str, text: bytes) -> None:
    assert valid(kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("message", b'{"type":"note_on","id":1,"pitch":128,"velocity":80,"onset":0,"emitted":0}'),
        ("message", b'{"type":"note_on","id":1}'),
        ("command", b'{"type":"sensitivity","value":7}'),
        ("command", b'{"type":"explode"}'),
    ],
)
def test_what_is_refused_does_not_fit(kind: str, text: bytes) -> None:
    assert not valid(kind, text)
