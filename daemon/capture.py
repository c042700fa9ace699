"""Live input, captured in a process of its own.

Python code in another thread of the capturing process delays its callback by tens of milliseconds
and loses blocks; a dead audio server hangs every call into PortAudio, even at exit. A process of
its own is spared the first and can be killed for the second.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bridge.signals import ignore_stop_signals, stop_signals_held
from ..bridge.stderr import quiet_stderr
from ..streaming.contracts import AudioBlock, NotewireError
from ..streaming.ring import Ring
from .devices import (
    AudioDevice,
    default_input,
    find_device,
    find_loopback,
    input_devices,
)
from .loopback import RATE, Hear, SpeakerStream

CAPACITY = 1 << 19  # samples: 11 s at 48 kHz, far more than an engine may ever lag
POLL_SECONDS = 0.001  # polling needs no lock that a killed process could leave locked
OPEN_SECONDS = 15.0
FIRST_BLOCK_SECONDS = 8.0  # PulseAudio may take 2 s
SILENT_SECONDS = 3.0  # without a block: the device or its server is gone


@dataclass(frozen=True, slots=True)
class CaptureRequest:
    """What to open: a name, or the default, or a loopback; and how."""

    name: str
    loopback: bool
    channels: int
    block: int  # frames; 0 leaves it to the device


@dataclass(frozen=True, slots=True)
class Opened:
    """What was opened; the rate is the device's own, in Hz."""

    name: str
    rate: int


class NoInputError(NotewireError):
    """There is no input at all."""


LATE = NotewireError("the input did not open in time (is the sound server alive?)")
DIED = NotewireError("the process that captures the input died while opening it")


class LiveInput:
    """Iterate for the blocks of a live input, until ``stopped()``; close when done.

    While nothing arrives, empty blocks keep the loop going. Opening goes on in the background until
    ``ready``; ``name`` and ``rate`` are known from then on. Raises NotewireError if the input
    cannot be opened or stops delivering.
    """

    name, rate = "", 0

    def __init__(self, request: CaptureRequest, stopped: Callable[[], bool]) -> None:
        context = multiprocessing.get_context("spawn")
        memory = context.RawArray(ctypes.c_char, Ring.size(CAPACITY))
        self.ring = Ring(memoryview(memory).cast("B"), CAPACITY)
        self._stopped = stopped
        self._pipe, theirs = context.Pipe()
        arguments = (request, memory, theirs)
        self._process = context.Process(target=_capture, args=arguments, daemon=True)
        with stop_signals_held():
            self._process.start()
        theirs.close()
        self._patience = time.monotonic() + OPEN_SECONDS

    def ready(self, seconds: float = 0.0) -> bool:
        """Whether it is open, waiting up to ``seconds``; raises if it cannot be opened."""
        if not self.rate and (opened := self._answer(seconds)):
            self.name, self.rate = opened.name, opened.rate
        return self.rate > 0

    @property
    def lost(self) -> int:
        """Samples dropped because the engine lagged; what the device lost is not countable."""
        return self.ring.dropped

    @property
    def glitches(self) -> int:
        """How often the audio system itself reported that it lost something."""
        return self.ring.flagged

    def __iter__(self) -> Iterator[AudioBlock]:
        end, heard = 0, time.monotonic() + FIRST_BLOCK_SECONDS - SILENT_SECONDS
        while not self._stopped():
            block = self.ring.read()
            if block is not None:
                end, heard = block.end, time.monotonic()
                yield block
                continue
            if time.monotonic() - heard > SILENT_SECONDS or not self._process.is_alive():
                raise NotewireError(f"input '{self.name}' stopped delivering sound")
            time.sleep(POLL_SECONDS)
            yield AudioBlock(end, np.zeros(0, np.float32))

    def close(self, patience: float = 2.0) -> None:
        """Stop the capture; kill it if a dead audio server holds it. May be called twice."""
        self._pipe.close()
        self._process.join(patience)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _answer(self, seconds: float) -> Opened | None:
        try:
            late = LATE if time.monotonic() + seconds > self._patience else None
            answer = self._pipe.recv() if self._pipe.poll(seconds) else late
        except (EOFError, OSError):
            answer = DIED
        if isinstance(answer, NotewireError):
            self.close()
            raise answer
        return answer


def _capture(request: CaptureRequest, memory: Any, pipe: Connection) -> None:
    """The capture process: open, report, and wait until the other side hangs up."""
    ignore_stop_signals()  # it ends with its owner, never before
    with ExitStack() as running:
        try:
            with quiet_stderr():
                stream, opened = _open(request, Ring(memoryview(memory).cast("B"), CAPACITY))
                running.enter_context(stream)
        except NotewireError as error:
            _tell(pipe, error)
            return
        except Exception as error:  # PortAudio's own, and what drivers raise through it
            _tell(pipe, NotewireError(f"the input cannot be opened ({error})"))
            return
        _tell(pipe, opened)
        _wait_for_hang_up(pipe)


def _tell(pipe: Connection, news: object) -> None:
    """The owner may have given up."""
    with suppress(OSError):
        pipe.send(news)


def _wait_for_hang_up(pipe: Connection) -> None:
    with suppress(EOFError, OSError):
        pipe.recv()


def _choose(request: CaptureRequest, devices: list[AudioDevice]) -> AudioDevice:
    if request.name != "auto":
        return find_device(request.name, devices)
    device = default_input(devices)
    if device is None:
        raise NoInputError("there is no audio input (is the sound server running?)")
    return device


def _open(request: CaptureRequest, ring: Ring) -> tuple[Any, Opened]:
    """An input stream, not yet started, that fills the ring."""

    def hear(samples: NDArray[np.float32], lost: bool) -> None:
        mono = np.nan_to_num(samples.mean(axis=1), copy=False, posinf=0.0, neginf=0.0)
        ring.write(mono, lost)  # a NaN would stay in the network for ever

    devices = input_devices()
    if not request.loopback:
        return _open_device(_choose(request, devices), request, hear)
    device = find_loopback(devices)
    if isinstance(device, AudioDevice):
        return _open_device(device, request, hear)
    return SpeakerStream(device, request.block, hear), Opened(device.name, RATE)


def _open_device(device: AudioDevice, request: CaptureRequest, hear: Hear) -> tuple[Any, Opened]:
    import sounddevice

    def callback(samples: Any, _frames: int, _time: Any, status: Any) -> None:
        hear(samples, bool(status.input_overflow))

    stream = sounddevice.InputStream(
        samplerate=device.rate,
        blocksize=request.block,
        device=device.index,
        channels=min(request.channels, device.channels),
        latency="low",
        dtype="float32",
        callback=callback,
    )
    return stream, Opened(device.full_name, device.rate)
