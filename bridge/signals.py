"""The signals that ask a program to stop, and who heeds them."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Ctrl-C, a service manager, a closed terminal window, Ctrl-Break on Windows
NAMES = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
STOP_SIGNALS = tuple(getattr(signal, name) for name in NAMES if hasattr(signal, name))


class Stop:
    """Set by a stop signal; everything that waits asks it."""

    def __init__(self) -> None:
        self.asked = False

    def __call__(self) -> bool:
        return self.asked

    def ask(self, *_: object) -> None:
        self.asked = True


class Hangup:
    """SIGHUP: the end for a program whose terminal is closed; a service reads its settings again.

    ``reload`` is called from ``pulse``, in the program's own time.
    """

    def __init__(self, stop: Stop) -> None:
        self._stop, self._asked = stop, False
        self._terminal = _has_terminal()  # at the signal it is gone
        self.reload: Callable[[], None] = lambda: None

    def __call__(self, *_: object) -> None:
        if self._terminal:
            self._stop.ask()
        else:
            self._asked = True

    def pulse(self) -> None:
        if self._asked:
            self._asked = False
            self.reload()


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


@contextmanager
def hangup_heard(hangup: Hangup) -> Iterator[None]:
    """Within ``stop_on_signals``, of which it takes one out, where there is such a signal."""
    if not hasattr(signal, "SIGHUP"):
        yield
        return
    before = signal.signal(signal.SIGHUP, hangup)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def stop_on_signals(stop: Stop) -> Iterator[None]:
    """Let signals end the loop in good order instead of in the middle of it."""
    with _handled_by(stop.ask):
        yield


@contextmanager
def stop_signals_held() -> Iterator[None]:
    """While a process is started that is to inherit this: it must not die before its owner.

    A signal that comes meanwhile is heeded afterwards; where none can be held back it is lost.
    """
    if sys.platform == "win32":
        with _handled_by(signal.SIG_IGN):
            yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_stop_signals() -> None:
    """For a process that ends when its owner hangs up."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


@contextmanager
def _handled_by(handler: Callable[..., Any] | signal.Handlers) -> Iterator[None]:
    before = [signal.signal(number, handler) for number in STOP_SIGNALS]
    try:
        yield
    finally:
        for number, old in zip(STOP_SIGNALS, before, strict=True):
            signal.signal(number, old)
