"""The JSON Schema of all that goes over the bus: docs/bus.schema.json.

python -m notewire.bridge.schema > docs/bus.schema.json
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from .commands import Answer, AnyCommand
from .wire import VERSION, Header, Message

PARTS: dict[str, Any] = {
    "header": Header,  # of every message, before its body
    "message": Message,  # bodies, also the lines of the event log
    "command": AnyCommand,
    "answer": Answer,
}


def schema() -> dict[str, Any]:
    """JSON Schema 2020-12; ``properties`` are the four kinds of texts, see ``PARTS``."""
    parts, definitions = msgspec.json.schema_components(
        PARTS.values(), ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Notewire bus, version {VERSION}",
        "properties": dict(zip(PARTS, parts, strict=True)),
        "$defs": definitions,
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
