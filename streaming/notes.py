"""Probabilities in, notes out: causal, frame by frame, and every note-on gets its note-off.

A key strikes when its onset probability crosses a threshold and its frame probability supports it
(that of a speaker's vowel seldom does), and may strike again once its onset probability has fallen
(hysteresis). What is sure after a short wait is said at once, what is in doubt when more of it was
heard: every look-ahead may strike, and what several of them hear of one onset is one note. A note
ends when its frame probability has stayed low for a few hops, and its end is dated back to where
the probability began to fall: reverberation holds a note longer than its key did.
``events, state = decoder(activations, state)``; ``decoder.release`` ends all that sounds.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .contracts import LOWEST_PITCH, PITCHES, NoteEvent, NoteOff, NoteOn
from .decoding import DecoderConfig, FrameClock, moved, pushed

Keys = NDArray[np.bool_]
Samples = NDArray[np.int64]
MIDDLE_C = 60
LONG_AGO = -(2**40)  # samples
ALL_KEYS, NO_KEYS = np.arange(PITCHES), np.zeros(PITCHES, np.bool_)


class Activations(NamedTuple):
    """What the network says of consecutive frames, the look-aheads in the order of the clock.

    All (answers, look-aheads, 88) but ``level``.
    """

    onset: NDArray[np.floating]  # probability that a note begins in the frame
    frame: NDArray[np.floating]  # probability that it sounds
    velocity: NDArray[np.floating]  # 0..1
    shift: NDArray[np.floating]  # place of the onset, in hops from the frame's start
    level: NDArray[np.floating]  # (answers,), input level, dBFS


class Judged(NamedTuple):
    """Activations held against the knobs, many at once; all (answers, look-aheads, 88)."""

    strikes: Keys  # likely enough for a silent key
    strikes_again: Keys  # and for one that sounds
    fallen: Keys  # so unlikely that the next onset is another one
    holds: Keys
    sings: Keys  # surely: over ``fade``
    start: Samples  # (answers, look-aheads, 1), of the frame
    onset: Samples  # best estimate of when
    likely: NDArray[np.floating]  # how likely the onset is
    velocity: NDArray[np.floating]


class Strike(NamedTuple):
    """The keys struck in a frame, all (88,), and ``told``, (look-aheads, 88): who knows of it."""

    keys: Keys
    look: NDArray[np.int64]  # who heard it, counted from the longest look-ahead, -1
    onset: Samples
    told: Keys


class DecoderState(NamedTuple):
    """What sounds, and since when; arrays are never changed in place.

    (88,) up to ``struck_by``, from there on (look-aheads, 88).
    """

    seen: int  # answers
    next_id: int
    id: NDArray[np.int64]  # 0: silent
    pitch: NDArray[np.int64]  # as sent, so that a changed transposition orphans no note
    struck: Samples  # the last onset, whether it still sounds or not
    struck_by: NDArray[np.int64]  # which look-ahead heard it, counted from the last one, -1
    quiet: NDArray[np.int64]  # answers since the frame probability held a note
    fading: NDArray[np.int64]  # answers since it was sure of one; -1: not since the strike
    armed: Keys

    @property
    def sounding(self) -> list[int]:
        """The pitches held, as sent."""
        return self.pitch[self.id > 0].tolist()


def silence(next_id: int = 1) -> DecoderState:
    """The state at the start of a stream."""
    zeros, long_ago = np.zeros(PITCHES, np.int64), np.full(PITCHES, LONG_AGO)
    never, ready = np.zeros((1, PITCHES), np.int64), np.ones((1, PITCHES), np.bool_)
    return DecoderState(0, next_id, zeros, zeros, long_ago, zeros - 1, never, never, ready)


def paced(state: DecoderState, phases: int, before: int) -> DecoderState:
    """For ``phases`` answers a hop from here on, where there were ``before``; ``seen`` stays."""
    quiet, fading = (part * phases // before for part in (state.quiet, state.fading))
    return state._replace(quiet=quiet, fading=np.maximum(fading, -1))


class NoteDecoder:
    """``events, state = decoder(activations, state)``; times count from the stream's start."""

    def __init__(self, config: DecoderConfig, clock: FrameClock) -> None:
        self.config, self.clock = config, clock
        self.hold = pushed(config.hold, config.sensitivity)
        self.fade = max(self.hold, pushed(config.fade, config.sensitivity))
        self.support = pushed(config.support, config.sensitivity)
        octaves = (np.arange(PITCHES) + LOWEST_PITCH - MIDDLE_C) / 12
        onset = moved(pushed(config.onset, config.sensitivity), config.tilt * octaves)
        # never lower: a threshold under the valleys between strikes would hear fewer of them
        restrike = max(config.restrike, pushed(config.restrike, config.sensitivity))
        sure = pushed(config.sure, config.sensitivity) if config.sure < 1 else np.inf
        own = np.array([*(sure for _ in clock.sooner), 0.0])[:, None]
        self.onset, self.restrike = np.maximum(onset, own), np.maximum(restrike, own)
        self.rearm = min(config.rearm, restrike)
        self.patience = config.release_hops * clock.phases
        self.apart, self.shortest = (
            round(ms * 1e-3 * clock.rate) for ms in (config.apart_ms, config.shortest_ms)
        )
        self.longest = round(config.longest_s * clock.rate)
        keys = np.arange(PITCHES) + LOWEST_PITCH
        self.sent = keys + config.transpose
        self.heard = (keys >= config.lowest) & (keys <= config.highest)
        self.heard &= (self.sent >= 0) & (self.sent <= 127)
        self.looks = np.arange(-1 - len(clock.sooner), 0)[:, None]

    def __call__(
        self, activations: Activations, state: DecoderState | None
    ) -> tuple[list[NoteEvent], DecoderState]:
        state = _fit(state or silence(), len(self.looks))
        events: list[NoteEvent] = []
        for row in zip(*self._judge(activations, state.seen), strict=True):
            said, state = self._frame(Judged(*row), state)
            events += said
        return events, state

    def release(self, state: DecoderState, emitted: int) -> tuple[list[NoteEvent], DecoderState]:
        """End all that sounds; ids go on, so that none is ever used twice."""
        return _ends(state, state.id > 0, emitted, emitted), silence(state.next_id)

    def _judge(self, now: Activations, seen: int) -> Judged:
        """seen: answers before these."""
        starts = self.clock.starts(seen + np.arange(len(now.level)))
        may = (now.frame >= self.support) & self.heard & (starts + self.clock.hop > 0)
        may &= (now.level >= self.config.gate_db)[:, None, None]
        return Judged(
            may & (now.onset >= self.onset),
            may & (now.onset >= self.restrike),
            now.onset < self.rearm,
            now.frame >= self.hold,
            now.frame >= self.fade,
            starts,
            starts + np.rint(now.shift * self.clock.hop).astype(np.int64),
            now.onset,
            now.velocity,
        )

    def _frame(self, now: Judged, state: DecoderState) -> tuple[list[NoteEvent], DecoderState]:
        faded = self._fades(now, state)
        heard = np.where(state.id > 0, now.strikes_again, now.strikes) & state.armed
        if not (heard.any() or faded.any()):
            return [], self._count(now, state, NO_KEYS, NO_KEYS)
        emitted = self.clock.emitted(state.seen)
        strike = self._strike(now, state, heard, faded, emitted)
        faded &= ~strike.keys
        cut = self._cuts(now, state, strike)
        events = _ends(state, (state.id > 0) & (strike.keys | faded), cut, emitted)
        ids = np.where(faded, 0, state.id)
        ids[strike.keys] = state.next_id + np.arange(strike.keys.sum())
        events += self._begins(now, strike, ids, emitted)
        after = state._replace(
            next_id=state.next_id + int(strike.keys.sum()),
            id=ids,
            pitch=np.where(strike.keys, self.sent, state.pitch),
            struck=np.where(strike.keys, strike.onset, state.struck),
            struck_by=np.where(strike.keys, strike.look, state.struck_by),
        )
        return events, self._count(now, after, strike.keys, strike.told)

    def _strike(
        self, now: Judged, state: DecoderState, heard: Keys, faded: Keys, emitted: int
    ) -> Strike:
        """The onsets that no other look-ahead said before, each by the longest that hears it.

        One look-ahead alone tells repeated notes apart by its hysteresis.
        """
        first = np.where(state.id > 0, state.struck + 1, 0)  # after the last one
        onsets = np.clip(now.onset, first, emitted)  # and not in the future
        known = state.struck + np.where(self.looks == state.struck_by, 0, self.apart)
        fresh = heard & (onsets > known)
        new = np.logical_or.reduce(fresh)
        look = np.where(new, np.where(fresh, self.looks, -PITCHES).max(0), -1)
        keys = self._admit(new, now.likely[look, ALL_KEYS], state, faded)
        return Strike(keys, look, onsets[look, ALL_KEYS], heard & (keys | ~fresh))

    def _admit(
        self, fresh: Keys, likely: NDArray[np.floating], state: DecoderState, faded: Keys
    ) -> Keys:
        """Keys that begin a note in this frame; over the polyphony limit, the likeliest."""
        sounding, keys = state.id > 0, fresh.copy()
        more = np.flatnonzero(fresh & ~sounding)
        room = max(0, self.config.polyphony - int((sounding & ~faded).sum()))
        keys[more[np.argsort(-likely[more], kind="stable")][room:]] = False
        return keys

    def _fades(self, now: Judged, state: DecoderState) -> Keys:
        """Sounding keys whose frame probability has been low for long enough, or that hang."""
        held = now.start[-1] - state.struck
        low = ~now.holds[-1] & (state.quiet[-1] + 1 >= self.patience)
        return (state.id > 0) & ((low & (held >= self.shortest)) | (held >= self.longest))

    def _cuts(self, now: Judged, state: DecoderState, strike: Strike) -> Samples:
        """Where what sounded ends: where it began to fade, or with the key's next onset.

        Before that next onset any look-ahead may have heard it fade, the shortest of them first.
        """
        fallen = np.where(state.fading < 0, state.quiet, state.fading)  # answers
        since = np.maximum(now.start - fallen * self.clock.step, state.struck + self.shortest)
        first = np.where(fallen > 0, since, strike.onset).min(0)
        return np.where(strike.keys, np.minimum(first, strike.onset), since[-1])

    def _count(self, now: Judged, state: DecoderState, struck: Keys, told: Keys) -> DecoderState:
        """A frame on; told: (look-aheads, 88), onsets that have been heard now."""
        ahead = (state.id > 0) & (now.start + self.clock.hop <= state.struck)  # of its note
        unsure = np.where(struck | (state.fading < 0), -1, state.fading + 1)
        return state._replace(
            seen=state.seen + 1,
            quiet=np.where(now.holds | struck | ahead, 0, state.quiet + 1),
            fading=np.where(ahead, -1, np.where(now.sings, 0, unsure)),
            armed=(state.armed | now.fallen) & ~told,
        )

    def _begins(
        self, now: Judged, strike: Strike, ids: NDArray[np.int64], emitted: int
    ) -> list[NoteEvent]:
        velocity = np.clip(np.rint(now.velocity[strike.look, ALL_KEYS] * 127), 1, 127)
        onset = strike.onset
        return [
            NoteOn(int(ids[k]), int(self.sent[k]), int(velocity[k]), int(onset[k]), emitted)
            for k in np.flatnonzero(strike.keys)
        ]


def _ends(state: DecoderState, which: Keys, at: Samples | int, emitted: int) -> list[NoteEvent]:
    """Note-offs at ``at``, but never before their note's own onset."""
    offsets = np.maximum(np.broadcast_to(at, which.shape), state.struck + 1)
    return [
        NoteOff(int(state.id[k]), int(state.pitch[k]), int(offsets[k]), emitted)
        for k in np.flatnonzero(which)
    ]


def _fit(state: DecoderState, looks: int) -> DecoderState:
    """For another number of look-aheads: what the longest one knew holds for all."""
    if len(state.armed) == looks:
        return state
    quiet, fading, armed = (np.repeat(part[-1:], looks, axis=0) for part in state[-3:])
    by = np.maximum(state.struck_by, -looks)
    return state._replace(struck_by=by, quiet=quiet, fading=fading, armed=armed)
