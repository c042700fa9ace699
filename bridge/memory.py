"""The smallest sink: a list. The test double of every other one."""

from __future__ import annotations

from ..streaming.contracts import NoteEvent


class MemorySink:
    """Keeps what it is sent, in order. Raises ValueError for what comes after ``close``."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.events: list[NoteEvent] = []
        self.closed = False

    def send(self, event: NoteEvent) -> None:
        if self.closed:
            raise ValueError(f"{self.name} is closed")
        self.events.append(event)

    def close(self) -> None:
        self.closed = True
