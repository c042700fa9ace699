"""A causal LSTM that knows what a pitch is.

For each of the 88 pitches: the bins around its harmonics over the last frames, a summary of the
whole frame and an embedding of the key; mixing across pitches; one LSTM shared by all pitches
(batch = pitch); mixing again; perhaps more such layers; heads for onset, frame, offset, velocity
and the place of the onset inside its hop, once for each look-ahead. Weights shared across keys are
why little data suffices (compare HPPNet, Wei et al. 2022; PAR, Kwon et al. 2024).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ..streaming.contracts import PITCHES, NotewireError
from ..streaming.vqt import CausalVQT
from ..streaming.vqt_config import VQTConfig
from .config import ModelConfig, NetworkConfig
from .pedal import PedalHead
from .recurrent import Memory, remember

OUTPUTS = ("onset", "frame", "offset", "velocity", "shift")
HEADS = ("heads.weight", "heads.bias", "pedal.out.weight", "pedal.out.bias")  # once a look-ahead


class NetworkState(NamedTuple):
    """All that the network remembers of a stream."""

    audio: Tensor  # (batch, vqt.memory), the newest samples
    frames: Tensor  # (batch, context - 1, bins), the newest frames
    hidden: Tensor  # (layers, batch * 88, hidden)
    cell: Tensor
    pedal: Tensor | None = None  # (1, batch, pedal)


class Answer(NamedTuple):
    """What ``Network.notes`` returns; all but the first two go into the next call."""

    logits: Tensor  # as in ``Said``
    keys: Tensor  # (hops, batch, 88, hidden), what every key is taken for
    frames: Tensor
    hidden: Tensor
    cell: Tensor


class Said(NamedTuple):
    """What the network answers, hop by hop; row t of look-ahead d as in ``Network``."""

    notes: Tensor  # logits (batch, hops, look-aheads, OUTPUTS, 88)
    pedal: Tensor | None  # logits (batch, hops, look-aheads), where it listens for the pedal


class Network(nn.Module):
    """``logits, state = network(audio, state)``: nn.LSTM's own signature.

    audio: (batch, hops * hop). logits: (batch, hops, look-aheads, OUTPUTS, 88); row t of
    look-ahead d speaks of the frame that ended d samples before hop t did. ``one_hop`` may do
    what ``notes`` does where one hop of one stream comes alone, as it does live.
    """

    one_hop: Callable[[Tensor, Tensor, Tensor, Tensor], Answer] | None = None

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        sizes = config.network
        self.vqt = CausalVQT(config.vqt)
        self.encoder = PitchEncoder(config.vqt, sizes)
        self.before = IntervalMixer(sizes.channels, sizes.mixing_heads)
        self.lstm = nn.LSTM(sizes.channels, sizes.hidden)
        self.after = IntervalMixer(sizes.hidden, sizes.mixing_heads)
        self.deeper = nn.ModuleList(Layer(sizes) for _ in range(sizes.layers - 1))
        self.look_aheads = sizes.look_aheads
        self.heads = nn.Linear(sizes.hidden, len(self.look_aheads) * len(OUTPUTS))
        self.pedal = PedalHead(config.vqt, sizes) if sizes.pedal else None

    def forward(
        self, audio: Tensor, state: NetworkState | None = None
    ) -> tuple[Tensor, NetworkState | None]:
        if not audio.shape[1]:
            return self._nothing(audio), state
        said, _, state = self.hear(audio, state, pedal=False)
        return said.notes, state

    def hear(
        self, audio: Tensor, state: NetworkState | None, pedal: bool = True
    ) -> tuple[Said, Tensor, NetworkState]:
        """For at least one hop, all that is said, and the frames (batch, hops, bins) seen.

        pedal: whether to listen for it, where the network can.
        """
        features, past = self.vqt(audio, state.audio if state else None)
        said, state = self.read(features, state, pedal)
        return said, features, state._replace(audio=past)

    def read(
        self, features: Tensor, state: NetworkState | None, pedal: bool = True
    ) -> tuple[Said, NetworkState]:
        """From log-magnitude frames (batch, hops, bins) on; the new state lacks the audio."""
        before = state or self.silence(features)
        alone = features.shape[:2] == (1, 1)
        notes = self.one_hop if self.one_hop and alone else self.notes
        answer = Answer(*notes(features, before.frames, before.hidden, before.cell))
        pressed, foot = None, None
        if self.pedal and pedal:
            pressed, foot = self.pedal(features, answer.keys, before.pedal)
        nothing = features.new_zeros(len(features), 0)
        return Said(answer.logits, pressed), NetworkState(nothing, *answer[2:], foot)

    def notes(self, features: Tensor, frames: Tensor, hidden: Tensor, cell: Tensor) -> Answer:
        """From frames (batch, hops, bins) and what is remembered to what is said of the notes."""
        batch, hops, _ = features.shape
        x, frames = self.encoder(features, frames)
        x = self.before(x).permute(1, 0, 2, 3).reshape(hops, batch * PITCHES, -1)
        memories = list(zip(hidden.split(1), cell.split(1), strict=True))
        x, memories[0] = remember(self.lstm, x, memories[0])
        x = self.after(x.reshape(hops, batch, PITCHES, -1))
        for i, layer in enumerate(self.deeper, 1):
            x, memories[i] = layer(x, memories[i])
        logits = self.heads(x).unflatten(-1, (-1, len(OUTPUTS))).permute(1, 0, 3, 4, 2)
        hidden, cell = (torch.cat(part) for part in zip(*memories, strict=True))
        return Answer(logits, x, frames, hidden, cell)

    @torch.no_grad()
    def adopt(self, other: Network) -> None:
        """Begin with another network's weights; harmonics that it did not hear begin at zero.

        Layers that it did not have change nothing at first; each look-ahead begins as the nearest
        of its own. Raises NotewireError where the two differ in more than that.
        """
        theirs = other.state_dict()
        for name in filter(theirs.__contains__, HEADS):
            theirs[name] = _nearest(theirs[name], other.look_aheads, self.look_aheads)
        for name, mine in self.state_dict().items():
            if name not in theirs:
                continue
            shape = theirs[name].shape
            if shape != mine.shape and name != "encoder.harmonics.weight":
                raise NotewireError(f"weights of another shape: {name} is {list(shape)}")
            mine.zero_()[tuple(map(slice, shape))] = theirs[name]

    def silence(self, features: Tensor) -> NetworkState:
        """What is remembered of silence before the stream."""
        batch, layers = len(features), len(self.deeper) + 1
        memory = features.new_zeros(layers, batch * PITCHES, self.lstm.hidden_size)
        frames = self.encoder.silence(features)
        return NetworkState(features.new_zeros(batch, 0), frames, memory, memory)

    def _nothing(self, audio: Tensor) -> Tensor:
        """The answer to no hops at all, which an LSTM refuses to give."""
        look_aheads = self.heads.out_features // len(OUTPUTS)
        return audio.new_zeros(audio.shape[0], 0, look_aheads, len(OUTPUTS), PITCHES)


class PitchEncoder(nn.Module):
    """Frames to one vector per pitch: (batch, hops, bins) -> (batch, hops, 88, channels)."""

    index: Tensor

    def __init__(self, vqt: VQTConfig, sizes: NetworkConfig) -> None:
        super().__init__()
        self.context = sizes.context
        index = _harmonic_bins(vqt, sizes)
        places = index.flatten()[:, None] + (vqt.bins + 1) * torch.arange(sizes.context)
        self.register_buffer("index", places.flatten(), persistent=False)
        self.harmonics = nn.Linear(index.shape[1] * sizes.context, sizes.channels)
        self.summary = nn.Sequential(
            nn.Linear(vqt.bins * sizes.context, sizes.summary),
            nn.ReLU(),
            nn.Linear(sizes.summary, sizes.channels),
        )
        self.key = nn.Parameter(torch.randn(PITCHES, sizes.channels) * 0.02)

    def forward(self, frames: Tensor, past: Tensor | None) -> tuple[Tensor, Tensor]:
        past = self.silence(frames) if past is None else past
        if not frames.shape[1]:
            return frames.new_zeros(len(frames), 0, PITCHES, self.key.shape[1]), past
        frames = torch.cat([past, frames], dim=1)
        whole = self.summary(frames.unfold(1, self.context, 1).flatten(-2)).unsqueeze(2)
        newest = frames[:, frames.shape[1] - self.context + 1 :]
        return torch.relu(self.harmonics(self._around(frames)) + whole + self.key), newest

    def silence(self, frames: Tensor) -> Tensor:
        """The past at the start of a stream."""
        return frames.new_zeros(frames.shape[0], self.context - 1, frames.shape[2])

    def _around(self, frames: Tensor) -> Tensor:
        """(batch, hops, 88, bins * context): what each pitch sees of the newest ``context`` frames.

        One gather from frames laid end to end: a third of the time of picking bins frame by frame.
        """
        padded = nn.functional.pad(frames, (0, 1))
        size = padded.shape[2]
        recent = padded.flatten(1).unfold(1, self.context * size, size)
        seen = recent.gather(2, self.index.expand(*recent.shape[:2], -1))
        return seen.unflatten(2, (PITCHES, -1))


class IntervalMixer(nn.Module):
    """Pitches hear each other by interval: x + W2 relu(mix(W1 norm(x))).

    Each head holds one weight per interval from -87 to 87 semitones, the same from every key: a
    convolution over pitch that reaches the whole keyboard, done as one matrix product.
    """

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.into = nn.Linear(channels, channels)
        self.kernel = nn.Parameter(torch.randn(heads, 2 * PITCHES - 1) * 0.02)
        self.out = nn.Linear(channels, channels)
        with torch.no_grad():
            self.kernel[:, PITCHES - 1] += 1.0  # start by hearing oneself

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., 88, channels)"""
        y = self.into(self.norm(x)).unflatten(-1, (len(self.kernel), -1))
        y = torch.einsum("hqp,...phc->...qhc", self._matrix(), y)
        return x + self.out(torch.relu(y.flatten(-2)))

    def _matrix(self) -> Tensor:
        """(heads, 88, 88): row q, column p holds the kernel's weight of the interval q - p."""
        return self.kernel.unfold(-1, PITCHES, 1).flip(-1)


