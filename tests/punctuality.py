"""How equally late notes arrive with ``midi.latency_ms``: python tests/punctuality.py [RUNS]

The whole program plays a clip in every mode, and an independent JACK client notes when each note
comes. Of each mode the run in the middle is judged: what else a machine does can only make notes
late, and then it does so in one run and not in the next.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile
from jack_server import RATE, jack_server
from numpy.typing import NDArray
from test_ardour import logged
from test_cli import NOTEWIRE
from test_live_jack import NOTES, MidiRecorder, by_system, ended, wait_for

from notewire.daemon.sources import demo_audio
from notewire.models.config import MODES, Mode

LATE_MS = 400  # more than any mode needs, on a machine that is busy with other things too
SPARE_S = 0.002  # above a period of JACK
NEAR_S = 0.05
SECONDS = 7.0  # of music

Notes = list[tuple[float, int]]  # seconds, pitch


def play(folder: Path, mode: Mode) -> tuple[NDArray[np.float64], float]:
    """Of each note (arrival - onset) in seconds and a constant; the JACK period."""
    clip, log = folder / "clip.wav", folder / "log.jsonl"
    audio, rate = demo_audio(SECONDS)
    lead = np.zeros(3 * rate, np.float32)  # for the recorder to be connected
    soundfile.write(clip, np.concatenate([lead, audio, lead]), rate)
    command = [*NOTEWIRE, "run", "--file", str(clip), "--mode", mode, "--no-bus", "--view", "off"]
    command += ["--events", str(log), "--set", "midi.backend=jack"]
    command += ["--set", f"midi.latency_ms={LATE_MS}"]
    with jack_server():
        recorder = MidiRecorder(by_system)
        period = recorder.client.blocksize / RATE
        with ended(subprocess.Popen(command)) as running:
            wait_for(NOTES, lambda: recorder.client.get_ports(NOTES))
            recorder.client.connect(NOTES, recorder.port)
            assert running.wait(60) == 0
        recorder.client.close()
    struck = [(when, data[1]) for when, data in recorder.messages if data[0] == 0x90]
    begun = [(onset, pitch) for onset, _, pitch, _ in logged(log)]
    late = delays(struck, begun)
    assert len(late) >= 0.9 * len(begun) > 20
    return late, period


def delays(struck: Notes, begun: Notes) -> NDArray[np.float64]:
    """From each onset to its arrival, in seconds and a constant; JACK may lose one under load."""
    pairs = [np.array([w - on for w, p in struck if p == pitch] or [np.inf]) for on, pitch in begun]
    every = np.sort(np.concatenate(pairs))
    crowded = every[np.argmax(np.searchsorted(every, every + NEAR_S) - np.arange(len(every)))]
    near = np.array([each[np.argmin(abs(each - crowded))] for each in pairs])
    return near[abs(near - crowded) < NEAR_S]


def across(late: NDArray[np.float64], share: float = 99) -> float:
    """Seconds from the first percentile to the one given."""
    return float(np.percentile(late, share) - np.percentile(late, 1))


def main(runs: int = 5) -> None:
    good = [_judge(mode, runs) for mode in MODES]
    assert all(good)


def _judge(mode: Mode, runs: int) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        played = [play(Path(folder), mode) for _ in range(runs)]
    spreads = sorted(across(late) for late, _ in played)
    most = played[0][1] + SPARE_S
    listed = ", ".join(f"{1000 * spread:.1f}" for spread in spreads)
    print(f"{mode}: p99 - p1 of {runs} runs {listed} ms; at most {1000 * most:.1f}")
    return float(np.median(spreads)) <= most


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
