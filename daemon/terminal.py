"""The live view's picture: level, sounding notes, latency, and a roll that rises from the keys."""

from __future__ import annotations

import multiprocessing
import queue
import time
from collections import deque
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..streaming.contracts import LOWEST_PITCH, PITCHES, NoteEvent, NoteOn
from .views import Status, note_name

ROWS_PER_SECOND = 20
FRAMES_PER_SECOND = 15
SILENT = 0
NOTHING = "-"
QUIETEST_DB = -60
BLACK_KEYS = {1, 3, 6, 8, 10}
LINES_AROUND_ROLL = 6
Row = tuple[int, ...]  # velocity of each key, 0 where silent


class Screen:
    """Everything that is drawn, kept up to date by the messages of the engine."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.now = Status(float("-inf"), None)
        self.keys = [SILENT] * PITCHES
        self.flash = [SILENT] * PITCHES  # what struck since the last row, however short
        self.rows: deque[Row] = deque(maxlen=200)

    def hear(self, message: NoteEvent | Status) -> None:
        if isinstance(message, Status):
            self.now = message
            return
        key = message.pitch - LOWEST_PITCH
        if not 0 <= key < PITCHES:
            return
        self.keys[key] = message.velocity if isinstance(message, NoteOn) else SILENT
        self.flash[key] = max(self.flash[key], self.keys[key])

    def advance(self) -> None:
        """One more row of the roll."""
        both = zip(self.keys, self.flash, strict=True)
        self.rows.append(tuple(max(pair) for pair in both))
        self.flash = [SILENT] * PITCHES

    def render(self, width: int, height: int) -> RenderableType:
        first = max(0, (PITCHES - width) // 2)
        keys = slice(first, first + min(PITCHES, width))
        lines = max(1, height - LINES_AROUND_ROLL)
        return Group(
            Text(self.title, style="bold", no_wrap=True, overflow="ellipsis"),
            level_line(self.now.level_db, min(40, max(1, width - 20))),
            Text(f"notes    {self._sounding()}", no_wrap=True, overflow="ellipsis"),
            Text(f"measured {self.now.summary or NOTHING}", no_wrap=True, overflow="ellipsis"),
            *roll(list(self.rows), keys, lines),
            keyboard(self.keys, keys),
        )

    def _sounding(self) -> str:
        names = (note_name(k + LOWEST_PITCH) for k, v in enumerate(self.keys) if v)
        return " ".join(names) or NOTHING


def level_line(level_db: float, width: int) -> Text:
    """A bar from -60 dBFS to 0; red where the input is about to clip."""
    full = max(0.0, min(1.0, 1 - level_db / QUIETEST_DB))
    colour = "red" if level_db > -3 else "yellow" if level_db > -9 else "green"
    bar = "█" * round(full * width)
    number = f"{level_db:5.0f} dB" if level_db > -120 else "silence"
    return Text.assemble("level    ", (bar, colour), ("·" * (width - len(bar)), "dim"), " ", number)


def roll(rows: list[Row], keys: slice, lines: int) -> list[Text]:
    """The newest rows at the bottom; a character holds two of them, one above the other."""
    recent = [row[keys] for row in rows[-2 * lines :]]
    silent = (SILENT,) * len(range(*keys.indices(PITCHES)))
    recent = [silent] * (2 * lines - len(recent)) + recent
    pairs = zip(recent[::2], recent[1::2], strict=True)
    return [_line(list(zip(above, below, strict=True))) for above, below in pairs]


def keyboard(sounding: list[int], keys: slice) -> Text:
    """The keys, black and white, those that sound in colour."""
    text = Text()
    for key in range(PITCHES)[keys]:
        black = (key + LOWEST_PITCH) % 12 in BLACK_KEYS
        colour = _colour(sounding[key]) if sounding[key] else "grey23" if black else "white"
        text.append("▀" if black else "█", style=colour)
    return text


def _line(cells: list[tuple[int, int]]) -> Text:
    text = Text()
    for (above, below), run in groupby(cells):
        count = len(list(run))
        style = f"{_colour(above)} on {_colour(below)}" if above and below else ""
        if bool(above) != bool(below):
            style = _colour(above or below)
        text.append((("▀" if above else "▄") if above or below else " ") * count, style)
    return text


def _colour(velocity: int) -> str:
    """Soft is blue, loud is bright."""
    scale = ("blue", "dodger_blue1", "cyan", "spring_green1", "yellow", "orange1", "red1")
    return scale[min(len(scale) - 1, velocity * len(scale) // 128)]


def owner_lives() -> bool:
    """Whether the engine's process is still there; killed, it cannot say goodbye."""
    owner = multiprocessing.parent_process()
    return owner is None or owner.is_alive()


def draw(title: str, messages: Any) -> None:
    """Draw until a None comes, or the engine's process is gone."""
    console, screen = Console(), Screen(title)
    next_row = next_frame = time.monotonic()
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            try:
                message = messages.get(timeout=1 / ROWS_PER_SECOND)
                if message is None:
                    return
                screen.hear(message)
            except queue.Empty:
                if not owner_lives():
                    return
            now = time.monotonic()
            while now >= next_row:
                screen.advance()
                next_row += 1 / ROWS_PER_SECOND
            if now >= next_frame:
                next_frame = now + 1 / FRAMES_PER_SECOND
                live.update(screen.render(console.width, console.height), refresh=True)