class Layer(nn.Module):
    """One more LSTM over each pitch and one more mixing; new ones say nothing until they learn.

    x: (hops, batch, 88, hidden) -> the same. Each begins as the identity (as in Fixup, Zhang et al.
    2019), so that a trained network can grow.
    """

    def __init__(self, sizes: NetworkConfig) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(sizes.hidden)
        self.lstm = nn.LSTM(sizes.hidden, sizes.hidden)
        self.out = nn.Linear(sizes.hidden, sizes.hidden)
        self.mixer = IntervalMixer(sizes.hidden, sizes.mixing_heads)
        for last in (self.out, self.mixer.out):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        heard, memory = remember(self.lstm, self.norm(x).flatten(1, 2), memory)
        return self.mixer(x + self.out(heard).view_as(x)), memory


def _nearest(head: Tensor, theirs: tuple[int, ...], mine: tuple[int, ...]) -> Tensor:
    """Rows (look-aheads * outputs, ...) of a head, for each of mine those of the nearest."""
    rows = [min(range(len(theirs)), key=lambda i, d=d: abs(theirs[i] - d)) for d in mine]
    return head.unflatten(0, (len(theirs), -1))[rows].flatten(0, 1)


def _harmonic_bins(vqt: VQTConfig, sizes: NetworkConfig) -> Tensor:
    """(88, bins seen by a pitch); the index ``vqt.bins`` stands for silence out of range."""
    per_octave = 12 * vqt.bins_per_semitone
    centre = torch.arange(PITCHES) * vqt.bins_per_semitone + vqt.bins_per_semitone // 2
    steps = (per_octave * torch.tensor(sizes.harmonics).log2()).round().long()
    spread = torch.arange(-sizes.spread, sizes.spread + 1)
    bins = (centre[:, None, None] + steps[:, None] + spread).flatten(1)
    return torch.where((bins >= 0) & (bins < vqt.bins), bins, vqt.bins)
