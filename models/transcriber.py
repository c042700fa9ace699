"""Audio blocks in, note events out: the one object that owns streaming state.

Live, offline and evaluation run this object; the events depend on the samples alone, not on how
they were cut into blocks.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..streaming.contracts import AudioBlock, NoteEvent, NoteOn, NotewireError
from ..streaming.decoding import DecoderConfig, FrameClock
from ..streaming.hops import rehop
from ..streaming.notes import Activations, NoteDecoder, silence
from ..streaming.resample import Resampler, ResamplerState
from .config import Mode, ModelConfig
from .network import OUTPUTS, Network, NetworkState

MOST_SECONDS = 4  # a longer block goes through in parts, so that memory stays bounded


class StreamState(NamedTuple):
    """Everything that one stream carries from block to block; None means at its start."""

    resampler: ResamplerState | None = None
    rest: NDArray[np.floating] | None = None
    network: NetworkState | None = None


class Transcriber:
    """``feed(block)`` returns the events that the block completes; ``flush()`` ends the stream.

    rate: of the blocks, Hz. Event times are samples at ``self.rate``, counted from the sample 0 of
    the source. A block whose ``start`` is not where the last one ended releases all that sounds
    and starts anew.
    """

    def __init__(
        self,
        network: Network,
        config: ModelConfig,
        rate: int,
        mode: Mode = "balanced",
        decoder: DecoderConfig | None = None,
    ) -> None:
        self.network, self.source_rate = network, rate
        self.rate, self.hop = config.vqt.rate, config.vqt.hop
        self.resampler = Resampler(rate, self.rate)
        self._most = MOST_SECONDS * rate
        self.config = config
        tuned = self._tuned(mode)
        self._choose(mode, decoder or tuned)
        self.level_db = -np.inf  # of the newest hop, dBFS
        self.hops = 0  # gone through the network since the start
        self._weight = network.heads.weight
        self._dtype = torch.zeros((), dtype=self._weight.dtype).numpy().dtype
        self._stream, self._notes = StreamState(), silence()
        self._origin = self._position = 0  # of the stream and of the next sample, at source rate

    @property
    def sounding(self) -> list[int]:
        """The pitches held now."""
        return self._notes.sounding

    @property
    def position(self) -> int:
        """How much of the source was consumed, in samples at ``self.rate``."""
        return self._at_model_rate(self._position)

    def feed(self, block: AudioBlock) -> list[NoteEvent]:
        """Consume a block of any size at ``source_rate``."""
        events = self._restart(block.start) if block.start != self._position else []
        self._position = block.end
        samples = block.samples.astype(self._dtype, copy=False)
        for begin in range(0, len(samples), self._most):
            events += self._take(samples[begin : begin + self._most])
        return events

    def switch(self, mode: Mode, decoder: DecoderConfig) -> list[NoteEvent]:
        """Go on in another mode or with other thresholds; a new mode ends what sounds."""
        events = self.release() if mode != self.mode else []
        self._choose(mode, decoder)
        return events

    def release(self) -> list[NoteEvent]:
        """End all that sounds, now, and listen on: for when no audio comes."""
        now = max(self.position - self._at_model_rate(self._origin), self._said)
        events, silent = self.decoder.release(self._notes, now)
        self._notes = silent._replace(hop=self._notes.hop)
        return self._placed(events)

    def flush(self) -> list[NoteEvent]:
        """End the stream here: every sounding note gets its note-off."""
        return self._restart(self._position)

    def _tuned(self, mode: Mode) -> DecoderConfig:
        if mode not in self.config.network.look_ahead:
            have = ", ".join(self.config.network.look_ahead)
            name = self.config.name
            raise NotewireError(f"the model '{name}' has no mode '{mode}', only {have}")
        return self.config.decoder[mode]

    def _choose(self, mode: Mode, decoder: DecoderConfig) -> None:
        """All look-aheads are answered at every hop: a mode is the choice of one."""
        look_aheads = self.config.network.look_ahead
        self.mode: Mode = mode
        self.head = list(look_aheads).index(mode)
        clock = FrameClock(self.rate, self.hop, look_aheads[mode], self.resampler.delay)
        self.decoder = NoteDecoder(decoder, clock)

    def _restart(self, start: int) -> list[NoteEvent]:
        """Release what sounds where the stream broke off; what follows begins at ``start``."""
        events = self.release()
        self._stream, self._notes = StreamState(), self._notes._replace(hop=0)
        self._origin = self._position = start
        return events

    def _take(self, samples: NDArray[np.floating]) -> list[NoteEvent]:
        audio, resampler = self.resampler(samples, self._stream.resampler)
        hops, rest = rehop(audio, self._stream.rest, self.hop)
        self._stream = StreamState(resampler, rest, self._stream.network)
        return self._decode(hops) if len(hops) else []

    def _decode(self, hops: NDArray[np.floating]) -> list[NoteEvent]:
        activations, network = self._listen(hops)
        self._stream = self._stream._replace(network=network)
        self.level_db = float(activations.level[-1])
        self.hops += len(activations.level)
        events, self._notes = self.decoder(activations, self._notes)
        return self._placed(events)

    @torch.inference_mode()
    def _listen(self, hops: NDArray[np.floating]) -> tuple[Activations, NetworkState | None]:
        audio = torch.from_numpy(hops).to(self._weight.device)[None]
        logits, state = self.network(audio, self._stream.network)
        return read_logits(logits[0, :, self.head], hops.reshape(-1, self.hop)), state

    @property
    def _said(self) -> int:
        """Position at which the newest answer was given, from the stream's origin."""
        hops = self._notes.hop
        return self.decoder.clock.emitted(hops - 1) if hops else 0

    def _placed(self, events: list[NoteEvent]) -> list[NoteEvent]:
        """Move events from the stream's own clock to the source's."""
        origin = self._at_model_rate(self._origin)
        return [_moved(event, origin) for event in events] if origin else events

    def _at_model_rate(self, sample: int) -> int:
        return sample * self.rate // self.source_rate


def read_logits(logits: Tensor, hops: NDArray[np.floating]) -> Activations:
    """What the network says, as the decoder takes it.

    logits: (hops, OUTPUTS, 88), of one look-ahead; hops: (hops, samples), the audio itself.
    """
    said = dict(zip(OUTPUTS, logits.cpu().unbind(1), strict=True))
    return Activations(
        torch.sigmoid(said["onset"]).numpy(),
        torch.sigmoid(said["frame"]).numpy(),
        torch.sigmoid(said["velocity"]).numpy(),
        torch.tanh(said["shift"]).numpy(),
        _level_db(hops),
    )


def _moved(event: NoteEvent, by: int) -> NoteEvent:
    if isinstance(event, NoteOn):
        return replace(event, onset=event.onset + by, emitted=event.emitted + by)
    return replace(event, offset=event.offset + by, emitted=event.emitted + by)


def _level_db(hops: NDArray[np.floating]) -> NDArray[np.floating]:
    return 10 * np.log10((hops.astype(np.float64) ** 2).mean(axis=1) + 1e-12)
