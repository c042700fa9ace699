"""The program as a person runs it: outputs, exit codes, one clear line for every mistake."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
from test_audio_file import bad_files, encode

from notewire.bridge.event_log import read_events
from notewire.bridge.wire import NoteOnMessage
from notewire.daemon.sources import DEMO, demo_audio
from notewire.training.scores import score_onsets

NOTEWIRE = [sys.executable, "-c", "from notewire.daemon.__main__ import main; main()"]
QUIET = ["--no-midi", "--no-bus"]


def notewire(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*NOTEWIRE, *map(str, arguments)]
    env = os.environ | environment
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=120, env=env
    )


def assert_mistake(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2, lines for people, no traceback."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def midi_notes(path: Path) -> np.ndarray:
    """(n, 4) of a MIDI file; fails where a note has no end."""
    now, begun, notes = 0.0, {}, []
    for message in mido.MidiFile(path):
        now += message.time
        if message.type == "note_on" and message.velocity:
            begun[message.note] = (now, message.velocity)
        elif message.type in ("note_on", "note_off"):
            onset, velocity = begun.pop(message.note)
            notes.append((onset, now, message.note, velocity))
    assert not begun
    return np.array(sorted(notes)).reshape(-1, 4)


def clip(path: Path, seconds: float) -> Path:
    """The beginning of the demo, for tests that need not hear all of it."""
    soundfile.write(path, *demo_audio(seconds))
    return path


def test_the_demo_clip_comes_out_as_it_was_played(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    done = notewire("transcribe", DEMO, "-o", tmp_path, "--events", log)
    assert done.returncode == 0, done.stderr
    heard, played = midi_notes(tmp_path / "demo.mid"), midi_notes(DEMO.with_suffix(".mid"))
    assert score_onsets(played, heard).f1 > 0.8
    on = [event for event in read_events(log) if isinstance(event, NoteOnMessage)]
    assert len(on) == len(heard)
    assert all(event.onset <= event.emitted <= event.onset + 0.2 for event in on)


def test_several_files_and_bad_ones_among_them(tmp_path: Path) -> None:
    encode(tmp_path / "a.wav", 44_100)
    encode(tmp_path / "a.mp3", 44_100)
    bad = bad_files(tmp_path)
    out = tmp_path / "out"
    names = ("missing", "empty", "text", "nan", "long", "noise", "folder")
    files = [tmp_path / "a.wav", *(bad[name] for name in names), tmp_path / "a.mp3"]
    done = notewire("transcribe", *files, "-o", out)
    assert_mistake(done, *(str(bad[name]) for name in names))
    assert len(done.stderr.strip().splitlines()) == len(names)
    assert sorted(path.name for path in out.iterdir()) == ["a.mp3.mid", "a.wav.mid"]


def test_a_file_of_no_length(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros(0), 44_100)
    assert notewire("transcribe", tmp_path / "none.wav", "-o", tmp_path).returncode == 0
    assert len(midi_notes(tmp_path / "none.mid")) == 0


def test_a_file_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    audio, rate = demo_audio(7.0)
    audio[int(6.5 * rate)] = np.nan
    soundfile.write(tmp_path / "torn.wav", audio, rate, subtype="FLOAT")
    done = notewire("transcribe", tmp_path / "torn.wav", "-o", tmp_path)
    assert_mistake(done, "not numbers at 6.")
    assert len(midi_notes(tmp_path / "torn.mid")) > 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--input", "no such thing", *QUIET], ["no such thing"]),
        (["run", "--file", "gone.wav", *QUIET], ["gone.wav: no such file"]),
        (["run", "--mode", "quick"], ["--mode", "'fast', 'balanced' or 'accurate'"]),
        (["run", "--model", "organ"], ["no model 'organ'", "piano"]),
        (["run", "--model", "small", "--set", "pedal=true"], ["'small' does not hear the pedal"]),
        (["run", "--device", "tpu"], ["tpu", "cpu"]),
        (["run", "--set", "decoder.holt=1"], ["did you mean 'decoder.hold'?"]),
        (["run", "--address", "tcp://0.0.0.0:5556"], ["0.0.0.0", "this computer only"]),
        (["run", "--config", "gone.yaml"], ["gone.yaml"]),
        (["evaluate", "."], ["no recordings with notes"]),
        (["evaluate", "gone"], ["gone: no such file or folder"]),
        (["train", "gone.yaml"], ["gone.yaml"]),
        (["transcribe"], ["Missing argument"]),
        (["no-such-command"], ["No such command"]),
        (["run", "--no-such-flag"], ["No such option"]),
    ],
)
def test_mistakes(
    arguments: list[str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert_mistake(notewire(*arguments), *words)


def test_a_busy_port_is_a_mistake() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        assert_mistake(notewire("run", "--no-midi", "--address", address), address)


def test_a_mistake_does_not_empty_an_earlier_take(tmp_path: Path) -> None:
    files = [tmp_path / "take.mid", tmp_path / "take.jsonl"]
    for file in files:
        file.write_text("an earlier take")
    take = ["--midi-file", files[0], "--events", files[1]]
    assert_mistake(notewire("run", "--input", "no such thing", *QUIET, *take))
    assert_mistake(notewire("run", "--file", DEMO, "--address", "tcp://8.8.8.8:1", *take))
    gone = tmp_path / "folder" / "x.jsonl"
    gone.mkdir(parents=True)
    assert_mistake(notewire("run", "--file", DEMO, *QUIET, *take[:2], "--events", gone))
    with socket.create_server(("127.0.0.1", 0)) as other:
        metrics = f"metrics.address=127.0.0.1:{other.getsockname()[1]}"
        assert_mistake(notewire("run", "--file", DEMO, *QUIET, *take, "--set", metrics))
    assert [file.read_text() for file in files] == ["an earlier take"] * 2


def test_names_with_brackets_and_colons(tmp_path: Path) -> None:
    path = clip(tmp_path / "Op27:2 [live].flac", 2.0)
    done = notewire("transcribe", path, "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Op27:2 [live].mid" in done.stdout


def test_reports_that_cannot_be_written_are_refused_before_the_work(tmp_path: Path) -> None:
    gone = tmp_path / "gone" / "x.json"
    assert_mistake(notewire("bench", "--json", gone), "there is no folder")
    assert_mistake(notewire("evaluate", DEMO.parent, "--json", gone), "there is no folder")


def test_version_help_config_and_devices() -> None:
    assert notewire("--version").stdout.startswith("notewire ")
    for command in ("run", "transcribe", "devices", "evaluate", "train", "bench", "config"):
        assert "Usage" in notewire(command, "--help").stdout
    assert "mode: fast" in notewire("config", NOTEWIRE_MODE="fast").stdout
    assert "\n# mode: balanced  # in a run" in notewire("config").stdout
    assert json.loads(notewire("config", "--schema").stdout)["properties"]["mode"]
    assert "piano" in notewire("devices").stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    files = ["--events", tmp_path / "log.jsonl", "--midi-file", tmp_path / "take.mid"]
    command = [*NOTEWIRE, "run", "--file", DEMO, *QUIET, *files]
    running = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, text=True)
    assert running.stdout
    for _ in range(4):
        assert "velocity" in running.stdout.readline()
    running.send_signal(number)
    running.communicate(timeout=20)
    assert running.returncode == 0
    heard = midi_notes(tmp_path / "take.mid")
    assert len(heard) >= 3  # the take listens longer, and may not have heard the last one yet
    kinds = [type(event).__name__ for event in read_events(tmp_path / "log.jsonl")]
    assert kinds.count("NoteOnMessage") == kinds.count("NoteOffMessage") >= 4


def test_realtime_takes_as_long_as_the_music(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "x.wav", np.zeros(24_000), 8000)
    begun = time.monotonic()
    assert notewire("transcribe", tmp_path / "x.wav", "--realtime", "-o", tmp_path).returncode == 0
    assert time.monotonic() - begun > 3.0
