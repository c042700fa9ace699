"""What Prometheus reads of a real run, with its own parser."""

from __future__ import annotations

import signal
import socket
import subprocess
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families as parsed
from test_cli import NOTEWIRE, QUIET, assert_mistake, notewire

from notewire.daemon.sources import DEMO


def read(address: str) -> dict[str, float]:
    text = urllib.request.urlopen(address, timeout=5).read().decode()
    return {s.name: s.value for family in parsed(text) for s in family.samples if not s.labels}


def test_a_run_can_be_watched() -> None:
    command = [
        *NOTEWIRE,
        "run",
        "--file",
        str(DEMO),
        *QUIET,
        "--set",
        "metrics.address=127.0.0.1:0",
    ]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as running:
        assert running.stdout
        assert running.stderr
        address = running.stderr.readline().split()[-1]
        for _ in range(5):
            running.stdout.readline()
        figures = read(address)
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)
        assert running.returncode == 0
    assert figures["notewire_notes_total"] >= 5
    assert figures["notewire_latency_seconds_count"] == figures["notewire_notes_total"]
    assert 0.02 < figures["notewire_latency_seconds_sum"] / figures["notewire_notes_total"] < 1.0
    assert -60 < figures["notewire_input_level_dbfs"] < 0
    assert figures["notewire_load_ratio"] > 0
    assert 0.0 < figures["notewire_look_ahead_seconds"] < 0.1
    assert figures["notewire_lost_seconds"] == 0


@pytest.mark.parametrize("address", ["nonsense", "127.0.0.1:99999999", "not a host:1"])
def test_an_address_that_is_none_is_a_mistake(address: str) -> None:
    done = notewire("run", "--file", DEMO, *QUIET, "--set", f"metrics.address={address}")
    assert_mistake(done, "metrics")


def test_a_port_that_is_taken_is_a_mistake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        done = notewire("run", "--file", DEMO, *QUIET, "--set", f"metrics.address={taken}")
    assert_mistake(done, "metrics.address", taken)
