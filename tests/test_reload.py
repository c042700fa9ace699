"""Settings that change while the engine runs: taken if they may be, and no note is left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from test_cli import NOTEWIRE, QUIET
from test_control import Stage, on_stage
from test_live_jack import wait_for

from notewire.bridge.commands import Done, Refused, Reload
from notewire.daemon.settings_watch import SettingsWatch
from notewire.daemon.sources import DEMO

stage = pytest.fixture(on_stage)
unix = pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")


def test_settings_read_again_take_effect_or_are_told_to_wait(stage: Stage, tmp_path: Path) -> None:
    stage.settings = tmp_path / "notewire.yaml"
    stage.settings.write_text(
        "mode: fast\ndecoder: {transpose: 5}\nmidi: {channel: 2, velocity: {softest: 90}}\n"
    )
    stage.play_to_a_note()
    answer = stage.conductor.act(Reload())
    assert answer == Done("the next start will heed midi.channel")
    assert stage.engine.transcriber.mode == "fast"
    assert stage.engine.transcriber.decoder.config.transpose == 5
    assert stage.port.velocities[1] == 90
    stage.settings.write_text("mode: fast\nmodel: other\n")
    assert stage.conductor.act(Reload()) == Done("the next start will heed model")
    stage.settings.write_text("mode: fast\n")
    assert stage.conductor.act(Reload()) == Done()


def test_a_mistake_in_the_settings_changes_nothing(stage: Stage, tmp_path: Path) -> None:
    stage.settings = tmp_path / "notewire.yaml"
    stage.settings.write_text("mode: fats\n")
    stage.play_to_a_note()
    answer = stage.conductor.act(Reload())
    assert isinstance(answer, Refused)
    assert "notewire.yaml:1: mode" in answer.reason
    assert stage.engine.transcriber.mode == "balanced"
    assert stage.engine.transcriber.sounding


def test_a_file_of_settings_is_watched(tmp_path: Path) -> None:
    file, now, changes = tmp_path / "notewire.yaml", [0.0], []
    watch = SettingsWatch(file, lambda: changes.append(now[0]), lambda: now[0])

    def look(seconds: float) -> None:
        now[0] += seconds
        watch.pulse()

    look(2.0)
    file.write_text("mode: fast\n")
    look(0.1)
    assert changes == []
    look(1.0)
    look(1.0)
    assert changes == [3.1]
    file.write_text("mode: balanced\n")
    watch.seen()  # somebody has asked for it before
    look(1.0)
    assert changes == [3.1]
    file.unlink()
    look(1.0)
    file.write_text("mode: accurate\n")
    look(1.0)
    assert changes == [3.1, 7.1]


def test_a_running_engine_takes_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "notewire.yaml"
    file.write_text("mode: fast\n")
    command = [*NOTEWIRE, "run", "--file", str(DEMO), *QUIET, "--config", str(file)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with running:
        assert running.stdout
        assert running.stdout.readline()  # a note
        file.write_text("mode: balanced\nview: on\n")
        assert running.stderr
        said = ""
        while "the next start will heed view" not in said:
            said += (line := running.stderr.readline())
            assert line, said
        assert "settings read again" in said
        running.send_signal(signal.SIGINT)
        running.communicate(timeout=20)


def started(*more: str, **how: object) -> subprocess.Popen[str]:
    """An engine that has said its first note."""
    command = [*NOTEWIRE, "run", "--file", str(DEMO), "--view", "off", *more]
    command += ["--no-midi", "--address", "tcp://127.0.0.1:*", "--set", "log.format=json"]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stderr=pipe, text=True, start_new_session=True, **how)  # pyright: ignore[reportArgumentType, reportCallIssue]


@unix
def test_sighup_makes_a_service_read_its_settings(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    with started("--events", str(log)) as running:
        wait_for("notes", lambda: log.exists() and log.stat().st_size)
        running.send_signal(signal.SIGHUP)
        assert running.stderr
        news = json.loads(running.stderr.readline())
        assert (news["event"], news["level"]) == ("settings read again", "info")
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 0


@unix
def test_a_closed_terminal_is_the_end(tmp_path: Path) -> None:
    import fcntl
    import pty
    import termios

    log, (ours, theirs) = tmp_path / "log.jsonl", pty.openpty()

    def take_terminal() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    how = {"stdin": theirs, "preexec_fn": take_terminal}
    with started("--events", str(log), **how) as running:
        os.close(theirs)
        wait_for("notes", lambda: log.exists() and log.stat().st_size)
        os.close(ours)  # the window is closed
        assert running.wait(20) == 0
    said = log.read_text()
    assert said.count("note_on") == said.count("note_off")
