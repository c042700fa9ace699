"""``notewire control``: what a person types to what the engine understands."""

from __future__ import annotations

from pathlib import Path

import msgspec

from ..bridge.commands import AnyCommand, Done, Refused
from ..bridge.control import ask, control_address
from ..streaming.contracts import NotewireError
from .config import BusConfig
from .remote_words import EVERYTHING, PLAIN, SWITCHES, VALUES


def tell(what: str, value: str | None, bus: BusConfig, keys: Path | None = None) -> str:
    """Ask the engine; its answer as text. Raises NotewireError if it refuses or is not there.

    keys: the client's folder, where the engine asks for one.
    """
    where = bus.control or control_address(bus.address)
    answer = ask(where, _command(what, value), keys)
    if isinstance(answer, Refused):
        raise NotewireError(f"{what}: refused: {answer.reason}")
    if isinstance(answer, Done):
        but = f", but {answer.but}" if answer.but else ""
        return f"done{but}{f': {answer.file}' if answer.file else ''}"
    return msgspec.json.encode(answer).decode()


def _command(what: str, value: str | None) -> AnyCommand:
    try:
        return msgspec.convert(_fields(what, value), AnyCommand, strict=False)
    except msgspec.ValidationError as error:
        raise NotewireError(f"{what} {value or ''}: {error}") from error


def _fields(what: str, value: str | None) -> dict[str, object]:
    if what in SWITCHES:
        kind, on = SWITCHES[what]
        return {"type": kind, "on": on}
    if what in VALUES:
        if value is None:
            raise NotewireError(f"{what}: give a value, as in `notewire control {what} ...`")
        return {"type": what, VALUES[what]: value}
    if what not in PLAIN:
        raise NotewireError(f"'{what}' is no command; there are {EVERYTHING}")
    return {"type": what}
