"""The exported live step: the same notes as the network it was made from, and only as that one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from test_cli import DEMO, assert_mistake, notewire

from notewire.daemon.audio_file import AudioFile
from notewire.models.checkpoint import save_model
from notewire.models.config import ModelConfig
from notewire.models.library import WEIGHTS, open_model, shipped_models
from notewire.models.network import Network
from notewire.models.transcriber import Transcriber
from notewire.streaming.contracts import AudioBlock, NoteEvent, NoteOn, NotewireError
from notewire.training.export import export_model

SECONDS = 15


@pytest.fixture(scope="module")
def weights(
    tmp_path_factory: pytest.TempPathFactory, tiny_network: Network, tiny_config: ModelConfig
) -> Path:
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_model(tiny_network, tiny_config, path)
    export_model(path)
    return path


def copy_of(weights: Path, folder: Path) -> Path:
    for path in (weights, weights.with_suffix(".onnx")):
        shutil.copy(path, folder)
    return folder / weights.name


def heard(network: Network, config: ModelConfig) -> list[NoteEvent]:
    """The first seconds of the demo in blocks of one hop, as it would come live."""
    source = AudioFile(Path(DEMO))
    transcriber = Transcriber(network, config, source.rate)
    size, events = round(config.vqt.hop * source.rate / config.vqt.rate), list[NoteEvent]()
    for block in source:
        if block.start > SECONDS * source.rate:
            break
        for begin in range(0, len(block.samples), size):
            part = block.samples[begin : begin + size]
            events += transcriber.feed(AudioBlock(block.start + begin, part))
    return events + transcriber.flush()


def table(events: list[NoteEvent]) -> np.ndarray:
    """Rows of (id, pitch, velocity, at, emitted); velocity 0: an end."""
    return np.array(
        [
            (e.id, e.pitch, e.velocity, e.onset, e.emitted)
            if isinstance(e, NoteOn)
            else (e.id, e.pitch, 0, e.offset, e.emitted)
            for e in events
        ]
    )


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_says_the_same_notes_exported(name: str) -> None:
    network, config = open_model(name)
    assert network.one_hop is not None
    quick = table(heard(network, config))
    network.one_hop = None
    slow = table(heard(network, config))
    assert len(quick) > 50
    # equal but for rounding: another processor may add up in another order
    assert (np.abs(quick - slow) <= [0, 0, 1, 1, 0]).all()


def test_hop_by_hop_it_answers_as_the_network_does(weights: Path) -> None:
    torch.manual_seed(5)
    network, config = open_model(str(weights))
    audio = torch.randn(1, 40 * config.vqt.hop) * 0.1
    whole, _ = network(audio)
    state, parts = None, []
    for hop in audio.split(config.vqt.hop, 1):
        said, state = network(hop, state)
        parts.append(said)
    torch.testing.assert_close(torch.cat(parts, 1), whole, atol=1e-4, rtol=1e-4)


def test_it_never_speaks_for_other_weights(weights: Path, tmp_path: Path) -> None:
    path = copy_of(weights, tmp_path)
    network, config = open_model(str(path))
    save_model(network, config.model_copy(update={"name": "other"}), path)
    assert open_model(str(path))[0].one_hop is None  # it went with the weights
    shutil.copy(weights.with_suffix(".onnx"), tmp_path)
    with pytest.raises(NotewireError, match=r"tiny\.onnx: made from other.*notewire export"):
        open_model(str(path))
    assert_mistake(notewire("transcribe", DEMO, "--model", path), "made from other weights")
    export_model(path)
    assert open_model(str(path))[0].one_hop is not None


@pytest.mark.parametrize("content", [b"", b"no graph at all"])
def test_a_damaged_file_is_named_with_its_cure(
    weights: Path, tmp_path: Path, content: bytes
) -> None:
    path = copy_of(weights, tmp_path)
    path.with_suffix(".onnx").write_bytes(content)
    with pytest.raises(NotewireError, match=r"tiny\.onnx: cannot be read.*notewire export"):
        open_model(str(path))


def test_it_tells_nothing_of_the_machine_that_made_it() -> None:
    for name in shipped_models():
        content = (WEIGHTS / f"{name}.onnx").read_bytes()
        assert b".py" not in content
        assert b"site-packages" not in content


def test_what_cannot_be_exported_is_a_mistake(tmp_path: Path) -> None:
    weights = tmp_path / "none.safetensors"
    assert_mistake(notewire("export", weights), f"{weights}: no such model file")


def test_the_exported_forms_ship_with_their_weights() -> None:
    names = {item.name for item in WEIGHTS.iterdir()}
    assert {f"{name}.onnx" for name in shipped_models()} <= names
