"""What a subscriber reads, and that nobody outside and no slow one can do harm."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import zmq

from notewire.bridge.wire import (
    Header,
    HealthMessage,
    LevelMessage,
    NoteOffMessage,
    NoteOnMessage,
    StateMessage,
    decode_header,
    encode,
)
from notewire.bridge.zeromq import Received, ZeroMqPublisher, subscribe
from notewire.streaming.contracts import NoteOff, NoteOn, NotewireError

RATE = 16_000
ANY = "tcp://127.0.0.1:*"
ON, OFF = NoteOn(1, 60, 80, 1600, 3200), NoteOff(1, 60, 4800, 6400)
BURST = 20_000  # messages, more than queues and kernel buffers hold
STOPPED = StateMessage("stopped")
EXAMPLE = Path(__file__).parent.parent / "examples" / "subscriber.py"


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bus(clock: Clock) -> Iterator[ZeroMqPublisher]:
    with closing(ZeroMqPublisher(RATE, ANY, clock=clock)) as publisher:
        yield publisher


def listen(address: str, heard: list[Received]) -> None:
    with subscribe(address, timeout=5.0) as messages:
        for message in messages:
            heard.append(message)
            if message.body == STOPPED:
                return


@contextmanager
def listening(bus: ZeroMqPublisher) -> Iterator[list[Received]]:
    """The list holds, after the body, all that a subscriber heard, up to the end of the bus."""
    heard: list[Received] = []
    with ThreadPoolExecutor(1) as pool:
        end = pool.submit(listen, bus.address, heard)
        while not heard and not end.done():  # what is said before it has joined is lost
            bus.state("joining")
            time.sleep(0.01)
        yield heard
        bus.close()
        end.result()
    heard[:] = [message for message in heard if message.body != StateMessage("joining")]


def test_notes_arrive_with_topic_and_header(bus: ZeroMqPublisher) -> None:
    with listening(bus) as heard:
        bus.send(ON)
        bus.send(OFF)
    on, off, _stopped = heard
    assert on == ("note.on", Header(bus.session, 0, 0.2), NoteOnMessage(1, 60, 80, 0.1, 0.2))
    assert off == ("note.off", Header(bus.session, 0, 0.4), NoteOffMessage(1, 60, 0.3, 0.4))


def test_messagepack_says_the_same_in_fewer_bytes(clock: Clock) -> None:
    sizes = {}
    for codec in ("json", "msgpack"):
        with closing(ZeroMqPublisher(RATE, ANY, codec=codec, clock=clock)) as bus:
            with listening(bus) as heard:
                bus.send(ON)
                bus.tick(6400, -20.0)
                bus.send(OFF)
            bodies, note = [message.body for message in heard], NoteOnMessage(1, 60, 80, 0.1, 0.2)
            assert bodies[0] == note
            assert HealthMessage([note]) in bodies
            assert bodies[-2:] == [NoteOffMessage(1, 60, 0.3, 0.4), STOPPED]
        sizes[codec] = sum(len(encode(body, codec)) for body in bodies)
    assert sizes["msgpack"] < sizes["json"]


def test_each_topic_counts_its_own_messages(bus: ZeroMqPublisher) -> None:
    with listening(bus) as heard:
        for number in range(3):
            bus.send(NoteOn(number, 60 + number, 80, 0, 0))
        bus.send(NoteOff(0, 60, 10, 10))
    counts = [(message.topic, message.header.seq) for message in heard[:-1]]
    ended = [("note.off", number) for number in range(3)]
    assert counts == [("note.on", 0), ("note.on", 1), ("note.on", 2), *ended]


def test_the_heartbeat_names_what_sounds_once_a_second(bus: ZeroMqPublisher, clock: Clock) -> None:
    with listening(bus) as heard:
        for now in (0.0, 0.5, 0.99, 1.0, 1.5):
            clock.now = now
            bus.tick(round(now * RATE), -20.0)
            if not now:
                bus.send(ON)
        bus.send(OFF)
        clock.now = 2.0
        bus.tick(2 * RATE, -20.0)
    beats = [message for message in heard if message.topic == "health"]
    note = NoteOnMessage(1, 60, 80, 0.1, 0.2)
    assert [beat.header.time for beat in beats] == [0.0, 1.0, 2.0]
    assert [beat.body for beat in beats] == [HealthMessage(held) for held in ([], [note], [])]


def test_the_level_is_said_ten_times_a_second_and_silence_has_a_number(
    bus: ZeroMqPublisher, clock: Clock
) -> None:
    with listening(bus) as heard:
        for level, now in ((-20.04, 0.0), (-10.0, 0.05), (float("-inf"), 0.1), (float("nan"), 0.2)):
            clock.now = now
            bus.tick(0, level)
    levels = [message.body for message in heard if message.topic == "level"]
    assert levels == [LevelMessage(db) for db in (-20.0, -120.0, -120.0)]


def test_close_ends_what_sounds_and_says_so(bus: ZeroMqPublisher) -> None:
    with listening(bus) as heard:
        for number in range(400):
            bus.send(NoteOn(number, 60, 80, 1600, 3200))
        bus.tick(8000, -20.0)
        bus.close()
        bus.close()
    ended = [message.body for message in heard if message.topic == "note.off"]
    assert ended == [NoteOffMessage(number, 60, 0.5, 0.5) for number in range(400)]
    assert heard[-1][::2] == ("state", STOPPED)


def test_one_who_does_not_read_holds_nobody_up_and_can_see_the_loss(bus: ZeroMqPublisher) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as slow:
        slow.setsockopt(zmq.RCVHWM, 1)
        slow.setsockopt(zmq.RCVBUF, 4096)
        slow.setsockopt_string(zmq.SUBSCRIBE, "state")
        slow.connect(bus.address)
        while not slow.poll(10):
            bus.state("joining")
        long, start = "long " * 200, time.monotonic()
        for _ in range(BURST):
            bus.state(long)
        assert time.monotonic() - start < 10.0
        counts = []
        while slow.poll(200):
            counts.append(decode_header(slow.recv_multipart()[1]).seq)
    assert len(counts) < BURST
    assert counts == sorted(counts)


def test_the_bytes_on_the_bus(bus: ZeroMqPublisher) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.setsockopt_string(zmq.SUBSCRIBE, "note.on")
        socket.connect(bus.address)
        while not socket.poll(10):
            bus.send(ON)
        topic, header, body = socket.recv_multipart()
    assert topic == b"note.on"
    assert json.loads(header).keys() == {"session", "seq", "time", "version"}
    assert body == (b'{"type":"note_on","id":1,"pitch":60,"velocity":80,"onset":0.1,"emitted":0.2}')


@pytest.mark.parametrize(
    "address",
    [
        "tcp://*:5556",
        "tcp://0.0.0.0:5556",
        "tcp://192.168.1.5:5556",
        "tcp://eth0:5556",
        "tcp://127.0.0.1.evil.org:5556",
        "tcp://127.0.0.1:99999",
        "tcp://127.0.0.1",
        "udp://127.0.0.1:5556",
        "ipc://",
        "",
    ],
)
def test_other_computers_are_not_served(address: str) -> None:
    with pytest.raises(
        NotewireError, match=r"this computer only; use tcp://127\.0\.0\.1.*notewire keys"
    ):
        ZeroMqPublisher(RATE, address)


@pytest.mark.parametrize("address", ["tcp://localhost:*", "tcp://127.0.0.5:*", "ipc://{}/bus"])
def test_this_computer_is_served(address: str, tmp_path: Path) -> None:
    bus = ZeroMqPublisher(RATE, address.format(tmp_path))
    with listening(bus) as heard:
        bus.send(ON)
    assert heard[0].body == NoteOnMessage(1, 60, 80, 0.1, 0.2)


def test_this_computer_is_served_by_ipv6() -> None:
    try:
        bus = ZeroMqPublisher(RATE, "tcp://[::1]:*")
    except NotewireError as error:
        pytest.skip(f"no IPv6 on this computer: {error}")
    with listening(bus) as heard:
        bus.send(ON)
    assert heard[0].body == NoteOnMessage(1, 60, 80, 0.1, 0.2)


def test_a_busy_address_is_named_with_the_cure(bus: ZeroMqPublisher) -> None:
    with pytest.raises(NotewireError, match=f"at {bus.address}: another program .* set another"):
        ZeroMqPublisher(RATE, bus.address)


def test_the_address_is_free_again_after_close(bus: ZeroMqPublisher) -> None:
    bus.close()
    ZeroMqPublisher(RATE, bus.address).close()


HEADER, BODY = encode(Header("a", 0, 0.0)), encode(LevelMessage(-20.0))


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ([b"level", BODY], "not a message of Notewire: .*got 2"),
        ([b"level", HEADER, b"{}"], "not a message of Notewire: .*type"),
        ([b"\xff", HEADER, BODY], "not a message of Notewire: .*utf-8"),
        ([b"level", HEADER.replace(b'version":1', b'version":2'), BODY], "speaks version 2"),
    ],
)
def test_what_is_not_ours_is_refused(parts: list[bytes], reason: str) -> None:
    with zmq.Context() as context, context.socket(zmq.PUB) as stranger:
        port = stranger.bind_to_random_port("tcp://127.0.0.1")
        with ThreadPoolExecutor(1) as pool:
            end = pool.submit(listen, f"tcp://127.0.0.1:{port}", [])
            while not end.done():
                stranger.send_multipart(parts)
                time.sleep(0.01)
        with pytest.raises(NotewireError, match=reason):
            end.result()


def test_silence_ends_a_subscription_with_a_timeout(bus: ZeroMqPublisher) -> None:
    with subscribe(bus.address, timeout=0.01) as messages:
        assert list(messages) == []


def test_the_example_prints_notes_and_ends_cleanly_on_control_c(bus: ZeroMqPublisher) -> None:
    command = [sys.executable, str(EXAMPLE), bus.address]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as example,
        ThreadPoolExecutor(1) as pool,
    ):
        assert example.stdout
        line = pool.submit(example.stdout.readline)
        while not line.done():
            bus.send(ON)
            time.sleep(0.02)
        example.send_signal(signal.SIGINT)
        _, errors = example.communicate(timeout=10)
    assert line.result() == "     0.100 s  note_on   pitch 60\n"
    assert (example.returncode, errors) == (0, "")
