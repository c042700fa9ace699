"""One writer, one reader, no lock: audio crosses from the capture callback to the engine.

The writer never blocks. A block that finds no room is dropped and counted, and the next block that
fits is written behind a record of the gap, so the reader sees in ``AudioBlock.start`` where samples
are missing. The memory may be shared between two processes: each word of the header has one writer
and is stored whole; samples and records are complete before the count that shows them.
"""

from __future__ import annotations

import threading

import numpy as np
from numpy.typing import NDArray

from .contracts import AudioBlock

WRITTEN, GAPS, DROPPED, FLAGGED, READ, GAPS_READ = range(6)  # the last two belong to the reader
HEADER_WORDS = 8
MAX_GAPS = 256  # unread gaps; with more, blocks are dropped as if there were no room


class Ring:
    """``capacity`` float32 samples over ``memory`` of at least ``Ring.size(capacity)`` bytes."""

    def __init__(self, memory: memoryview | bytearray, capacity: int) -> None:
        if len(memory) < self.size(capacity):
            raise ValueError(f"{len(memory)} bytes cannot hold a ring of {capacity} samples")
        self.capacity = capacity
        words = np.frombuffer(memory, np.int64, HEADER_WORDS + 2 * MAX_GAPS)
        self._header = words[:HEADER_WORDS]
        self._gaps = words[HEADER_WORDS:].reshape(MAX_GAPS, 2)  # position, samples missing there
        self._samples = np.frombuffer(memory, np.float32, capacity, words.nbytes)
        self._own = threading.Lock()
        self._unrecorded = 0  # the writer's: samples dropped since the last block that fitted
        self._missing = 0  # the reader's: samples missing before the next one

    @staticmethod
    def size(capacity: int) -> int:
        """Bytes needed for ``capacity`` samples."""
        return (HEADER_WORDS + 2 * MAX_GAPS) * 8 + capacity * 4

    @property
    def dropped(self) -> int:
        """Samples that found no room since the start."""
        return int(self._header[DROPPED])

    @property
    def flagged(self) -> int:
        """Blocks before which the audio system itself reported a loss."""
        return int(self._header[FLAGGED])

    @property
    def waiting(self) -> int:
        """Samples written and not yet read."""
        return int(self._header[WRITTEN] - self._header[READ])

    def write(self, samples: NDArray[np.float32], overflow: bool = False) -> bool:
        """Append a block; False if it was dropped. ``overflow``: the device lost audio."""
        self._header[FLAGGED] += overflow
        if not self._has_room(len(samples)):
            self._header[DROPPED] += len(samples)
            self._unrecorded += len(samples)
            return False
        self._record_gap()
        written = int(self._header[WRITTEN])
        self._samples[(np.arange(len(samples)) + written) % self.capacity] = samples
        self._fence()
        self._header[WRITTEN] = written + len(samples)  # last: now the reader may look
        return True

    def read(self, most: int | None = None) -> AudioBlock | None:
        """The oldest unread samples, at most ``most`` and never across a gap; None if empty."""
        read, count = int(self._header[READ]), self.waiting
        count = self._until_gap(read, count if most is None else min(count, most))
        if count == 0:
            return None
        samples = self._samples[(np.arange(count) + read) % self.capacity]
        self._fence()
        self._header[READ] = read + count  # last: now the writer may overwrite
        return AudioBlock(read + self._missing, samples)

    def _fence(self) -> None:
        """What was stored or loaded before is done before what follows, on arm64 too.

        numpy has no memory barrier; a lock that nobody else knows, taken twice, is one.
        """
        for _ in range(2):
            with self._own:
                pass

    def _has_room(self, count: int) -> bool:
        gaps_unread = self._header[GAPS] - self._header[GAPS_READ]
        return count <= self.capacity - self.waiting and bool(gaps_unread < MAX_GAPS)

    def _record_gap(self) -> None:
        if self._unrecorded:
            gap = int(self._header[GAPS])
            self._gaps[gap % MAX_GAPS] = self._header[WRITTEN], self._unrecorded
            self._header[GAPS] = gap + 1
            self._unrecorded = 0

    def _until_gap(self, read: int, count: int) -> int:
        """Step over a gap at ``read``; how many of ``count`` samples come before the next."""
        while (gap := int(self._header[GAPS_READ])) < self._header[GAPS]:
            position, missing = self._gaps[gap % MAX_GAPS].tolist()
            if position > read:
                return min(count, position - read)
            self._missing += missing
            self._header[GAPS_READ] = gap + 1
        return count
