"""Each kind of fault once; ``make faults`` strikes two hundred times at random."""

from __future__ import annotations

import random
import sys
import time

import faults
import pytest
from faults import FAULTS, PEDAL, Books, Rig, Stage, ending, staged


@pytest.mark.skipif(sys.platform != "linux", reason="JACK's dummy driver")
def test_no_fault_leaves_a_note_hanging_or_the_engine_deaf() -> None:
    with staged(random.Random(1)) as stage:
        for fault in FAULTS:
            fault(stage)


def test_a_note_that_hangs_or_ends_late_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "SLACK_S", 0.1)
    stage = Stage.__new__(Stage)
    stage.rig = Rig.__new__(Rig)
    stage.rig.books = books = Books()
    books.hear(time.monotonic(), 0x90, 60, 80)
    with pytest.raises(AssertionError, match="waited"), ending(stage, 0.1):
        books.hear(time.monotonic(), 0x90, 62, 80)  # another note, which may sound on
    with pytest.raises(AssertionError, match=r"0\.2"), ending(stage, 0.1):
        end_both(books, time.monotonic() + 0.2)


def test_a_pedal_that_is_down_would_be_seen() -> None:
    books = Books()
    books.hear(1.0, 0xB0, 64, 127)
    assert books.held == {PEDAL: 1.0}
    books.hear(2.0, 0xB0, 64, 0)
    assert books.ends == {(PEDAL, 1.0): 2.0}
    assert not books.held


def end_both(books: Books, when: float) -> None:
    for pitch in (60, 62):
        books.hear(when, 0x80, pitch, 0)
