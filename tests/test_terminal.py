"""The live view's picture, drawn into text."""

from __future__ import annotations

import io

from rich.console import Console

from notewire.daemon.meters import Percentiles, Summary
from notewire.daemon.terminal import Screen
from notewire.daemon.views import Status, note_name
from notewire.streaming.contracts import NoteOff, NoteOn

SUMMARY = Summary(3, 1.0, Percentiles(0.055, 0.08, 0.09), Percentiles(0.001, 0, 0), 0.02, 0.0)


def picture(screen: Screen, width: int = 100, height: int = 20) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height)
    console.print(screen.render(width, height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_notes_level_and_measurements_show() -> None:
    screen = Screen("Notewire · demo")
    screen.hear(NoteOn(1, 60, 80, 0, 0))
    screen.hear(NoteOn(2, 64, 80, 0, 0))
    screen.hear(NoteOff(2, 64, 10, 10))
    screen.hear(Status(-20.0, SUMMARY))
    lines = picture(screen)
    assert lines[0].startswith("Notewire · demo")
    assert "-20 dB" in lines[1]
    assert lines[2].split() == ["notes", "C4"]
    assert "55 ms" in lines[3]
    assert "load 5%" in lines[3]


def test_the_roll_rises_and_short_notes_leave_a_trace() -> None:
    screen = Screen("x")
    screen.hear(NoteOn(1, 60, 80, 0, 0))
    screen.hear(NoteOff(1, 60, 10, 10))
    screen.advance()
    column = 60 - 21
    before = picture(screen)
    screen.advance()
    screen.advance()
    after = picture(screen)
    row = next(i for i, line in enumerate(before[4:-1]) if line[column : column + 1].strip())
    assert after[4:-1][row - 1][column].strip()
    assert not after[4:-1][row][column : column + 1].strip()


def test_it_fits_the_terminal() -> None:
    for width, height in ((40, 10), (100, 20), (200, 60)):
        screen = Screen("A title that is much too long for a narrow terminal")
        lines = picture(screen, width, height)
        assert len(lines) <= height
        assert max(len(line) for line in lines) <= width


def test_note_names() -> None:
    assert [note_name(p) for p in (21, 60, 61, 108)] == ["A0", "C4", "C#4", "C8"]
