"""What a recording of the input tells of its cable, its gain and its room. Pure functions."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.floating]

FRAME_S = 0.05
QUIET_S = 0.5  # spectra of it have lines 2 Hz apart
FAINT_DB, NOISY_DB = -45.0, -50.0  # the loudest frame should lie above, the quietest below
CEILING = 0.999
RUN = 3  # samples at the ceiling in a row: one may be chance, three are cut off
OFFSET = 0.02
MAINS = (50.0, 60.0)  # Hz
HUM_DB = 20.0  # over what lies around it, at two of its first partials
PARTIALS = (1, 2, 3, 4)
BUSY, TOO_SLOW = 0.5, 1.0  # of the time of a hop


class Finding(NamedTuple):
    """One thing looked at; ``cure`` says what to do where it is not good."""

    state: Literal["good", "warn", "bad"]
    what: str
    cure: str = ""


def judge_sound(audio: Audio, rate: int) -> list[Finding]:
    """Level, clipping, noise, hum and offset of some seconds of mono audio."""
    if not len(audio) or not np.any(audio):
        cure = "is it the right input, connected, unmuted, and may this program use the microphone?"
        return [Finding("bad", "digital silence: nothing at all comes in", cure)]
    checks = (_loudness, _clipping, _noise, _hum, _offset)
    return [check(audio, rate) for check in checks]


def judge_capture(lost: int, glitches: int, rate: int) -> Finding:
    """Whether every sample came."""
    if not lost and not glitches:
        return Finding("good", "no sample was lost")
    what = f"{1000 * lost / rate:.0f} ms of sound lost, {glitches} glitches"
    return Finding(
        "bad", what, "close other programs, or take larger blocks: --set input.block=512"
    )


def judge_speed(p99: float, hop: float) -> Finding:
    """The slowest hops, in all phases, against the time there is for one, both in seconds."""
    what = f"a hop takes {1000 * p99:.1f} ms of {1000 * hop:.0f} ms at the 99th percentile"
    if p99 < BUSY * hop:
        return Finding("good", what)
    cure = "close other programs; --set decoder.phases=1, --model small or --device cuda costs less"
    return Finding("warn" if p99 < TOO_SLOW * hop else "bad", what, cure)


def judge_priority(allowed: bool) -> Finding:
    """Whether MIDI may leave on time while other programs keep the processor busy."""
    if allowed:
        return Finding("good", "MIDI leaves with real-time priority")
    cure = "Debian: sudo usermod -aG audio $USER, with jackd2 set up for it; then log in again"
    return Finding("warn", "no real-time priority: notes may leave late on a busy machine", cure)


def _loudness(audio: Audio, rate: int) -> Finding:
    loudest = _db(_frames(audio, rate).max())
    what = f"level: {loudest:.0f} dBFS at the loudest"
    if loudest > FAINT_DB:
        return Finding("good", what)
    return Finding("warn", what, "play during the check; if you did, raise the gain")


def _clipping(audio: Audio, rate: int) -> Finding:
    full = (np.abs(audio) >= CEILING).astype(int)
    runs = np.convolve(full, np.ones(RUN, int), "valid") == RUN
    times = int(np.sum(np.diff(np.append(0, runs.astype(int))) == 1))
    if not times:
        return Finding("good", "no clipping")
    return Finding("bad", f"clipped {times} times in {len(audio) / rate:.0f} s", "lower the gain")


def _noise(audio: Audio, rate: int) -> Finding:
    floor = _db(float(np.percentile(_frames(audio, rate), 5)))
    what = f"noise: {floor:.0f} dBFS at the quietest"
    if floor < NOISY_DB:
        return Finding("good", what)
    return Finding("warn", what, "if nobody played then: move the microphone, or lower the gain")


def _hum(audio: Audio, rate: int) -> Finding:
    """In the quietest moment, lines at a mains frequency and its partials."""
    levels = _spectrum_db(_quietest(audio, rate))
    for mains in MAINS:
        lines = [round(k * mains * QUIET_S) for k in PARTIALS]
        if sum(levels[line] - _around(levels, line) > HUM_DB for line in lines) >= 2:
            cure = "a ground loop or a power supply: try another socket or cable, or a DI box"
            return Finding("warn", f"hum of {mains:.0f} Hz", cure)
    return Finding("good", "no hum")


def _offset(audio: Audio, _: int) -> Finding:
    offset = float(np.mean(audio))
    if abs(offset) < OFFSET:
        return Finding("good", "no constant offset")
    return Finding("warn", f"a constant offset of {offset:+.2f}", "the audio interface is faulty")


def _frames(audio: Audio, rate: int) -> NDArray[np.float64]:
    """Root mean square of each frame, without the constant part."""
    size = min(len(audio), int(FRAME_S * rate))
    whole = audio[: len(audio) // size * size].astype(np.float64)
    return (whole - whole.mean()).reshape(-1, size).std(axis=1)


def _quietest(audio: Audio, rate: int) -> Audio:
    """``QUIET_S`` of it, padded where there is less."""
    size, step = int(QUIET_S * rate), int(FRAME_S * rate)
    padded = np.pad(audio, (0, max(0, size - len(audio))))
    starts = range(0, len(padded) - size + 1, step)
    quiet = min(starts, key=lambda start: float(padded[start : start + size].std()))
    return padded[quiet : quiet + size]


def _spectrum_db(piece: Audio) -> NDArray[np.float64]:
    spectrum = np.abs(np.fft.rfft(piece * np.hanning(len(piece))))
    return 20 * np.log10(spectrum + 1e-9)


def _around(levels: NDArray[np.float64], line: int) -> float:
    """The median of what lies beside a line and clear of it."""
    beside = [k for k in range(line - 8, line + 9) if abs(k - line) > 2]
    return float(np.median(levels[beside]))


def _db(amplitude: float) -> float:
    return float(20 * np.log10(amplitude + 1e-9))
