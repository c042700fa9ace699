"""Settings that change while the engine runs: taken if they may be, and no note is left."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from test_cli import NOTEWIRE, QUIET
from test_control import Stage, on_stage

from notewire.bridge.commands import Done, Refused, Reload
from notewire.daemon.settings_watch import SettingsWatch
from notewire.daemon.sources import DEMO

stage = pytest.fixture(on_stage)


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
    file.unlink()
    look(1.0)
    file.write_text("mode: accurate\n")
    look(1.0)
    assert changes == [3.1, 6.1]


def test_a_running_engine_takes_what_is_written(tmp_path: Path) -> None:
    file = tmp_path / "notewire.yaml"
    file.write_text("mode: fast\n")
    command = [*NOTEWIRE, "run", "--file", str(DEMO), *QUIET, "--config", str(file)]
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with running:
        assert running.stdout
        assert running.stdout.readline()  # a note
        file.write_text("mode: balanced\nview: on\n")
        running.wait(60)
        assert running.stderr
        said = running.stderr.read()
    assert "settings read again" in said
    assert "the next start will heed view" in said
