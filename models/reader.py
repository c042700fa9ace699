"""One mode's answers read as notes: its look-ahead, its decoder, and what sounds in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from ..streaming.contracts import NoteEvent, Pedal
from ..streaming.decoding import DecoderConfig
from ..streaming.notes import Activations, NoteDecoder, paced, silence
from ..streaming.pedal import PedalDecoder, PedalState
from .config import Mode, ModelConfig
from .network import OUTPUTS
from .phases import Answers, Values, in_turn, steadied

FRAME = OUTPUTS.index("frame")


class Reader:
    """``reader(answers)`` returns the events of the next hops, on the stream's own clock.

    ``pedals`` holds what the pedal did in them, until it is emptied. decoder: None for the model's
    own, tuned for ``mode``; delay: of the resampler, samples. Raises NotewireError if the model has
    no such mode.
    """

    def __init__(
        self, config: ModelConfig, mode: Mode, decoder: DecoderConfig | None = None, delay: int = 0
    ) -> None:
        self._config, self._delay = config, delay
        self._notes, self._pedal = silence(), PedalState()
        self._frames: Values | None = None  # the newest frame logits of the other phases,
        self._pressed: Values | None = None  # and the pedal's
        self.pedals: list[Pedal] = []
        self.mode: Mode = mode
        self.phases = 1
        self.switch(mode, decoder)

    def switch(self, mode: Mode, decoder: DecoderConfig | None) -> None:
        """All look-aheads are answered at every hop: a mode is the choice of the longest heard.

        Where the number of phases changes in a stream, ``count_from`` has to follow.
        """
        tuned = self._config.tuned(mode)
        knobs = decoder or tuned
        if (mode, knobs.phases) != (self.mode, self.phases):
            self._frames = self._pressed = None
        self._notes = paced(self._notes, knobs.phases, self.phases)
        self.mode, self.phases = mode, knobs.phases
        self._heads = np.array(self._config.heads(mode))
        clock = self._config.clock(mode, self._delay, knobs.phases)
        self.decoder = NoteDecoder(knobs, clock)
        self._pedalling = PedalDecoder(knobs, clock)

    def count_from(self, answered: int) -> None:
        """So many answers of its phases came before the next."""
        self._notes = self._notes._replace(seen=answered)
        self._pedal = self._pedal._replace(seen=answered)

    def __call__(self, answers: Sequence[Answers]) -> list[NoteEvent]:
        """answers: of each phase; the first ``phases`` of them are read."""
        activations, pressed = self.activations(answers)
        events, self._notes = self.decoder(activations, self._notes)
        if pressed is not None:
            moves, self._pedal = self._pedalling(pressed, self._pedal)
            self.pedals += moves
        return events

    def activations(self, answers: Sequence[Answers]) -> tuple[Activations, Values | None]:
        """The newest answers, as the decoders take them once; (answers,) of the pedal, if at all.

        How long something lasts is for all phases to say together; an onset, for each alone.
        """
        heard, seen = answers[: self.phases], self._notes.seen
        said = [phase.said.notes.numpy(force=True)[:, self._heads] for phase in heard]
        notes = in_turn(said, seen)
        frames, self._frames = steadied(notes[:, :, FRAME], self._frames, self.phases)
        notes[:, :, FRAME] = frames
        level = in_turn([phase.level for phase in heard], seen)
        return read_logits(notes, level), self._press(heard)

    def release(self, now: int) -> list[NoteEvent]:
        """End all that sounds and let the pedal up, at sample ``now`` of the stream; read on."""
        now = max(now, self._said)
        moves, self._pedal = self._pedalling.release(self._pedal, now)
        self.pedals += moves
        events, silent = self.decoder.release(self._notes, now)
        self._notes = silent._replace(seen=self._notes.seen)
        return events

    def restart(self) -> None:
        """What comes next is the first hop of another stream."""
        self._notes, self._pedal = self._notes._replace(seen=0), PedalState()
        self._frames = self._pressed = None

    @property
    def sounding(self) -> list[int]:
        """The pitches held now."""
        return self._notes.sounding

    @property
    def pedal_down(self) -> bool:
        return self._pedal.down

    @property
    def judged(self) -> int:
        """Sample up to which it has made up its mind."""
        return self.decoder.clock.start(self._notes.seen)

    @property
    def _said(self) -> int:
        """Position at which the newest answer was given."""
        seen = self._notes.seen
        return self.decoder.clock.emitted(seen - 1) if seen else 0

    def _press(self, heard: Sequence[Answers]) -> Values | None:
        """(answers,), probability that the pedal is down; None where nobody listens for it."""
        own = int(self._heads[-1])
        said = [phase.said.pedal for phase in heard if phase.said.pedal is not None]
        if len(said) < len(heard):
            return None
        parts = [pressed.numpy(force=True)[:, own] for pressed in said]
        logits = in_turn(parts, self._notes.seen)
        logits, self._pressed = steadied(logits, self._pressed, self.phases)
        return expit(logits)


def read_logits(logits: Values, level: Values) -> Activations:
    """What the network says, as the decoder takes it.

    logits: (answers, look-aheads, OUTPUTS, 88); level: (answers,), see ``level_db``.
    """
    onset, frame, _, velocity, shift = (logits[:, :, i] for i in range(len(OUTPUTS)))
    return Activations(expit(onset), expit(frame), expit(velocity), np.tanh(shift), level)


def level_db(hops: Values) -> Values:
    """(hops, samples) of audio to the level of each hop, dBFS."""
    hops = hops.astype(np.float64)
    return 10 * np.log10(np.einsum("hs,hs->h", hops, hops) / hops.shape[1] + 1e-12)
