"""A take on disk while it is played: what a crash leaves of it becomes a file at the next start."""

from __future__ import annotations

import glob
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import structlog

from ..streaming.contracts import Gesture, NoteEvent, NotewireError
from .event_log import EventLog, read_events
from .wire import Line

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be renamed
    fcntl = None

log = structlog.get_logger()


class Journal:
    """The notes of the take that becomes ``path``, beside it in a hidden file. Never raises.

    It is the second copy: where it cannot be written, the take goes on without it.
    """

    def __init__(self, path: Path, rate: int) -> None:
        self._path = path.with_name(f".{path.name}.{secrets.token_hex(4)}.notes")
        self._log: EventLog | None = None
        with suppress(NotewireError, OSError):
            self._log = EventLog(self._path, rate)
            self._lock = self._path.open("rb")
            _locked(self._lock)

    def send(self, event: NoteEvent) -> None:
        with suppress(NotewireError):
            if self._log:
                self._log.send(event)

    def gesture(self, gesture: Gesture) -> None:
        with suppress(NotewireError):
            if self._log:
                self._log.gesture(gesture)

    def discard(self) -> None:
        """The take is safe. May be called twice."""
        with suppress(NotewireError, OSError):
            if self._log:
                self._log.close()
                self._lock.close()
                self._path.unlink(missing_ok=True)


def rescue(path: Path, save: Callable[[list[Line]], None]) -> None:
    """``save`` the notes of every take that was cut off before it became ``path``.

    What ``save`` raises NotewireError for is kept for the next time.
    """
    for journal in sorted(path.parent.glob(f".{glob.escape(path.name)}.*.notes")):
        with ExitStack() as opened, suppress(OSError):
            if _claim(journal, opened) and _saved(journal, save):
                journal.unlink()


def _saved(journal: Path, save: Callable[[list[Line]], None]) -> bool:
    try:
        save(list(_whole(journal)))
    except NotewireError as error:
        log.warning("an earlier take could not be saved yet", error=str(error))
        return False
    return True


def _whole(journal: Path) -> Iterator[Line]:
    """Up to the line at which the power went."""
    with suppress(NotewireError):
        yield from read_events(journal)


def _claim(journal: Path, opened: ExitStack) -> bool:
    """True if no living program writes it; then it is ours as long as ``opened`` lasts."""
    if fcntl is None:
        journal.rename(journal)  # Windows refuses where it is open
        return True
    return _locked(opened.enter_context(journal.open("rb")))


def _locked(file: BinaryIO) -> bool:
    try:
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
