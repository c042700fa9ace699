"""Stands for the DAW in faults.py: plays the demo into JACK over and over, and tells of the MIDI.

A program of its own, because a JACK client hangs when its server dies: this one can be killed. On
stdout a line for each message: seconds of CLOCK_MONOTONIC, then its bytes.
"""

from __future__ import annotations

import time
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

import jack
import soxr

from notewire.daemon.sources import demo_audio

NOTES = "Notewire:Notes"
SECONDS = 19.0
Heard = tuple[float, bytes]


def main() -> None:
    client = jack.Client("rig")
    out: Any = client.outports.register("out")
    into: Any = client.midi_inports.register("in")
    song, place = soxr.resample(*demo_audio(SECONDS), client.samplerate), 0
    heard: SimpleQueue[Heard] = SimpleQueue()

    def process(frames: int) -> None:
        nonlocal place
        out.get_array()[:] = song.take(range(place, place + frames), mode="wrap")
        place = (place + frames) % len(song)
        for _, data in into.incoming_midi_events():
            heard.put((time.monotonic(), bytes(data)))

    client.set_process_callback(process)
    with client:
        print("ready", flush=True)
        while True:
            _connect(client, into)
            while not heard.empty():
                when, data = heard.get()
                print(f"{when:.6f}", *data, flush=True)
            time.sleep(0.005)


def _connect(client: jack.Client, into: Any) -> None:
    """As a DAW does with a port that it knows: it takes it whenever it is there."""
    with suppress(jack.JackError):  # it may go in the very moment
        for port in client.get_ports(NOTES):
            if not client.get_all_connections(into):
                client.connect(port, into)


if __name__ == "__main__":
    main()
