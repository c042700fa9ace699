"""An input that is lost comes back in time and in tune, and the loop never waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest

from notewire.daemon.steady import SteadyInput
from notewire.streaming.contracts import AudioBlock, NotewireError

LOST = NotewireError("input 'plug' stopped delivering sound")


class Plug:
    """An input that plays a tone in blocks and then fails, or one that is not there."""

    name, lost, glitches = "plug", 3, 1

    def __init__(self, rate: int, blocks: int, there: bool = True) -> None:
        self.rate, self.blocks, self.there, self.closed = rate, blocks, there, False

    def ready(self, seconds: float = 0.0) -> bool:
        if not self.there:
            raise NotewireError("there is no audio input")
        return True

    def __iter__(self) -> Iterator[AudioBlock]:
        size = self.rate // 100
        for start in range(0, self.blocks * size, size):
            time = np.arange(start, start + size) / self.rate
            yield AudioBlock(start, np.sin(2 * np.pi * 440 * time).astype(np.float32))
        raise LOST

    def close(self, patience: float = 2.0) -> None:
        self.closed = True


class Stopped:
    asked = False

    def __call__(self) -> bool:
        return self.asked


def blocks_of(plugs: list[Plug], stop: Stopped, want: int) -> tuple[SteadyInput, list[AudioBlock]]:
    """What comes until ``want`` blocks with sound have come."""
    waiting = iter(plugs)
    source = SteadyInput(lambda: next(waiting), stop)
    blocks = []
    for block in source:
        blocks.append(block)
        stop.asked = sum(len(b.samples) > 0 for b in blocks) >= want
    return source, blocks


def test_an_input_that_is_not_there_at_the_start_is_an_error() -> None:
    with pytest.raises(NotewireError, match="no audio input"):
        SteadyInput(lambda: Plug(48_000, 1, there=False), Stopped())


def test_who_is_stopped_while_it_opens_does_not_wait() -> None:
    class Slow(Plug):
        def ready(self, seconds: float = 0.0) -> bool:
            return False

    stop, slow = Stopped(), Slow(48_000, 1)
    stop.asked = True
    with pytest.raises(NotewireError, match="stopped before"):
        SteadyInput(lambda: slow, stop)
    assert slow.closed


def test_time_goes_on_through_an_outage() -> None:
    first, second = Plug(48_000, 5), Plug(48_000, 5)
    returned = []
    begun = time.monotonic()
    waiting = iter([first, Plug(48_000, 0, there=False), second])
    source = SteadyInput(lambda: next(waiting), Stopped())
    source.on_return = lambda: returned.append(time.monotonic() - begun)
    sounding = []
    for block in source:
        sounding += [block] if len(block.samples) else []
        if len(sounding) == 10:
            break
    assert first.closed
    assert [b.start for b in sounding[:5]] == [480 * i for i in range(5)]
    assert sounding[5].start / 48_000 == pytest.approx(returned[0], abs=0.05)
    assert [b.start - sounding[5].start for b in sounding[5:]] == [480 * i for i in range(5)]
    assert (source.lost, source.glitches, source.outages) == (6, 3, 1)


def test_while_it_is_away_empty_blocks_keep_the_loop_going() -> None:
    _, blocks = blocks_of([Plug(48_000, 2), Plug(48_000, 2)], Stopped(), 3)
    empty = [block for block in blocks if not len(block.samples)]
    assert len(empty) >= 5
    assert {block.start for block in empty} == {960}


def test_another_rate_is_made_the_stream_s_own() -> None:
    source, blocks = blocks_of([Plug(48_000, 1), Plug(44_100, 60)], Stopped(), 55)
    assert source.rate == 48_000
    heard = np.concatenate([b.samples for b in blocks if len(b.samples)][2:])
    peak = np.abs(np.fft.rfft(heard, 480_000)).argmax() / 10
    assert peak == pytest.approx(440, abs=1)


def test_a_gap_within_an_input_is_kept_as_a_gap() -> None:
    class Gappy(Plug):
        def __iter__(self) -> Iterator[AudioBlock]:
            yield AudioBlock(0, np.zeros(441, np.float32))
            yield AudioBlock(44_100, np.zeros(441, np.float32))
            raise LOST

    _, blocks = blocks_of([Plug(48_000, 1), Gappy(44_100, 0)], Stopped(), 3)
    first, second = [b for b in blocks if len(b.samples)][1:]
    assert second.start - first.start == pytest.approx(48_000, abs=1)
