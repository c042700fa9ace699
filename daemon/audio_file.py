"""Any sound file as a stream of mono blocks, in constant memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from numpy.typing import NDArray

from ..streaming.contracts import AudioBlock, NotewireError
from ..streaming.hops import rehop

LONGEST_HOURS = 12
RATES = range(8_000, 192_001)


class AudioFile:
    """Iterate for blocks of ``block_seconds``; all channels are mixed into one.

    Raises NotewireError, naming the file and the cure, when opened or while read.
    """

    def __init__(self, path: Path, block_seconds: float = 1.0) -> None:
        self.path = path
        with _opened(path) as container:
            stream = container.streams.audio[0]
            self.rate = int(stream.rate)
            self.seconds = (container.duration or 0) / av.time_base
        if not self.rate:  # only the name promised sound
            raise NotewireError(f"{path}: cannot be read as sound; export it again")
        if self.rate not in RATES:
            raise NotewireError(f"{path}: {self.rate} Hz is outside 8 to 192 kHz; convert it first")
        _check_length(path, self.seconds)
        self.block = max(1, round(block_seconds * self.rate))

    def __iter__(self) -> Iterator[AudioBlock]:
        position, rest = 0, None
        for samples in self._decoded():
            whole, rest = rehop(samples, rest, self.block)
            for begin in range(0, len(whole), self.block):
                yield AudioBlock(position, whole[begin : begin + self.block])
                position += self.block
        if rest is not None and len(rest):
            yield AudioBlock(position, rest)

    def _decoded(self) -> Iterator[NDArray[np.float32]]:
        """Mono samples in pieces of whatever size the codec has."""
        seen = 0
        with _opened(self.path) as container:
            to_float = av.AudioResampler(format="flt")  # interleaved: PyAV trips over 8 planes
            for frame in container.decode(audio=0):
                for converted in to_float.resample(frame):
                    channels = len(converted.layout.channels)
                    mono = converted.to_ndarray().reshape(-1, channels).mean(axis=1)
                    self._check(mono, seen)
                    seen += len(mono)
                    yield mono

    def _check(self, samples: NDArray[np.float32], seen: int) -> None:
        if not np.isfinite(samples).all():
            raise NotewireError(
                f"{self.path}: holds values that are not numbers at {seen / self.rate:.2f} s; "
                "export it again"
            )
        _check_length(self.path, seen / self.rate)


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    """An open container with sound in it; whatever goes wrong in it names the file."""
    try:
        _check_path(path)
        with av.open(f"file:{path}") as container:  # a name like "Op27:2" is no protocol
            if not container.streams.audio:
                raise NotewireError(f"{path}: there is no sound in it")
            yield container
    except (FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NotewireError(f"{path}: cannot be read as sound ({reason})") from error


def _check_path(path: Path) -> None:
    if not path.exists():
        raise NotewireError(f"{path}: no such file")
    if path.is_dir():
        raise NotewireError(f"{path}: is a folder; name the sound files in it")
    if path.stat().st_size == 0:
        raise NotewireError(f"{path}: is empty")


def _check_length(path: Path, seconds: float) -> None:
    if seconds > LONGEST_HOURS * 3600:
        raise NotewireError(
            f"{path}: {seconds / 3600:.0f} hours is too long (at most {LONGEST_HOURS}); split it"
        )
