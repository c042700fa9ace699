"""Settings that change on disk while the engine runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from stat import S_ISREG

LOOK_EVERY_S = 1.0
Stamp = tuple[int, int] | None


class SettingsWatch:
    """Calls ``changed`` from ``pulse`` when the file is another one than a moment ago."""

    def __init__(
        self,
        file: Path,
        changed: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._changed, self._clock = file, changed, clock
        self._stamp, self._next = _stamp(file), clock() + LOOK_EVERY_S

    def seen(self) -> None:
        """What is there now is about to be read: no news, when the time comes to look."""
        self._stamp = _stamp(self._file) or self._stamp

    def pulse(self) -> None:
        """Looks once a second, however often it is called."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + LOOK_EVERY_S
        stamp = _stamp(self._file)
        if stamp not in (None, self._stamp):  # gone: an editor may be about to write it anew
            self._stamp = stamp
            self._changed()


def _stamp(file: Path) -> Stamp:
    try:
        stat = file.stat()
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_size) if S_ISREG(stat.st_mode) else None
