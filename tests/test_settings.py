"""Settings: flags over environment over YAML, all errors at once, each with its place and cure."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from notewire.daemon.config import Config
from notewire.daemon.settings import assignments, load_config
from notewire.streaming.contracts import NotewireError
from notewire.streaming.decoding import DecoderConfig

NOWHERE: dict[str, str] = {}


def write(folder: Path, text: str) -> Path:
    path = folder / "notewire.yaml"
    path.write_text(text)
    return path


def errors(
    file: Path | None, flags: dict[str, object] | None = None, env: dict[str, str] | None = None
) -> list[str]:
    with pytest.raises(NotewireError) as caught:
        load_config(file, flags, env or NOWHERE)
    return str(caught.value).splitlines()


def test_flags_win_over_environment_over_yaml(tmp_path: Path) -> None:
    file = write(tmp_path, "mode: fast\nthreads: 2\ninput: {device: mic, block: 64}\n")
    env = {"NOTEWIRE_THREADS": "3", "NOTEWIRE_INPUT__BLOCK": "128"}
    config = load_config(file, {"input.block": 256, "mode": None}, env)
    assert (config.mode, config.threads, config.threads_for_files()) == ("fast", 3, 3)
    assert Config().threads == 1
    assert Config().threads_for_files() in range(1, 5)
    assert (config.input.device, config.input.block) == ("mic", 256)


def test_what_config_prints_is_a_config(tmp_path: Path) -> None:
    config = load_config(None, {"decoder.hold": 0.2, "output.midi": "x.mid"}, NOWHERE)
    file = write(tmp_path, yaml.safe_dump(config.model_dump(mode="json")))
    assert load_config(file, {}, NOWHERE) == config


def test_only_what_is_set_wins_over_the_tuned_decoder() -> None:
    tuned = DecoderConfig(onset=0.42, hold=0.17)
    config = load_config(None, {"decoder.hold": 0.3}, NOWHERE)
    assert config.decoder_for(tuned) == tuned.model_copy(update={"hold": 0.3})


def test_all_errors_at_once_with_their_places_and_cures(tmp_path: Path) -> None:
    file = write(tmp_path, "mode: quick\ninput:\n  devise: mic\n")
    found = errors(file, {"threads": 0}, {"NOTEWIRE_BUSS__ADDRESS": "x"})
    assert len(found) == 4
    assert any(line.startswith(f"{file}:1: mode = 'quick'") for line in found)
    assert f"{file}:3: there is no setting 'input.devise'; did you mean 'input.device'?" in found
    assert any(line.startswith("--threads: threads = 0") for line in found)
    assert "NOTEWIRE_BUSS__ADDRESS: there is no setting 'buss'; did you mean 'bus'?" in found


def test_what_has_no_likely_meaning_lists_what_there_is() -> None:
    assert "known: enabled, address" in errors(None, {"bus.xyz": 1})[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1\n", "not YAML"),
        ("just words\n", "key: value"),
        ("bus: 3\n", "bus = '3'"),
        ("a: " + 1500 * "[", "not YAML"),
        ('model: "\\UFFFFFFFF"\n', "not YAML"),
        ("output: {midi: ~nosuchuser/x.mid}\n", "~nosuchuser"),
    ],
)
def test_files_that_are_no_settings(tmp_path: Path, text: str, words: str) -> None:
    assert words in errors(write(tmp_path, text))[0]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    assert "gone.yaml: cannot be read" in errors(tmp_path / "gone.yaml")[0]


def test_an_empty_file_and_an_empty_section_mean_the_defaults(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, ""), {}, NOWHERE) == Config()
    assert load_config(write(tmp_path, "midi:\n"), {}, NOWHERE) == Config()


NAMES = ["ALSA: USB Mic", "take #3", "20:0", "on", "2024-19-41", "3"]


@pytest.mark.parametrize("name", NAMES)
def test_names_stay_as_they_are_typed(tmp_path: Path, name: str) -> None:
    """YAML would make a dict, a comment, a number, a truth value and a bad date of these."""
    flags = assignments([f"input.device={name}"])
    assert load_config(None, flags, NOWHERE).input.device == name
    assert load_config(None, {}, {"NOTEWIRE_INPUT__DEVICE": name}).input.device == name
    file = write(tmp_path, yaml.safe_dump({"input": {"device": name}}))
    assert load_config(file, {}, NOWHERE).input.device == name


def test_on_and_off_are_views_and_truth_values(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, "view: off\nmidi: {enabled: off}\n"), {}, NOWHERE)
    assert (config.view, config.midi.enabled) == ("off", False)


def test_odd_yaml_is_no_traceback(tmp_path: Path) -> None:
    file = write(tmp_path, "a: &x {b: *x}\n")
    with pytest.raises(NotewireError, match="contains itself"):
        load_config(file, {}, NOWHERE)
    assert load_config(write(tmp_path, "model: !foo x\n"), {}, NOWHERE).model == "x"


def test_assignments() -> None:
    assert assignments(["decoder.hold=0.2", "output.midi=null"]) == {
        "decoder.hold": "0.2",
        "output.midi": None,
    }
    with pytest.raises(NotewireError, match="key=value"):
        assignments(["decoder.hold"])


def test_a_tilde_is_home() -> None:
    assert (
        load_config(flags={"bus.keys": "~/keys"}, environment={}).bus.keys == Path.home() / "keys"
    )
