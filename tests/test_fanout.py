"""No sink harms another, and each gets one note-off for each note-on that it got."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streams import offs, ons, streams
from structlog.testing import capture_logs

from notewire.bridge.fanout import LONGEST_PAUSE_S, Fanout
from notewire.bridge.memory import MemorySink
from notewire.streaming.contracts import NoteEvent, NoteOff, NoteOn

ON, OFF = NoteOn(1, 60, 80, 0, 100), NoteOff(1, 60, 500, 600)


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class FlakySink(MemorySink):
    """Takes an event or raises, as the plan says for each call; works when the plan is over."""

    def __init__(self, plan: list[bool], closes: bool = True) -> None:
        super().__init__("flaky")
        self.plan, self.closes, self.tries = iter(plan), closes, 0

    def send(self, event: NoteEvent) -> None:
        self.tries += 1
        if not next(self.plan, True):
            raise OSError("the cable is out")
        super().send(event)

    def close(self) -> None:
        super().close()
        if not self.closes:
            raise OSError("stuck")


def assert_balanced(events: list[NoteEvent]) -> None:
    """Each note-on has its one note-off after it; there are no others."""
    held: set[int] = set()
    for event in events:
        if isinstance(event, NoteOn):
            held.add(event.id)
        else:
            held.remove(event.id)
    assert not held
    assert len(set(ons(events))) == len(ons(events))


plans = st.lists(st.booleans(), max_size=60)
pauses = st.lists(st.floats(0, 2 * LONGEST_PAUSE_S), max_size=30)


@given(streams, st.lists(plans, min_size=1, max_size=3), pauses)
def test_whatever_fails_no_note_hangs_and_none_ends_twice(
    events: list[NoteEvent], failures: list[list[bool]], waits: list[float]
) -> None:
    flaky = [FlakySink(plan) for plan in failures]
    healthy, clock = MemorySink(), Clock()
    fanout = Fanout([*flaky, healthy], clock)
    for event, wait in zip(events, [*waits, *(0.0 for _ in events)], strict=False):
        clock.now += wait
        fanout.retry()
        fanout.send(event)
    for sink in flaky:
        sink.plan = iter([])
    fanout.close()
    for sink in (*flaky, healthy):
        assert_balanced(sink.events)
        assert sink.closed
    assert healthy.events[: len(events)] == events


def test_a_sink_that_raises_is_reported_and_left_out_for_a_while() -> None:
    sink, clock = FlakySink([False]), Clock()
    fanout = Fanout([sink], clock)
    with capture_logs() as lines:
        fanout.send(ON)
        fanout.send(NoteOn(2, 62, 80, 0, 100))
    assert sink.tries == 1
    [line] = lines
    assert (line["sink"], line["error"], line["retry_in_s"]) == ("flaky", "the cable is out", 0.5)
    clock.now += 0.5
    fanout.send(NoteOn(3, 64, 80, 0, 100))
    assert ons(sink.events) == [3]


def test_pauses_double_up_to_the_longest_and_start_anew_after_success() -> None:
    sink, clock = FlakySink([False] * 9 + [True, False]), Clock()
    fanout = Fanout([sink], clock)
    seen: list[float] = []
    for number in range(1, 12):
        with capture_logs() as lines:
            fanout.send(NoteOn(number, 60, 80, 0, 0))
        seen += [line["retry_in_s"] for line in lines if "retry_in_s" in line]
        clock.now += LONGEST_PAUSE_S
    assert seen == [0.5, 1, 2, 4, 8, 16, 30, 30, 30, 0.5]


def test_a_note_missed_gets_no_off_and_one_sounding_gets_it_late() -> None:
    sink, clock = FlakySink([True, False]), Clock()
    fanout = Fanout([sink], clock)
    fanout.send(ON)
    fanout.send(NoteOn(2, 62, 80, 0, 100))
    fanout.send(OFF)
    fanout.send(NoteOff(2, 62, 500, 600))
    assert sink.events == [ON]
    clock.now += 1.0
    fanout.retry()
    assert sink.events == [ON, OFF]
    fanout.close()
    assert sink.events == [ON, OFF]


def test_close_ends_what_sounds_at_the_newest_position() -> None:
    sink = MemorySink()
    fanout = Fanout([sink])
    fanout.send(ON)
    fanout.send(NoteOn(2, 62, 80, 900, 1000))
    fanout.close()
    assert sink.events[2:] == [NoteOff(1, 60, 1000, 1000), NoteOff(2, 62, 1000, 1000)]


def test_close_reaches_every_sink_once_though_some_raise() -> None:
    stuck, other = FlakySink([], closes=False), MemorySink()
    fanout = Fanout([stuck, other])
    failures = fanout.close()
    assert fanout.close() == []
    assert stuck.closed
    assert other.closed
    assert [failure.endswith(": stuck") for failure in failures] == [True]


def test_close_tries_every_note_off_and_tells_which_were_missed() -> None:
    sink = FlakySink([True, True, False, True])
    fanout = Fanout([sink])
    fanout.send(ON)
    fanout.send(NoteOn(2, 62, 80, 0, 100))
    failures = fanout.close()
    assert offs(sink.events) == [2]
    assert [failure.endswith("missed the ends of pitches [60]") for failure in failures] == [True]


def test_after_close_events_go_nowhere() -> None:
    sink = MemorySink()
    fanout = Fanout([sink])
    fanout.close()
    fanout.send(ON)
    assert sink.events == []


def test_what_is_no_failure_of_a_sink_passes_through() -> None:
    class Interrupted(MemorySink):
        def send(self, event: NoteEvent) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Fanout([Interrupted()]).send(ON)
