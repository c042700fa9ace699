"""One mode's answers read as notes: its look-ahead, its decoder, and what sounds in it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..streaming.contracts import NoteEvent, Pedal
from ..streaming.decoding import DecoderConfig
from ..streaming.notes import Activations, NoteDecoder, silence
from ..streaming.pedal import PedalDecoder, PedalState
from .config import Mode, ModelConfig
from .network import OUTPUTS, Said


class Reader:
    """``reader(said, level)`` returns the events of the next hops, on the stream's own clock.

    ``pedals`` holds what the pedal did in them, until it is emptied. decoder: None for the model's
    own, tuned for ``mode``; delay: of the resampler, samples. Raises NotewireError if the model has
    no such mode.
    """

    def __init__(
        self, config: ModelConfig, mode: Mode, decoder: DecoderConfig | None = None, delay: int = 0
    ) -> None:
        self._config, self._delay = config, delay
        self._notes, self._pedal = silence(), PedalState()
        self.pedals: list[Pedal] = []
        self.switch(mode, decoder)

    def switch(self, mode: Mode, decoder: DecoderConfig | None) -> None:
        """All look-aheads are answered at every hop: a mode is the choice of the longest heard."""
        tuned = self._config.tuned(mode)
        knobs = decoder or tuned
        self.mode: Mode = mode
        self._heads = self._config.heads(mode)
        clock = self._config.clock(mode, self._delay)
        self.decoder = NoteDecoder(knobs, clock)
        self._pedalling = PedalDecoder(knobs, clock)

    def __call__(self, said: Said, level: NDArray[np.floating]) -> list[NoteEvent]:
        """said: of one stream, without the batch; level: (hops,), see ``level_db``."""
        activations = read_logits(said.notes[:, self._heads], level)
        events, self._notes = self.decoder(activations, self._notes)
        if said.pedal is not None:
            pressed = torch.sigmoid(said.pedal[:, self._heads[-1]]).numpy()
            moves, self._pedal = self._pedalling(pressed, self._pedal)
            self.pedals += moves
        return events

    def release(self, now: int) -> list[NoteEvent]:
        """End all that sounds and let the pedal up, at sample ``now`` of the stream; read on."""
        now = max(now, self._said)
        moves, self._pedal = self._pedalling.release(self._pedal, now)
        self.pedals += moves
        events, silent = self.decoder.release(self._notes, now)
        self._notes = silent._replace(hop=self._notes.hop)
        return events

    def restart(self) -> None:
        """What comes next is the first hop of another stream."""
        self._notes, self._pedal = self._notes._replace(hop=0), PedalState()

    @property
    def sounding(self) -> list[int]:
        """The pitches held now."""
        return self._notes.sounding

    @property
    def pedal_down(self) -> bool:
        return self._pedal.down

    @property
    def hops(self) -> int:
        """Read since the stream began."""
        return self._notes.hop

    @property
    def judged(self) -> int:
        """Sample up to which it has made up its mind."""
        return self.decoder.clock.start(self._notes.hop)

    @property
    def _said(self) -> int:
        """Position at which the newest answer was given."""
        hops = self._notes.hop
        return self.decoder.clock.emitted(hops - 1) if hops else 0


def read_logits(logits: Tensor, level: NDArray[np.floating]) -> Activations:
    """What the network says, as the decoder takes it.

    logits: (hops, look-aheads, OUTPUTS, 88); level: (hops,), see ``level_db``.
    """
    said = dict(zip(OUTPUTS, logits.cpu().unbind(2), strict=True))
    return Activations(
        torch.sigmoid(said["onset"]).numpy(),
        torch.sigmoid(said["frame"]).numpy(),
        torch.sigmoid(said["velocity"]).numpy(),
        torch.tanh(said["shift"]).numpy(),
        level,
    )


def level_db(hops: NDArray[np.floating]) -> NDArray[np.floating]:
    """(hops, samples) of audio to the level of each hop, dBFS."""
    return 10 * np.log10((hops.astype(np.float64) ** 2).mean(axis=1) + 1e-12)
