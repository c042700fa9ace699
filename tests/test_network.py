"""The network keeps the streaming contract, in float64, and knows a pitch by its interval."""

from __future__ import annotations

import copy

import pytest
import torch
from contract import (
    assert_causal,
    assert_state_matters,
    assert_streaming_equals_offline,
    noise,
)

from notewire.models.config import ModelConfig, NetworkConfig
from notewire.models.network import OUTPUTS, IntervalMixer, Network, PitchEncoder
from notewire.streaming.vqt_config import VQTConfig

HOP = VQTConfig().hop


@pytest.fixture(scope="module")
def network(tiny_network: Network) -> Network:
    """With every layer at work: new ones are the identity."""
    network = copy.deepcopy(tiny_network).double()
    for layer in network.deeper:
        for weight in layer.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    return network


def test_shapes(network: Network, tiny_config: ModelConfig) -> None:
    logits, _ = network(noise(3 * HOP, batch=2))
    assert logits.shape == (2, 3, len(tiny_config.network.look_ahead), len(OUTPUTS), 88)


def test_streamed_equals_whole(network: Network) -> None:
    audio = noise(20 * HOP, batch=2)
    assert_streaming_equals_offline(network, audio, HOP)
    assert_state_matters(network, audio, HOP)


def test_causal(network: Network) -> None:
    assert_causal(network, noise(20 * HOP), HOP)


def test_the_encoder_alone_keeps_the_contract(tiny_config: ModelConfig) -> None:
    encoder = PitchEncoder(tiny_config.vqt, tiny_config.network).double()
    frames = noise(20 * 288).reshape(1, 20, 288)
    assert_streaming_equals_offline(encoder, frames, 1)
    assert_state_matters(encoder, frames, 1)


def test_two_streams_do_not_disturb_each_other(network: Network) -> None:
    one, two = noise(8 * HOP, seed=1), noise(8 * HOP, seed=2)
    apart = [network(one)[0], network(two)[0]]
    states, parts = [None, None], [[], []]
    for t in range(8):
        for i, audio in enumerate((one, two)):
            out, states[i] = network(audio[:, t * HOP : (t + 1) * HOP], states[i])
            parts[i].append(out)
    for whole, stepped in zip(apart, parts, strict=True):
        assert torch.allclose(torch.cat(stepped, 1), whole, rtol=0, atol=1e-12)


def test_mixing_is_the_same_from_every_key() -> None:
    mixer = IntervalMixer(8, 2).double()
    torch.nn.init.normal_(mixer.kernel)
    torch.nn.init.zeros_(mixer.into.bias)  # else every silent key adds to its neighbours
    x = torch.zeros(1, 88, 8, dtype=torch.float64)
    low, high = x.clone(), x.clone()
    low[0, 30], high[0, 37] = torch.arange(8.0), torch.arange(8.0)
    moved = mixer(low)[0, 20:60].detach()
    assert torch.allclose(moved, mixer(high)[0, 27:67].detach(), atol=1e-12)


def test_a_network_that_looks_ahead_not_at_all_can_be_built() -> None:
    sizes = NetworkConfig(channels=8, summary=8, mixing_heads=2, hidden=8, look_ahead={"fast": 0})
    Network(ModelConfig(network=sizes))(torch.zeros(1, HOP))
