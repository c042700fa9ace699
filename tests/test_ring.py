"""The ring: every sample once, in order, with its true index, whatever is dropped."""

from __future__ import annotations

import ctypes
import multiprocessing
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ring_writer import CAPACITY, TOTAL, write_all

from notewire.streaming.contracts import AudioBlock
from notewire.streaming.ring import Ring


def make(capacity: int) -> Ring:
    return Ring(bytearray(Ring.size(capacity)), capacity)


def drain(ring: Ring) -> list[AudioBlock]:
    blocks = []
    while (block := ring.read()) is not None:
        blocks.append(block)
    return blocks


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 40)), max_size=60))
def test_what_was_not_dropped_comes_out_at_its_place(steps: list[tuple[bool, int]]) -> None:
    """The stream is its own index, so that samples name the place where they belong."""
    ring, stream, out = make(64), 0, []
    for write, size in steps:
        if write:
            ring.write(np.arange(stream, stream + size, dtype=np.float32))
            stream += size
        elif (block := ring.read(size)) is not None:
            out.append(block)
    out += drain(ring)
    for block in out:
        assert block.samples.tolist() == list(range(block.start, block.end))
    assert sum(len(block.samples) for block in out) == stream - ring.dropped


def test_a_full_ring_drops_and_counts_and_goes_on() -> None:
    ring = make(10)
    assert ring.write(np.zeros(8, np.float32))
    assert not ring.write(np.zeros(8, np.float32))
    assert ring.dropped == 8
    assert [block.start for block in drain(ring)] == [0]
    assert ring.write(np.zeros(4, np.float32))
    assert [block.start for block in drain(ring)] == [16]


def test_losses_that_the_device_reports_are_counted() -> None:
    ring = make(10)
    ring.write(np.zeros(1, np.float32), overflow=True)
    ring.write(np.zeros(1, np.float32))
    assert ring.flagged == 1


def test_memory_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot hold"):
        Ring(bytearray(10), 100)


def test_two_processes() -> None:
    context = multiprocessing.get_context("spawn")
    memory = context.RawArray(ctypes.c_char, Ring.size(CAPACITY))
    ring = Ring(memoryview(memory).cast("B"), CAPACITY)
    writer = context.Process(target=write_all, args=(memory,))
    writer.start()
    got = 0
    deadline = time.monotonic() + 60
    while writer.is_alive() or ring.waiting:
        assert time.monotonic() < deadline
        if (block := ring.read(77)) is not None:
            assert np.array_equal(block.samples, np.arange(block.start, block.end))
            got += len(block.samples)
    writer.join()
    assert got + ring.dropped == TOTAL
    assert got > 1000
