"""Audio blocks in, note events out: the one object that owns streaming state.

Live, offline and evaluation run this object; the events depend on the samples alone, not on how
they were cut into blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from ..streaming.bends import BendFollower
from ..streaming.contracts import PITCHES, AudioBlock, Bend, Gesture, NoteEvent, NoteOn, Pedal
from ..streaming.decoding import DecoderConfig
from ..streaming.hops import rehop
from ..streaming.notes import NoteDecoder
from ..streaming.resample import Resampler, ResamplerState
from .config import Mode, ModelConfig
from .network import OUTPUTS, Network, NetworkState, Said
from .phases import Answers, Place, at_start, refit
from .reader import Reader, level_db

Event = TypeVar("Event", bound=NoteEvent | Gesture)
MOST_SECONDS = 4  # a longer block goes through in parts, so that memory stays bounded


class StreamState(NamedTuple):
    """Everything that one stream carries from block to block; at its start, nothing."""

    resampler: ResamplerState | None = None
    phases: tuple[Place, ...] = ()


class Thoughts(NamedTuple):
    """What a longer look came to: events, and the samples between which it has made up its mind."""

    events: list[NoteEvent]
    pedals: list[Pedal]
    since: int = 0
    until: int = 0


class Transcriber:
    """``feed(block)`` returns the events that the block completes; ``flush()`` ends the stream.

    rate: of the blocks, Hz. Event times are samples at ``self.rate``, counted from the sample 0 of
    the source. A block whose ``start`` is not where the last one ended releases all that sounds
    and starts anew. later: another mode that hears the same, and its decoder, see
    ``second_thoughts``; bends, pedal: whether to follow the pitch of what sounds and the sustain
    pedal, see ``gestures``.
    """

    def __init__(
        self,
        network: Network,
        config: ModelConfig,
        rate: int,
        mode: Mode = "balanced",
        decoder: DecoderConfig | None = None,
        later: tuple[Mode, DecoderConfig] | None = None,
        bends: bool = False,
        pedal: bool = False,
    ) -> None:
        self.network, self.source_rate = network, rate
        self.rate, self.hop = config.vqt.rate, config.vqt.hop
        self._weight = network.heads.weight
        self._dtype = torch.zeros((), dtype=self._weight.dtype).numpy().dtype
        self.resampler = Resampler(rate, self.rate, self._dtype)
        self._most = MOST_SECONDS * rate
        self.config = config
        self._live = Reader(config, mode, decoder, self.resampler.delay)
        self._later = Reader(config, *later, self.resampler.delay) if later else None
        self._thoughts, self._pedals = list[NoteEvent](), list[Pedal]()  # of the second thoughts
        self._follower = BendFollower(config.vqt) if bends else None
        self._gestures: list[Gesture] = []
        self._pedal = pedal
        self.level_db = -np.inf  # of the newest hop, dBFS
        self.hops = 0  # gone through the network since the start, of all phases
        self._nothing = Answers(_no_answer(network, pedal), np.zeros(0))
        self._stream = StreamState()
        self._origin = self._position = 0  # of the stream and of the next sample, at source rate

    @property
    def mode(self) -> Mode:
        return self._live.mode

    @property
    def decoder(self) -> NoteDecoder:
        return self._live.decoder

    @property
    def step(self) -> int:
        """Samples from one answer of the network to the next."""
        return self.hop // self._phases

    @property
    def later(self) -> Mode | None:
        """The mode of the second thoughts."""
        return self._later.mode if self._later else None

    @property
    def sounding(self) -> list[int]:
        """The pitches held now."""
        return self._live.sounding

    @property
    def holding(self) -> bool:
        """Whether there is anything to end, in second thoughts too: a note, or the pedal."""
        return any(reader.sounding or reader.pedal_down for reader in self._readers)

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

    def second_thoughts(self) -> Thoughts:
        """What the ``later`` mode made of the same sound since this was last asked.

        Its events are a stream of their own.
        """
        events, self._thoughts = self._thoughts, []
        pedals, self._pedals = self._pedals, []
        since = self._at_model_rate(self._origin)
        return Thoughts(events, pedals, since, since + (self._later.judged if self._later else 0))

    def gestures(self) -> list[Gesture]:
        """How what sounds has bent, and what the pedal did, since this was last asked."""
        gestures, self._gestures = self._gestures, []
        return gestures

    def switch(
        self, mode: Mode, decoder: DecoderConfig, later: DecoderConfig | None = None
    ) -> list[NoteEvent]:
        """Go on in another mode or with other thresholds; a new mode ends what sounds.

        later: the thresholds of the second thoughts, whose mode stays.
        """
        events = self._release(self._live) if mode != self.mode else []
        self._live.switch(mode, decoder)
        if self._later:
            self._later.switch(self._later.mode, later)
        if self._stream.phases:
            self._refit(self._stream.phases)
        return events

    def release(self) -> list[NoteEvent]:
        """End all that sounds, now, and listen on: for when no audio comes."""
        if self._later:
            self._thoughts += self._release(self._later)
        return self._release(self._live)

    def flush(self) -> list[NoteEvent]:
        """End the stream here: every sounding note gets its note-off."""
        return self._restart(self._position)

    def _release(self, reader: Reader) -> list[NoteEvent]:
        now = self.position - self._at_model_rate(self._origin)
        events = reader.release(now)
        if reader is self._live:
            self._follow(events, None, 0)
        self._collect(reader)
        return self._placed(events)

    def _collect(self, reader: Reader) -> None:
        """What the pedal did, from where the reader left it."""
        pedals, reader.pedals = self._placed(reader.pedals), []
        if reader is self._live:
            self._gestures += pedals
        else:
            self._pedals += pedals

    def _restart(self, start: int) -> list[NoteEvent]:
        """Release what sounds where the stream broke off; what follows begins at ``start``."""
        events = self.release()
        self._stream = StreamState()
        self._live.restart()
        if self._later:
            self._later.restart()
        self._origin = self._position = start
        return events

    @property
    def _readers(self) -> list[Reader]:
        return [self._live, self._later] if self._later else [self._live]

    @property
    def _phases(self) -> int:
        """As many as any reader reads."""
        return max(reader.phases for reader in self._readers)

    def _refit(self, places: tuple[Place, ...]) -> None:
        """Listen in as many phases as the readers read now, and let those count on from there."""
        places = refit(places, self._phases, self.hop)
        self._stream = self._stream._replace(phases=places)
        for reader in self._readers:
            reader.count_from(sum(place.hops for place in places[: reader.phases]))

    def _take(self, samples: NDArray[np.floating]) -> list[NoteEvent]:
        audio, resampler = self.resampler(samples, self._stream.resampler)
        places = self._stream.phases or at_start(self._phases, self.hop, self._dtype)
        before = places[0].hops
        answers, frames, places = zip(*(self._hear(audio, place) for place in places), strict=True)
        self._stream = StreamState(resampler, places)
        return self._read(answers, frames[0], before) if any(len(a.level) for a in answers) else []

    def _hear(
        self, audio: NDArray[np.floating], place: Place
    ) -> tuple[Answers, NDArray[np.floating] | None, Place]:
        """One phase: what was said of the hops that ``audio`` completes, and their frames."""
        hops, rest = rehop(audio, place.rest, self.hop)
        if not len(hops):
            return self._nothing, None, place._replace(rest=rest)
        said, frames, network = self._listen(hops, place.network)
        level = level_db(hops.reshape(-1, self.hop))
        self.level_db = float(level[-1])
        self.hops += len(level)
        return Answers(said, level), frames, Place(rest, network, place.hops + len(level))

    def _read(
        self, answers: Sequence[Answers], frames: NDArray[np.floating] | None, before: int
    ) -> list[NoteEvent]:
        """answers: of each phase; frames: of the first, which had answered ``before`` hops."""
        if self._later:
            self._thoughts += self._placed(self._later(answers))
            self._collect(self._later)
        events = self._live(answers)
        self._follow(events, frames, before)
        self._collect(self._live)
        return self._placed(events)

    def _follow(
        self, events: list[NoteEvent], frames: NDArray[np.floating] | None, before: int
    ) -> None:
        """Tell the follower, hop by hop, what was said and seen; before: hops of the stream."""
        if self._follower is None:
            return
        transpose = self.decoder.config.transpose
        waiting, bends = list(events), list[Bend]()
        for hop, frame in enumerate([] if frames is None else frames, before):
            now = (hop + 1) * self.hop + self.resampler.delay
            while waiting and waiting[0].emitted <= now:
                self._follower.hear(waiting.pop(0), transpose)
            bends += self._follower.follow(frame, (hop + 1) * self.hop, now)
        for event in waiting:
            self._follower.hear(event, transpose)
        self._gestures += self._placed(bends)

    @torch.inference_mode()
    def _listen(
        self, hops: NDArray[np.floating], state: NetworkState | None
    ) -> tuple[Said, NDArray[np.floating], NetworkState]:
        """What is said, without the batch, and frames (hops, bins)."""
        audio = torch.from_numpy(hops).to(self._weight.device)[None]
        said, frames, state = self.network.hear(audio, state, self._pedal)
        pedal = None if said.pedal is None else said.pedal[0].cpu()
        return Said(said.notes[0].cpu(), pedal), frames[0].cpu().numpy(), state

    def _placed(self, events: list[Event]) -> list[Event]:
        """Move events from the stream's own clock to the source's."""
        origin = self._at_model_rate(self._origin)
        return [_moved(event, origin) for event in events] if origin else events

    def _at_model_rate(self, sample: int) -> int:
        return sample * self.rate // self.source_rate


def _no_answer(network: Network, pedal: bool) -> Said:
    """What is said of no hop at all."""
    looks = len(network.look_aheads)
    notes = torch.zeros(0, looks, len(OUTPUTS), PITCHES, dtype=network.heads.weight.dtype)
    return Said(notes, notes.new_zeros(0, looks) if pedal and network.pedal else None)


def _moved(event: Event, by: int) -> Event:
    if isinstance(event, Bend | Pedal):
        return replace(event, at=event.at + by, emitted=event.emitted + by)
    if isinstance(event, NoteOn):
        return replace(event, onset=event.onset + by, emitted=event.emitted + by)
    return replace(event, offset=event.offset + by, emitted=event.emitted + by)
