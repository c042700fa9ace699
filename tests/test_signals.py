"""Signals that ask a program to stop are heeded, be it a moment later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from notewire.bridge.signals import Stop, stop_on_signals, stop_signals_held

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")


def test_what_comes_while_a_process_starts_is_heeded_afterwards() -> None:
    stop = Stop()
    with stop_on_signals(stop):
        with stop_signals_held():
            os.kill(os.getpid(), signal.SIGTERM)
            assert not stop.asked
        assert stop.asked


def test_a_process_that_was_started_so_ignores_them_and_what_it_starts_does_not() -> None:
    """As a sound server would be, which a library starts."""
    program = "from notewire.bridge.signals import *; ignore_stop_signals(); import signal as s;"
    program += "held = s.pthread_sigmask(s.SIG_BLOCK, []);"
    program += "print(s.getsignal(s.SIGTERM) is s.SIG_IGN, s.SIGTERM in held)"
    with stop_signals_held():
        started = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert started.communicate()[0].split() == [b"True", b"False"]
