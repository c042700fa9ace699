"""A log can be read back, is there at once, and names what is wrong."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from streams import RATE, offs, ons, streams

from notewire.bridge.event_log import EventLog, read_events
from notewire.bridge.wire import NoteOnMessage, PedalMessage, from_wire
from notewire.streaming.contracts import NoteEvent, NoteOff, NoteOn, NotewireError

NOTE = NoteOn(1, 60, 80, 1000, 2000)


def logged(path: Path) -> list[NoteEvent]:
    lines = read_events(path)
    return [from_wire(line, RATE) for line in lines if not isinstance(line, PedalMessage)]


@settings(deadline=None)  # a disk takes the time it takes
@given(streams)
def test_a_log_reads_back_and_ends_every_note(events: list[NoteEvent]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = EventLog(Path(folder) / "log.jsonl", RATE)
        for event in events:
            log.send(event)
        log.close()
        read = logged(log.path)
    assert read[: len(events)] == events
    assert sorted(offs(read)) == sorted(ons(read))


def test_a_line_is_in_the_file_before_send_returns(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "new" / "folder" / "log.jsonl", RATE)
    log.send(NOTE)
    assert logged(log.path) == [NOTE]
    log.close()


def test_close_twice_is_close_once(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.jsonl", RATE)
    log.send(NOTE)
    log.close()
    log.close()
    assert logged(log.path) == [NOTE, NoteOff(1, 60, 2000, 2000)]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "log.jsonl"):
        with pytest.raises(NotewireError, match=f"cannot write {path}: .*; check"):
            EventLog(path, RATE)


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is of Linux")
def test_a_full_disk_is_told_and_the_file_still_closes() -> None:
    log = EventLog("/dev/full", RATE)
    with pytest.raises(NotewireError, match="cannot write /dev/full: No space left"):
        log.send(NOTE)
    log.close()


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    """For as short as it goes: it binds every file, the one that a test's report goes to too."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_half_a_line_is_taken_back(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "log.jsonl", RATE)
    log.send(NOTE)
    no_room = pytest.raises(NotewireError, match="no room")
    with no_room, files_no_longer_than(120):
        log.send(NoteOn(2, 62, 80, 3000, 4000))
    assert logged(log.path) == [NOTE]


def test_a_bad_line_is_named_with_its_file_and_number(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    good = b'{"type":"note_on","id":1,"pitch":60,"velocity":80,"onset":1.234,"emitted":1.262}\n'
    for bad, reason in ((good[:30], "truncated"), (b'{"type":"\xff"}', "codec|utf-8|UTF-8")):
        path.write_bytes(good + bad)
        events = read_events(path)
        assert next(events) == NoteOnMessage(1, 60, 80, 1.234, 1.262)
        with pytest.raises(NotewireError, match=f"{path}, line 2: not an event: .*({reason})"):
            next(events)


def test_a_log_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotewireError, match=r"cannot read .*log.jsonl: No such file"):
        list(read_events(tmp_path / "log.jsonl"))
