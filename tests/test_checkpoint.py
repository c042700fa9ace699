"""Weights and config travel together; what does not fit is refused by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from notewire.models.checkpoint import load_model, save_model
from notewire.models.config import MODES, ModelConfig
from notewire.models.library import open_model, shipped_models
from notewire.models.network import Network
from notewire.streaming.contracts import NotewireError


@pytest.fixture
def saved(tmp_path: Path, tiny_network: Network, tiny_config: ModelConfig) -> Path:
    path = tmp_path / "tiny.safetensors"
    save_model(tiny_network, tiny_config, path)
    return path


def rewrite(path: Path, **changes: object) -> None:
    """Change the config inside a checkpoint."""
    with safe_open(path, framework="pt") as file:
        config = json.loads(file.metadata()["notewire"]) | changes
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, {"notewire": json.dumps(config)})


def test_round_trip(saved: Path, tiny_network: Network, tiny_config: ModelConfig) -> None:
    network, config = load_model(saved)
    assert config == tiny_config
    audio = torch.randn(1, 3200)
    assert torch.equal(network(audio)[0], tiny_network(audio)[0])


def test_a_key_it_does_not_know_is_refused(saved: Path) -> None:
    rewrite(saved, colour="blue")
    with pytest.raises(NotewireError, match="colour"):
        load_model(saved)


def test_another_version_is_refused(saved: Path) -> None:
    rewrite(saved, version=2)
    with pytest.raises(NotewireError, match="another version of notewire"):
        load_model(saved)


def test_weights_of_another_shape_are_refused(saved: Path) -> None:
    rewrite(saved, network={"hidden": 12})
    with pytest.raises(NotewireError, match="do not fit"):
        load_model(saved)


@pytest.mark.parametrize("content", [b"", b"not weights at all"])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(NotewireError, match=r"x\.safetensors"):
        load_model(path)


def test_a_name_that_is_not_shipped_is_refused_with_those_that_are() -> None:
    with pytest.raises(NotewireError, match=r"shipped: .*piano"):
        open_model("organ")


def test_a_device_that_is_not_here_is_refused() -> None:
    with pytest.raises(NotewireError, match=r"available: .*cpu"):
        open_model("piano", "tpu")


@pytest.mark.parametrize("name", shipped_models())
def test_shipped_models_are_small_and_have_every_mode(name: str) -> None:
    network, config = open_model(name)
    assert set(config.network.look_ahead) == set(config.decoder) == set(MODES)
    assert 4 * sum(p.numel() for p in network.parameters()) < 20e6
    assert config.licence != "unstated"
