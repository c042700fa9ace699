"""Probabilities in, notes out: causal, frame by frame, and every note-on gets its note-off.

A key strikes when its onset probability crosses a threshold and its frame probability supports it
(that of a speaker's vowel seldom does), and may strike again once its onset probability has fallen
(hysteresis); it ends when its frame probability has stayed low for a few hops, and its end is dated
back to where the probability began to fall: reverberation holds a note longer than its key did.
``events, state = decoder(activations, state)``; ``decoder.release`` ends all that sounds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contracts import LOWEST_PITCH, PITCHES, NoteEvent, NoteOff, NoteOn
from .decoding import DecoderConfig, FrameClock, moved, pushed

Keys = NDArray[np.bool_]
MIDDLE_C = 60


class Activations(NamedTuple):
    """What the network says of consecutive frames; all (hops, 88) but ``level``."""

    onset: NDArray[np.floating]  # probability that a note begins in the frame
    frame: NDArray[np.floating]  # probability that it sounds
    velocity: NDArray[np.floating]  # 0..1
    shift: NDArray[np.floating]  # place of the onset, in hops from the frame's start
    level: NDArray[np.floating]  # (hops,), input level, dBFS


class DecoderState(NamedTuple):
    """What sounds, and since when. Arrays are per key; they are never changed in place."""

    hop: int  # frames seen
    next_id: int
    id: NDArray[np.int64]  # 0: silent
    pitch: NDArray[np.int64]  # as sent, so that a changed transposition orphans no note
    struck: NDArray[np.int64]  # sample of the onset
    quiet: NDArray[np.int64]  # hops since the frame probability held a note
    fading: NDArray[np.int64]  # hops since it was sure of one; -1: it has not been since the strike
    armed: Keys

    @property
    def sounding(self) -> list[int]:
        """The pitches held, as sent."""
        return self.pitch[self.id > 0].tolist()


def silence(next_id: int = 1) -> DecoderState:
    """The state at the start of a stream."""
    zeros = np.zeros(PITCHES, np.int64)
    return DecoderState(0, next_id, zeros, zeros, zeros, zeros, zeros, np.ones(PITCHES, np.bool_))


class NoteDecoder:
    """``events, state = decoder(activations, state)``; times count from the stream's start."""

    def __init__(self, config: DecoderConfig, clock: FrameClock) -> None:
        self.config, self.clock = config, clock
        self.hold = pushed(config.hold, config.sensitivity)
        self.fade = max(self.hold, pushed(config.fade, config.sensitivity))
        self.support = pushed(config.support, config.sensitivity)
        octaves = (np.arange(PITCHES) + LOWEST_PITCH - MIDDLE_C) / 12
        self.onset = moved(pushed(config.onset, config.sensitivity), config.tilt * octaves)
        # never lower: a threshold under the valleys between strikes would hear fewer of them
        self.restrike = max(config.restrike, pushed(config.restrike, config.sensitivity))
        self.rearm = min(config.rearm, self.restrike)
        self.shortest = round(config.shortest_ms * 1e-3 * clock.rate)
        self.longest = round(config.longest_s * clock.rate)
        keys = np.arange(PITCHES) + LOWEST_PITCH
        self.sent = keys + config.transpose
        self.heard = (keys >= config.lowest) & (keys <= config.highest)
        self.heard &= (self.sent >= 0) & (self.sent <= 127)

    def __call__(
        self, activations: Activations, state: DecoderState | None
    ) -> tuple[list[NoteEvent], DecoderState]:
        state = state or silence()
        events: list[NoteEvent] = []
        for row in zip(*activations, strict=True):
            said, state = self._frame(Activations(*row), state)
            events += said
        return events, state

    def release(self, state: DecoderState, emitted: int) -> tuple[list[NoteEvent], DecoderState]:
        """End all that sounds; ids go on, so that none is ever used twice."""
        return _ends(state, state.id > 0, emitted, emitted), silence(state.next_id)

    def _frame(self, now: Activations, state: DecoderState) -> tuple[list[NoteEvent], DecoderState]:
        start, emitted = self.clock.start(state.hop), self.clock.emitted(state.hop)
        faded = self._fades(now, state, start)
        struck = self._strikes(now, state, start, faded)
        faded &= ~struck
        onsets = self._onsets(now, state, start, emitted)
        fallen = np.where(state.fading < 0, state.quiet, state.fading)  # hops
        faded_from = start - fallen * self.clock.hop
        cut = np.where(struck, onsets, np.maximum(faded_from, state.struck + self.shortest))
        events = _ends(state, (state.id > 0) & (struck | faded), cut, emitted)
        ids = np.where(faded, 0, state.id)
        ids[struck] = state.next_id + np.arange(struck.sum())
        events += self._begins(struck, ids, onsets, now, emitted)
        return events, DecoderState(
            state.hop + 1,
            state.next_id + int(struck.sum()),
            ids,
            np.where(struck, self.sent, state.pitch),
            np.where(struck, onsets, state.struck),
            np.where((now.frame >= self.hold) | struck, 0, state.quiet + 1),
            self._fading(now, state, struck),
            np.where(struck, False, state.armed | (now.onset < self.rearm)),
        )

    def _strikes(self, now: Activations, state: DecoderState, start: int, faded: Keys) -> Keys:
        """Keys that begin a note in this frame; over the polyphony limit, the likeliest."""
        sounding = state.id > 0
        threshold = np.where(sounding, self.restrike, self.onset)
        struck = (now.onset >= threshold) & (now.frame >= self.support) & state.armed & self.heard
        struck &= bool(now.level >= self.config.gate_db and start + self.clock.hop > 0)
        fresh = np.flatnonzero(struck & ~sounding)
        room = max(0, self.config.polyphony - int((sounding & ~faded).sum()))
        struck[fresh[np.argsort(-now.onset[fresh], kind="stable")][room:]] = False
        return struck

    def _onsets(
        self, now: Activations, state: DecoderState, start: int, emitted: int
    ) -> NDArray[np.int64]:
        """Best estimate of when, to the sample: after the last onset, not in the future."""
        onsets = start + np.rint(now.shift * self.clock.hop).astype(np.int64)
        return np.clip(onsets, np.where(state.id > 0, state.struck + 1, 0), emitted)

    def _fades(self, now: Activations, state: DecoderState, start: int) -> Keys:
        """Sounding keys whose frame probability has been low for long enough, or that hang."""
        held = start - state.struck
        low = (now.frame < self.hold) & (state.quiet + 1 >= self.config.release_hops)
        return (state.id > 0) & ((low & (held >= self.shortest)) | (held >= self.longest))

    def _fading(self, now: Activations, state: DecoderState, struck: Keys) -> NDArray[np.int64]:
        """Hops since the frame probability was above ``fade``; a soft note may never be."""
        unsure = np.where(struck | (state.fading < 0), -1, state.fading + 1)
        return np.where(now.frame >= self.fade, 0, unsure)

    def _begins(
        self,
        struck: Keys,
        ids: NDArray[np.int64],
        onsets: NDArray[np.int64],
        now: Activations,
        emitted: int,
    ) -> list[NoteEvent]:
        velocity = np.clip(np.rint(now.velocity * 127), 1, 127)
        return [
            NoteOn(int(ids[k]), int(self.sent[k]), int(velocity[k]), int(onsets[k]), emitted)
            for k in np.flatnonzero(struck)
        ]


def _ends(
    state: DecoderState, which: Keys, at: NDArray[np.int64] | int, emitted: int
) -> list[NoteEvent]:
    """Note-offs at ``at``, but never before their note's own onset."""
    offsets = np.maximum(np.broadcast_to(at, which.shape), state.struck + 1)
    return [
        NoteOff(int(state.id[k]), int(state.pitch[k]), int(offsets[k]), emitted)
        for k in np.flatnonzero(which)
    ]
