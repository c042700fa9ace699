"""The note decoder's knobs and its clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from .contracts import LOWEST_PITCH, PITCHES

SENSITIVITY_LOGITS = 2.0  # how far the whole turn of the knob moves a threshold to each side


class DecoderConfig(BaseModel):
    """The expert's knobs; ``sensitivity`` is the one for everybody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sensitivity: float = Field(
        default=0.5, ge=0.0, le=1.0, description="0 misses more, 1 hears more"
    )
    onset: float = Field(
        default=0.5, ge=0.0, le=1.0, description="onset probability that strikes a note"
    )
    tilt: float = Field(
        default=0.0,
        ge=-2.0,
        le=2.0,
        description="how much stricter `onset` is for each octave above middle C, in logits",
    )
    support: float = Field(
        default=0.0, ge=0.0, le=1.0, description="frame probability that every strike needs"
    )
    sure: float = Field(
        default=1.0,
        ge=0.0,
        le=1.0,
        description="onset probability at which a note is said before its mode's own wait is over; "
        "1: never",
    )
    phases: int = Field(
        default=1,
        ge=1,
        le=2,
        description="2 listens twice, half a hop apart, which hears more and sooner for twice the "
        "computing",
    )
    apart_ms: float = Field(
        default=80.0,
        ge=0.0,
        description="what is heard of a key within this of its onset, after another wait, is the "
        "same onset, milliseconds",
    )
    restrike: float = Field(default=0.5, ge=0.0, le=1.0, description="the same for a sounding note")
    rearm: float = Field(
        default=0.3, ge=0.0, le=1.0, description="a note may strike again below this"
    )
    hold: float = Field(
        default=0.3, ge=0.0, le=1.0, description="frame probability that holds a note"
    )
    fade: float = Field(
        default=0.0,
        ge=0.0,
        le=1.0,
        description="where the frame probability fell below this, a note that ended is said to end",
    )
    pedal: float = Field(
        default=0.5, ge=0.0, le=1.0, description="probability at which the sustain pedal goes down"
    )
    lift: float = Field(
        default=0.5, ge=0.0, le=1.0, description="and below which it goes up; at most `pedal`"
    )
    release_hops: int = Field(default=2, ge=1, description="hops below `hold` that end a note")
    shortest_ms: float = Field(
        default=40.0, ge=0.0, description="no note ends sooner, milliseconds"
    )
    longest_s: float = Field(
        default=60.0, gt=0.0, description="every note ends by then, seconds, whatever is heard"
    )
    polyphony: int = Field(
        default=48, ge=1, le=PITCHES, description="notes at once, the likeliest first"
    )
    lowest: int = Field(default=LOWEST_PITCH, ge=0, le=127, description="lowest MIDI pitch heard")
    highest: int = Field(default=108, ge=0, le=127, description="highest MIDI pitch heard")
    transpose: int = Field(default=0, ge=-48, le=48, description="semitones added to what is sent")
    gate_db: float = Field(
        default=-70.0, le=0.0, description="level under which no note begins, dBFS"
    )


@dataclass(frozen=True, slots=True)
class FrameClock:
    """When frames lie and when they are spoken of; all in samples but ``rate`` (Hz).

    Every phase answers once a hop, and they take turns.
    """

    rate: int
    hop: int
    look_ahead: int  # heard after a frame's end before it is judged
    delay: int = 0  # held back by the resampler
    sooner: tuple[int, ...] = ()  # shorter look-aheads after which it is judged before, rising
    phases: int = 1

    @property
    def step(self) -> int:
        """From one answer to the next."""
        return self.hop // self.phases

    def start(self, answer: int) -> int:
        """First sample of the frame that the ``answer``-th answer is about."""
        return (answer + 1) * self.step - self.hop - self.look_ahead

    def starts(self, answers: NDArray[np.int64]) -> NDArray[np.int64]:
        """(answers, look-aheads, 1): the same of many and all look-aheads, the longest last."""
        waits = np.array([*self.sooner, self.look_ahead], np.int64)
        return ((answers[:, None] + 1) * self.step - self.hop - waits)[..., None]

    def emitted(self, answer: int) -> int:
        """Position of the newest input sample needed for the ``answer``-th answer."""
        return (answer + 1) * self.step + self.delay


def pushed(threshold: float, sensitivity: float) -> float:
    """Move a threshold by the turn of the knob; 0 and 1 stay, 0.5 of sensitivity moves nothing."""
    return float(moved(threshold, SENSITIVITY_LOGITS * (1.0 - 2.0 * sensitivity)))


def moved(threshold: float, logits: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """A threshold moved in the logit domain, where equal steps are equally bold."""
    odds = threshold / max(1.0 - threshold, 1e-9) * np.exp(logits)
    return odds / (1.0 + odds)
