"""Where audio comes from while the clock runs: an input, or a file played in real time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..streaming.contracts import AudioBlock
from .audio_file import AudioFile
from .capture import CaptureRequest, LiveInput, NoInputError
from .config import InputConfig
from .steady import SteadyInput

PACED_BLOCK_SECONDS = 0.01
DEMO = Path(str(files("notewire.daemon") / "demo.flac"))


class Source(Protocol):
    """Blocks as time goes by; ``rate`` in Hz.

    ``lost``: samples known to be missing; ``glitches``: losses reported without a number.
    """

    name: str
    rate: int

    @property
    def lost(self) -> int: ...

    @property
    def glitches(self) -> int: ...

    def __iter__(self) -> Iterator[AudioBlock]: ...

    def close(self) -> None: ...


class PacedFile:
    """A file as if it were played: each block when its last sample would have sounded."""

    lost = glitches = 0

    def __init__(self, path: Path, stopped: Callable[[], bool]) -> None:
        self._file = AudioFile(path, PACED_BLOCK_SECONDS)
        self._stopped = stopped
        self.name, self.rate = str(path), self._file.rate

    def __iter__(self) -> Iterator[AudioBlock]:
        begun = time.monotonic()
        for block in self._file:
            time.sleep(max(0.0, begun + block.end / self.rate - time.monotonic()))
            if self._stopped():
                return
            yield block

    def close(self) -> None:
        """Nothing is held open between blocks."""


def open_source(config: InputConfig, stopped: Callable[[], bool]) -> tuple[Source, str]:
    """The source that the settings ask for, and a word to the user about the choice.

    Raises NotewireError for a file or an input that cannot be had.
    """
    if config.file is not None:
        return PacedFile(config.file, stopped), ""
    request = CaptureRequest(config.device, config.loopback, config.channels, config.block)
    try:
        return SteadyInput(lambda: LiveInput(request, stopped), stopped), ""
    except NoInputError:
        if not config.demo:
            raise
        demo = PacedFile(DEMO, stopped)
        demo.name = "demo clip"
        return demo, "No microphone or other audio input here: playing the demo clip instead."


def demo_audio(seconds: float) -> tuple[NDArray[np.float32], int]:
    """The demo clip, over and over, and its rate."""
    clip = AudioFile(DEMO)
    audio = np.concatenate([block.samples for block in clip])
    return np.resize(audio, round(seconds * clip.rate)), clip.rate
