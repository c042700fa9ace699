"""How fast a note reaches a client, alone and in a crowd: python tests/crowd.py [SECONDS]

The crowd is a hundred clients, of which twenty never read. Each note carries the moment at which it
was sent; the client that is watched looks at the clock when it gets it. What the clients do with
what they get is not the bus's work: the readers share one loop, so that on a small machine they do
not take the processor from the one that is watched.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from contextlib import ExitStack, closing, suppress
from multiprocessing.synchronize import Event

import numpy as np
import zmq

from notewire.bridge.wire import NoteOnMessage, decode
from notewire.bridge.zeromq import ZeroMqPublisher
from notewire.streaming.contracts import NoteOff, NoteOn

READERS, SLEEPERS = 79, 20  # beside the one that is watched
RATE = 1_000_000  # events are stamped in microseconds of the clock
NOTES_PER_S = 20  # a fast piece
MOST_MS = 2.0
STRETCHES = 5
spawn = multiprocessing.get_context("spawn")


def crowd(address: str, there: Event, gone: Event) -> None:
    """Connections whose messages are all read, and clients that read nothing."""
    with zmq.Context() as context, ExitStack() as opened:
        readers, *sleepers = (
            opened.enter_context(context.socket(zmq.SUB)) for _ in range(1 + SLEEPERS)
        )
        for client in (*[readers] * READERS, *sleepers):  # a connection for each
            client.setsockopt(zmq.SUBSCRIBE, b"")
            client.connect(address)
        readers.setsockopt(zmq.RCVTIMEO, 100)
        there.set()
        while not gone.is_set():
            with suppress(zmq.Again):
                readers.recv_multipart()


def watched(address: str, there: Event, gone: Event, times: list[float]) -> None:
    """One client; ``times``: seconds from sending to receiving."""
    with zmq.Context() as context, context.socket(zmq.SUB) as client:
        client.setsockopt(zmq.SUBSCRIBE, b"note.on")
        client.setsockopt(zmq.RCVTIMEO, 100)
        client.connect(address)
        there.set()
        while not gone.is_set():
            try:
                message = decode(client.recv_multipart()[-1])
            except zmq.Again:
                continue
            if isinstance(message, NoteOnMessage):
                times.append(time.monotonic() - message.emitted)


def measure(seconds: float, crowded: bool) -> np.ndarray:
    """Seconds from sending to receiving, of every note."""
    gone = spawn.Event()
    with closing(ZeroMqPublisher(RATE, "tcp://127.0.0.1:*")) as bus, spawn.Manager() as shared:
        times = shared.list()
        jobs = [(watched, (times,))] + ([(crowd, ())] if crowded else [])
        clients = []
        for job, more in jobs:
            there = spawn.Event()
            clients.append(spawn.Process(target=job, args=(bus.address, there, gone, *more)))
            clients[-1].start()
            there.wait()
        time.sleep(1.0)  # for the subscriptions to arrive
        play(bus, seconds)
        gone.set()
        for client in clients:
            client.join()
        return np.array(times)


def play(bus: ZeroMqPublisher, seconds: float) -> None:
    for number in range(1, int(seconds * NOTES_PER_S) + 1):
        now = round(time.monotonic() * RATE)
        bus.send(NoteOn(number, 60, 80, now, now))
        bus.send(NoteOff(number, 60, now + 1, now + 1))
        bus.tick(now, -20.0)
        time.sleep(1 / NOTES_PER_S)


def typical_p99(times: np.ndarray) -> float:
    """The median over stretches: a hiccup of the machine falls into one of them."""
    return float(np.median([np.percentile(part, 99) for part in np.array_split(times, STRETCHES)]))


def main(seconds: float = 60.0) -> None:
    p99 = {}
    for name, crowded in (("alone", False), ("in a crowd", True)):
        times = 1000 * measure(seconds, crowded)
        median, p99[name] = float(np.median(times)), typical_p99(times)
        print(f"{name}: {len(times)} notes, median {median:.2f} ms, p99 {p99[name]:.2f} ms")
        assert len(times) == int(seconds * NOTES_PER_S)
    added = p99["in a crowd"] - p99["alone"]
    print(f"the crowd adds {added:.2f} ms at the 99th percentile")
    assert added < MOST_MS


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
