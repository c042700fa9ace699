"""A take on disk while it is played: what a crash leaves of it becomes a file at the next start."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ..streaming.contracts import NoteEvent, NotewireError
from .event_log import EventLog, read_events
from .wire import NoteMessage

try:
    import fcntl
except ImportError:  # Windows, where a file that is open cannot be renamed
    fcntl = None


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

    def discard(self) -> None:
        """The take is safe. May be called twice."""
        if self._log:
            self._log.close()
            self._lock.close()
            self._log = None
            self._path.unlink(missing_ok=True)


def left_behind(path: Path) -> Iterator[list[NoteMessage]]:
    """The notes of each earlier take that did not become ``path``; each is given once."""
    for journal in sorted(path.parent.glob(f".{path.name}.*.notes")):
        mine = journal.with_suffix(f".{os.getpid()}")
        with suppress(OSError), journal.open("rb") as file:
            if _locked(file):
                journal.rename(mine)
        if mine.exists():
            notes = list(_whole(mine))
            yield notes
            mine.unlink()


def _whole(journal: Path) -> Iterator[NoteMessage]:
    """Up to the line at which the power went."""
    with suppress(NotewireError):
        yield from read_events(journal)


def _locked(file: BinaryIO) -> bool:
    """Make it ours until it is closed; False if it is another's."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
