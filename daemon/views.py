"""What a person sees while it runs. The engine tells; how it is drawn is not its business."""

from __future__ import annotations

import multiprocessing
import queue
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from ..bridge.signals import ignore_stop_signals, stop_signals_held
from ..streaming.contracts import NoteEvent, NoteOn
from .meters import Summary

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
NORMAL_SCREEN = "\x1b[?1049l\x1b[?25h"  # leave the alternate screen, show the cursor
QUEUED = 500  # messages that a slow terminal may lag behind before it misses some


@dataclass(frozen=True, slots=True)
class Status:
    """The state of a run: input level in dBFS, and what was measured so far."""

    level_db: float
    summary: Summary | None


class View(Protocol):
    """``latency`` and ``now`` in seconds; latency is None for the end of a note."""

    def note(self, event: NoteEvent, now: float, latency: float | None) -> None: ...

    def status(self, status: Status) -> None: ...

    def close(self) -> None: ...


def note_name(pitch: int) -> str:
    """60 is C4."""
    return f"{NAMES[pitch % 12]}{pitch // 12 - 1}"


class NoView:
    """Shows nothing."""

    def note(self, event: NoteEvent, now: float, latency: float | None) -> None: ...

    def status(self, status: Status) -> None: ...

    def close(self) -> None: ...


class PlainView(NoView):
    """A line a note, for pipes, logs and screen readers."""

    def note(self, event: NoteEvent, now: float, latency: float | None) -> None:
        if isinstance(event, NoteOn) and latency is not None:
            name = note_name(event.pitch)
            said = f"{1000 * latency:4.0f} ms after it sounded"
            with suppress(OSError):  # a full disk, a pipe that nobody reads any more
                print(f"{now:8.2f} s  {name:<4} velocity {event.velocity:3}  {said}", flush=True)


class TerminalView:
    """The live view, drawn by a process of its own: a slow terminal never delays a note."""

    def __init__(self, title: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._queue: Any = context.Queue(QUEUED)
        self._process = context.Process(target=_draw, args=(title, self._queue), daemon=True)
        with stop_signals_held():
            self._process.start()

    def note(self, event: NoteEvent, now: float, latency: float | None) -> None:
        self._tell(event)

    def status(self, status: Status) -> None:
        self._tell(status)

    def close(self) -> None:
        """Give the terminal back, by force if it is stalled."""
        while self._process.is_alive() and not self._tell(None):
            with suppress(queue.Empty):
                self._queue.get_nowait()  # make room
        self._process.join(1.0)
        if self._process.is_alive():
            self._process.kill()
            print(NORMAL_SCREEN, end="", flush=True)
        self._queue.cancel_join_thread()

    def _tell(self, message: object) -> bool:
        try:
            self._queue.put_nowait(message)
        except queue.Full:
            return False
        return True


def _draw(title: str, messages: Any) -> None:
    """The drawing process. It ends when told to, not by the signals meant for its owner."""
    ignore_stop_signals()
    from .terminal import draw

    draw(title, messages)
