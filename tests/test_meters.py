"""The latency meter against a stream whose delays are known."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import pytest

from notewire.daemon.meters import LatencyMeter, Percentiles, Summary, percentiles


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_waiting_counts_and_the_earliest_arrival_is_the_reference() -> None:
    clock = Clock()
    meter = LatencyMeter(clock)
    for i in range(1, 100):
        clock.now = 1000 + 0.01 * i + (0.004 if i % 3 else 0.0)
        meter.arrived(0.01 * i)
    clock.now = 1001.0
    assert meter.said(onset=0.95, known=0.97) == pytest.approx(0.05, abs=1e-3)


def test_drifting_clocks_do_not_pile_up() -> None:
    """A card that runs 50 ppm slow for an hour is 180 ms behind; the meter is not."""
    clock = Clock()
    meter = LatencyMeter(clock)
    for second in range(3600):
        clock.now = 1000 + second * (1 + 50e-6)
        meter.arrived(second)
    assert meter.said(onset=3599 - 0.05, known=3599) == pytest.approx(0.05, abs=2e-3)


def test_a_latency_is_the_sum_of_what_it_is_made_of() -> None:
    latency = Percentiles(0.060, 0.090, 0.1)
    summary = Summary(3, 1.0, latency, Percentiles(0.001, 0, 0), 0.02, 0.0, 0.005, 0.035)
    assert summary.engine == pytest.approx(0.020)
    assert "60 ms, p95 90 ms (look-ahead 35, engine 20, input 5)" in str(summary)
    assert "engine 20, input 5, MIDI +0.2)" in str(replace(summary, midi=0.0002))


def test_percentiles() -> None:
    assert percentiles(deque()).median == 0
    found = percentiles(deque(range(101)))
    assert (found.median, found.p95, found.p99) == (50, 95, 99)
