"""What the computer plays, where no input carries it: SoundCard, for WASAPI's loopback on Windows.

WASAPI delivers nothing while nothing plays; SoundCard fills such pauses with as much silence as the
clock says. The same code serves PulseAudio, where it needs no ALSA plug-in.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..bridge.stderr import quiet_stderr

RATE = 48_000  # the system resamples to it
BLOCK = 480  # frames

Hear = Callable[[NDArray[np.float32], bool], None]  # (frames, channels), and whether some are lost


class Speaker(Protocol):
    """A speaker as SoundCard hears it."""

    name: str

    def recorder(self, samplerate: int, *, blocksize: int) -> Any: ...


def find_speaker() -> Speaker | None:
    """The default speaker, or another; None where there is none."""
    try:
        with quiet_stderr():
            import soundcard

            speaker = soundcard.default_speaker().name
            every: Any = soundcard.all_microphones(True)
            inside = [each for each in every if each.isloopback]
    except Exception:  # no such system, no server, no speaker: each fails in its own way
        return None
    return next((m for m in inside if speaker in m.name), inside[0] if inside else None)


class SpeakerStream:
    """Within it, ``hear`` gets blocks from a thread; a speaker that is gone ends that thread."""

    def __init__(self, speaker: Speaker, block: int, hear: Hear) -> None:
        self._speaker, self._block, self._hear = speaker, block or BLOCK, hear
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> SpeakerStream:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join(1.0)

    def _run(self) -> None:
        """SoundCard warns of what was lost."""
        open_speaker = self._speaker.recorder(RATE, blocksize=self._block)
        with warnings.catch_warnings(record=True) as lost, open_speaker as recorder:
            warnings.simplefilter("always")
            while not self._stopped.is_set():
                samples = recorder.record(self._block)
                self._hear(samples, bool(lost))
                lost.clear()
